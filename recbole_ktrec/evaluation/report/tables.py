"""The numbers of the report as plain tables, for Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recbole_ktrec.evaluation.measures import MEASURES, in_main_table, is_smaller_better, measure_of
from recbole_ktrec.evaluation.report.summary import FEW, Summary, is_tied, title
from recbole_ktrec.evaluation.report.wording import compared, is_lost, listed, ratio

#: Groups of the second table, in this order, where there are such.
GROUPS = (
    ("warm", "Warm items"),
    ("cold", "Cold items"),
    ("cold only", "Cold among cold"),
    ("head", "Head"),
    ("middle", "Middle"),
    ("tail", "Tail"),
    ("warm users", "Warm users"),
    ("cold users", "Cold users"),
    ("validation known", "Validation known"),
)


@dataclass(frozen=True)
class Cell:
    """One number with what is known of it."""

    text: str
    note: str = ""
    best: bool = False
    tied: bool = False
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """Header cells and rows; the first cell of a row is the model."""

    header: list[str]
    rows: list[list[Cell]] = field(default_factory=list)


def cell(summary: Summary, model: str, metric: str) -> Cell:
    """The cell of one number: mean, spread over seeds, and what the comparison with the best says."""
    row = summary.rows.get((model, metric))
    if row is None:
        return Cell("–")
    own = measure_of(metric)
    digits = own.digits if own else 4 if "@" in metric else 3
    spread = "" if row["std"] is None else f"± {row['std']:.{digits}f}"
    if row["seeds"] < len(summary.grid["seeds"]):
        spread = f"{spread} ({row['seeds']} of {len(summary.grid['seeds'])} seeds)".strip()
    against = row["comparison"]
    detail = compared(against, is_smaller_better(metric)) if against else ""
    if (asked := summary.asked(metric.rpartition("/")[0])) is not None and asked < FEW:
        return Cell(f"{row['mean']:.{digits}f}", spread, detail=detail)
    return Cell(f"{row['mean']:.{digits}f}", spread, row["best"], is_tied(row), detail)


def metric_table(summary: Summary, metrics: Sequence[str], names: Iterable[str] | None = None) -> Table:
    """A table of ``metrics`` for every model."""
    header = ["Model", *(names or map(title, metrics))]
    return Table(header, [[Cell(m), *(cell(summary, m, metric) for metric in metrics)] for m in summary.models])


def main_table(summary: Summary) -> Table:
    """The table that answers: which is best, and is the difference real?"""
    return metric_table(summary, main_metrics(summary))


def main_metrics(summary: Summary) -> list[str]:
    """Metrics of the main table: the validation metric first, the others at its k, then accuracy and coverage."""
    ranking = ranking_metrics(summary, [summary.k])
    ranking = [summary.main, *(name for name in ranking if name != summary.main)]
    return [name for name in [*ranking, *in_main_table(summary.k)] if summary.has(name)]


def ranking_metrics(summary: Summary, cuts: Iterable[int]) -> list[str]:
    """The metrics of the grid at each of ``cuts``; those over whole rankings, such as GAUC, have no k."""
    names = [(name.lower(), f"{name.lower()}@{k}") for k in cuts for name in summary.grid["metrics"]]
    return list(dict.fromkeys(whole if summary.has(whole) else at_k for whole, at_k in names))


def overviews(results: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """The validation metric, accuracy and coverage of every model over all data sets; nothing for a single one."""
    summaries = [Summary(results, name) for name in results["datasets"]]
    if len(summaries) < 2:
        return []
    header = ["Model", *results["datasets"]]
    models = [label for label in results["grid"]["models"] if any(label in summary.models for summary in summaries)]
    metrics = [summaries[0].main, *in_main_table(summaries[0].k)]
    return [
        (title(metric), Table(header, [[Cell(m), *(cell(one, m, metric) for one in summaries)] for m in models]))
        for metric in metrics
        if any(one.has(metric) for one in summaries)
    ]


def sections(summary: Summary) -> list[tuple[str, Table]]:
    """Return the tables of a data set after the first one, each with its heading; those that say nothing left out."""
    found = (
        (f"{title(summary.main)} by group", group_table(summary)),
        (f"{title(summary.main)} by length of the user's history", history_table(summary)),
        ("How new users' histories were taken in", fold_in_table(summary)),
        ("What the lists are like", list_table(summary)),
        ("Variants beside their model", variant_table(summary)),
        ("Chosen on validation data", tuned_table(summary)),
        ("Cost of one run", cost_table(summary)),
    )
    return [(heading, table) for heading, table in found if table is not None]


def group_table(summary: Summary) -> Table | None:
    """The validation metric by group of items and users."""
    groups = [(g, name) for g, name in GROUPS if summary.has(f"{g}/{summary.main}")]
    if "cold users" not in dict(groups):
        groups = [(g, name) for g, name in groups if g != "warm users"]
    if not groups:
        return None
    names = [summary.named(group, name) for group, name in groups]
    return metric_table(summary, [f"{group}/{summary.main}" for group, _ in groups], names)


def history_table(summary: Summary) -> Table | None:
    """The validation metric by the length of the users' histories."""
    found = {name.partition("/")[0] for _, name in summary.rows if name.startswith("history ")}
    groups = sorted(found, key=lambda name: int(name[len("history ") :].rstrip("+").partition("-")[0]))
    if len(groups) < 2:
        return None
    names = [summary.named(group, f"{group[len('history ') :]} known") for group in groups]
    return metric_table(summary, [f"{group}/{summary.main}" for group in groups], names)


