"""What the report says of one data set in sentences: who is best, what is worth knowing beside it, what failed."""

from __future__ import annotations

from recbole_ktrec.evaluation.measures import is_smaller_better
from recbole_ktrec.evaluation.report.summary import FEW, Summary, is_tied, own_models, title, users_models
from recbole_ktrec.evaluation.report.wording import is_lost, lost_trial, ratio

#: Share of the metric on known items that the best model of all may lack without a word.
_LITTLE = 0.02
#: The row that is EASE with its strength chosen on validation data: a baseline, though KTEASE computes it.
EASE_AUTO = "EASE-auto"
#: How the names of rows end that read no texts but are as their model otherwise.
WITHOUT_TEXTS = "-no-text"


def verdict(summary: Summary) -> str:
    """Say which model is best by the validation metric, who is not told from it, and who was not compared with it."""
    if not summary.models:
        return "No model has a result."
    rows = {model: summary.rows[model, summary.main] for model in summary.models}
    best, *others = summary.models
    if len(others) and len({row["mean"] for row in rows.values()}) < 2:
        return f"All models have {title(summary.main)} {rows[best]['mean']:.4f}."
    alike = [model for model in others if rows[model]["best"]]
    untested = [model for model in others if model not in alike and not rows[model]["comparison"]]
    tied = [model for model in others if is_tied(rows[model])]
    ahead = [model for model in others if summary.is_ahead(model)]
    text = f"{best} is best on {title(summary.main)} with {rows[best]['mean']:.4f}"
    text += f", as {'are' if len(alike) > 1 else 'is'} {', '.join(alike)} with the same value" if alike else ""
    text += f", but not distinguishable from {', '.join(tied)}" if tied else ""
    text += f"; {', '.join(ahead)}, without a result of every seed, above it on the others" if ahead else ""
    if untested:
        return f"{text}; how far above {', '.join(untested)} is chance was not tested."
    below = len(others) - len(alike) - len(tied) - len(ahead)
    return f"{text}; every other model is significantly below {best if tied else 'it'}." if below else f"{text}."


def remarks(summary: Summary) -> list[str]:
    """Return what is said of a data set after who is best."""
    return [said for said in (against_built_in(summary), known_items(summary), texts_worth(summary)) if said]


def against_built_in(summary: Summary) -> str:
    """Say how many times as good the plugin's best row is as the best of RecBole's models and ``EASE-auto``."""
    own, users = own_models(summary.runs) - {EASE_AUTO}, users_models(summary.runs)
    compared = [row for row in summary.models if row not in users]
    mine, others = ([row for row in compared if (row in own) is ours] for ours in (True, False))
    if not mine or not others or is_smaller_better(summary.main):
        return ""
    best, other = (summary.rows[rows[0], summary.main]["mean"] for rows in (mine, others))
    if not other > 0:
        return ""
    return f"{mine[0]} has {best / other:.2f} x the {title(summary.main)} of {others[0]}, the best built-in row."


def known_items(summary: Summary) -> str:
    """Say who is ahead where known items are asked for, if the best of all is clearly behind there; else nothing.

    Nor where fewer than ``FEW`` users ask for one, of whom no model is marked as best in the table.
    """
    if (asked := summary.asked("warm")) is not None and asked < FEW:
        return ""
    rows = {model: summary.rows.get((model, f"warm/{summary.main}")) for model in summary.models}
    values = {model: row["mean"] for model, row in rows.items() if row}
    if not summary.has(f"cold/{summary.main}") or summary.models[0] not in values or is_smaller_better(summary.main):
        return ""
    best, ahead = summary.models[0], max(values, key=lambda model: values[model])
    if values[best] >= (1 - _LITTLE) * values[ahead]:
        return ""
    return (
        f"Where known items are asked for, {ahead} is ahead with {values[ahead]:.4f}, {best} has {values[best]:.4f}: "
        "new items stand among all there, and how often they are asked for here decides what is best for all. With "
        "KTRec and KTEASE cold_warm_loss bounds what new items may cost known ones."
    )


def texts_worth(summary: Summary) -> str:
    """Say of the best model that has a row without texts, too, what the texts give it; the table has the others."""
    rows = [row for row in summary.variants if row["model"].endswith(WITHOUT_TEXTS)]
    if not rows:
        return ""
    row = min(rows, key=lambda row: summary.models.index(row["comparison"]["with"]))
    found, metric = row["comparison"], summary.main
    better = (found["difference"] > 0) != is_smaller_better(metric)
    what = "help" if better else "do harm"
    told = f"The texts {what}" if found["distinguishable"] else "What the texts give may be chance"
    return (
        f"{told}: {found['with']} has {title(metric)} {row['mean_with']:.4f} with them and {row['mean']:.4f} without "
        f"({row['model']}), {ratio(row)} x, p = {found['p_holm']:.4f}."
    )


def failures(summary: Summary) -> list[str]:
    """Runs and trials without a result, and why."""
    runs = [f"{run['model']}, seed {run['seed']}: {run['error']}" for run in summary.runs if run["status"] != "done"]
    return runs + [lost_trial(trial) for trial in summary.trials if is_lost(trial)]
