"""What the plugin is worth beside built-in models, and the settings of a variant: its row against its model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_ktrec.evaluation.direction import is_smaller_better
from recbole_ktrec.evaluation.report.tables import Cell, Summary, Table, own_models, title

#: The row that is EASE with its strength chosen on validation data: a baseline, though KTEASE computes it.
EASE_AUTO = "EASE-auto"
#: How the names of rows end that read no texts but are as their model otherwise.
WITHOUT_TEXTS = "-no-text"


def _of(results: Mapping[str, Any], summary: Summary) -> list[dict[str, Any]]:
    return [row for row in results.get("variants") or [] if row["dataset"] == summary.dataset]


def variant_table(results: Mapping[str, Any], summary: Summary) -> Table | None:
    """Each variant against the row of its model, by the validation metric; None without a pair."""
    rows = _of(results, summary)
    header = ["Variant", "of", title(summary.main), "of the model", "Model / variant", "Difference", "p (Holm)"]
    return Table(header, [_row(row) for row in rows]) if rows else None


def _row(row: Mapping[str, Any]) -> list[Cell]:
    found = row["comparison"]
    low, high = found["interval"]
    texts = [row["model"], found["with"], f"{row['mean']:.4f}", f"{row['mean_with']:.4f}", _ratio(row)]
    texts += [f"{found['difference']:+.4f} [{low:+.4f}, {high:+.4f}]", f"{found['p_holm']:.4f}"]
    return [Cell(text) for text in texts]


def _ratio(row: Mapping[str, Any]) -> str:
    return f"{row['mean_with'] / row['mean']:.2f}" if row["mean"] else "–"


def against_built_in(summary: Summary) -> list[str]:
    """Say how many times as good the plugin's best row is as the best of RecBole's models and ``EASE-auto``."""
    own = own_models(summary.runs) - {EASE_AUTO}
    mine, others = ([row for row in summary.models if (row in own) is ours] for ours in (True, False))
    if not mine or not others or is_smaller_better(summary.main):
        return []
    best, other = (summary.rows[rows[0], summary.main]["mean"] for rows in (mine, others))
    if not other > 0:
        return []
    return [f"{mine[0]} has {best / other:.2f} x the {title(summary.main)} of {others[0]}, the best built-in row."]


def texts_worth(results: Mapping[str, Any], summary: Summary) -> list[str]:
    """Say of the best model that has a row without texts, too, what the texts give it; the table has the others."""
    rows = [row for row in _of(results, summary) if row["model"].endswith(WITHOUT_TEXTS)]
    best = min(rows, key=lambda row: summary.models.index(row["comparison"]["with"]), default=None)
    return [] if best is None else [_worth(best, summary.main)]


def _worth(row: Mapping[str, Any], metric: str) -> str:
    found = row["comparison"]
    better = (found["difference"] > 0) != is_smaller_better(metric)
    what = "help" if better else "do harm"
    told = f"The texts {what}" if found["distinguishable"] else "What the texts give may be chance"
    return (
        f"{told}: {found['with']} has {title(metric)} {row['mean_with']:.4f} with them and {row['mean']:.4f} without "
        f"({row['model']}), {_ratio(row)} x, p = {found['p_holm']:.4f}."
    )