def fold_in_table(summary: Summary) -> Table | None:
    """How each model took in the histories of new users; None where no histories came after training."""
    ways = {run["model"]: run["fold_in"] for run in summary.runs if run.get("fold_in")}
    if not ways:
        return None
    return Table(["Model", "Way"], [[Cell(model), Cell(ways[model])] for model in summary.models if model in ways])


def list_table(summary: Summary) -> Table:
    """Coverage, novelty and diversity of the lists at every k."""
    names = [f"{name}@{k}" for name, one in MEASURES.items() if one.at_k for k in summary.grid["topk"]]
    return metric_table(summary, [name for name in names if summary.has(name)])


def variant_table(summary: Summary) -> Table | None:
    """Each variant against the row of its model, by the validation metric; None without a pair."""
    header = ["Variant", "of", title(summary.main), "of the model", "Model / variant", "Difference", "p (Holm)"]
    return Table(header, [_variant_row(row) for row in summary.variants]) if summary.variants else None


def _variant_row(row: Mapping[str, Any]) -> list[Cell]:
    found = row["comparison"]
    low, high = found["interval"]
    texts = [row["model"], found["with"], f"{row['mean']:.4f}", f"{row['mean_with']:.4f}", ratio(row)]
    texts += [f"{found['difference']:+.4f} [{low:+.4f}, {high:+.4f}]", f"{found['p_holm']:.4f}"]
    return [Cell(text) for text in texts]


def tuned_table(summary: Summary) -> Table | None:
    """What the tuning trials chose for each model; None where there were none."""
    if not summary.trials:
        return None
    rows = []
    for model in dict.fromkeys(trial["model"] for trial in summary.trials):
        own = [trial for trial in summary.trials if trial["model"] == model]
        chosen = next((trial for trial in own if trial["chosen"]), None)
        settings = "no trial has a result" if chosen is None else listed(chosen["settings"])
        lost = sum(map(is_lost, own))
        number = f"{len(own)}, of which {lost} failed" if lost else str(len(own))
        rows.append([Cell(model), Cell(number), Cell(settings)])
    return Table(["Model", "Trials", "Chosen"], rows)


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


def full_table(summary: Summary) -> Table:
    """Every number at every k."""
    cuts = summary.grid["topk"]
    lists = [f"{name}@{k}" for k in cuts for name, one in MEASURES.items() if one.at_k]
    names = [*ranking_metrics(summary, cuts), *(name for name, one in MEASURES.items() if not one.at_k), *lists]
    return metric_table(summary, [name for name in names if summary.has(name)])
