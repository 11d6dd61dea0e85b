"""What follows the verdict and the first table of a data set: remarks, groups, lists, variants, tuning, cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_ktrec.evaluation.report.tables import (
    Cell,
    Summary,
    Table,
    group_table,
    history_table,
    known_items,
    list_table,
    title,
)
from recbole_ktrec.evaluation.report.variants import against_built_in, texts_worth, variant_table


def remarks(results: Mapping[str, Any], summary: Summary) -> list[str]:
    """Return what is said of a data set after who is best."""
    return [*against_built_in(summary), *filter(None, [known_items(summary)]), *texts_worth(results, summary)]


def cost_table(summary: Summary) -> Table:
    """What the models took: mean over the seeds of one run."""
    header = ["Model", "To best (s)", "Build and fit (s)", "Best epoch", "Peak memory", "Parameters"]
    rows = []
    for model in summary.models:
        build, fit = (summary.cost(model, "timing", f"{part}_seconds") for part in ("build", "fit"))
        whole = None if fit is None else fit + (build or 0.0)  # closed forms are trained while they are built
        numbers = [summary.cost(model, "timing", "seconds_to_best"), whole]
        cells = [Cell("–" if n is None else f"{n:.1f}") for n in numbers]
        epoch, memory = summary.cost(model, "best_epoch"), summary.cost(model, "memory", "peak_bytes")
        cells.append(Cell("–" if epoch is None else f"{epoch:.0f}"))
        cells.append(Cell("–" if memory is None else f"{memory / 2**30:.2f} GiB"))
        count = int(summary.cost(model, "parameters") or 0)
        cells.append(Cell(f"{count:,}" if count > 1 else "–"))  # RecBole's optimiser wants one of models without any
        rows.append([Cell(model), *cells])
    return Table(header, rows)


def trials_of(results: Mapping[str, Any], dataset: str) -> list[dict[str, Any]]:
    """Tuning trials of a data set."""
    return [trial for trial in results.get("tuning") or [] if trial["dataset"] == dataset]


def is_lost(trial: Mapping[str, Any]) -> bool:
    """Whether a trial has no result."""
    return bool(trial.get("status", "done") != "done")


def lost_trial(trial: Mapping[str, Any]) -> str:
    """Say which trial has no result, and why."""
    why = trial.get("error") or "The job has no result."
    return f"{trial['model']}, trial {trial['trial']} ({_listed(trial['settings'])}): {why}"


def failures(results: Mapping[str, Any], summary: Summary) -> list[str]:
    """Runs and trials without a result, and why."""
    runs = [f"{run['model']}, seed {run['seed']}: {run['error']}" for run in summary.failures]
    return runs + [lost_trial(trial) for trial in trials_of(results, summary.dataset) if is_lost(trial)]


def tuned_table(results: Mapping[str, Any], dataset: str) -> Table | None:
    """What the tuning trials chose for each model; None where there were none."""
    trials = trials_of(results, dataset)
    if not trials:
        return None
    rows = []
    for model in dict.fromkeys(trial["model"] for trial in trials):
        own = [trial for trial in trials if trial["model"] == model]
        chosen = next((trial for trial in own if trial["chosen"]), None)
        settings = "no trial has a result" if chosen is None else _listed(chosen["settings"])
        lost = sum(map(is_lost, own))
        number = f"{len(own)}, of which {lost} failed" if lost else str(len(own))
        rows.append([Cell(model), Cell(number), Cell(settings)])
    return Table(["Model", "Trials", "Chosen"], rows)


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items()) or "its defaults"


def fold_in_table(summary: Summary) -> Table | None:
    """How each model took in the histories of new users; None where no histories came after training."""
    ways = {run["model"]: run["fold_in"] for run in summary.runs if run.get("fold_in")}
    if not ways:
        return None
    return Table(["Model", "Way"], [[Cell(model), Cell(ways[model])] for model in summary.models if model in ways])


def sections(results: Mapping[str, Any], summary: Summary) -> list[tuple[str, Table]]:
    """Return the tables of a data set after the first one, each with its heading; those that say nothing left out."""
    found = (
        (f"{title(summary.main)} by group", group_table(summary)),
        (f"{title(summary.main)} by length of the user's history", history_table(summary)),
        ("How new users' histories were taken in", fold_in_table(summary)),
        ("What the lists are like", list_table(summary)),
        ("Variants beside their model", variant_table(results, summary)),
        ("Chosen on validation data", tuned_table(results, summary.dataset)),
        ("Cost of one run", cost_table(summary)),
    )
    return [(heading, table) for heading, table in found if table is not None]
