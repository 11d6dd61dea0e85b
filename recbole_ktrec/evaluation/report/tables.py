"""The numbers of the report as plain tables, for Markdown and HTML alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recbole_ktrec.evaluation.direction import is_smaller_better
from recbole_ktrec.evaluation.measures import MEASURES, in_main_table, measure_of
from recbole_ktrec.evaluation.report.wording import compared
from recbole_ktrec.register import MODELS

#: Names of metrics for people; others are written as RecBole writes them.
NAMES = {"ndcg": "NDCG", "mrr": "MRR", "map": "MAP", "gauc": "GAUC"}
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
#: Users below which a group says little: none of its models is marked as best, and nothing is drawn.
FEW = 30
#: Share of the metric on known items that the best model of all may lack without a word.
_LITTLE = 0.02


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


def title(metric: str) -> str:
    """``ndcg@10`` -> ``NDCG@10``."""
    name, at, k = metric.partition("@")
    own = measure_of(metric)
    return f"{own.title if own else NAMES.get(name, name.replace('_', ' ').capitalize())}{at}{k}"


class Summary:
    """The summary of one data set, to look values up in.

    Args:
        results: the whole results.
        dataset: which data set.
    """

    def __init__(self, results: Mapping[str, Any], dataset: str) -> None:
        self.results, self.dataset = results, dataset
        self.grid = results["grid"]
        self.rows = {(r["model"], r["metric"]): r for r in results["summary"] if r["dataset"] == dataset}
        self.runs = [run for run in results["runs"] if run["dataset"] == dataset]
        self.main: str = self.grid["valid_metric"].lower()
        self.k = int(self.main.partition("@")[2])

    @property
    def models(self) -> list[str]:
        """Labels with a result, best first by the validation metric, as measured on test."""
        done = [label for label in self.grid["models"] if (label, self.main) in self.rows]
        sign = 1 if is_smaller_better(self.main) else -1
        rows = {label: self.rows[label, self.main] for label in done}
        return sorted(done, key=lambda label: (not rows[label]["best"], sign * rows[label]["mean"]))

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers must know."""
        return list(self.results["datasets"][self.dataset]["notes"])

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Runs without a result."""
        return [run for run in self.runs if run["status"] != "done"]

    def has(self, metric: str) -> bool:
        """Whether any model has ``metric``."""
        return any(name == metric for _, name in self.rows)

    def cell(self, model: str, metric: str) -> Cell:
        """The cell of one number: mean, spread over seeds, and what the comparison with the best says."""
        row = self.rows.get((model, metric))
        if row is None:
            return Cell("–")
        own = measure_of(metric)
        digits = own.digits if own else 4 if "@" in metric else 3
        spread = "" if row["std"] is None else f"± {row['std']:.{digits}f}"
        if row["seeds"] < len(self.grid["seeds"]):
            spread = f"{spread} ({row['seeds']} of {len(self.grid['seeds'])} seeds)".strip()
        against = row["comparison"]
        detail = compared(against, is_smaller_better(metric)) if against else ""
        if (asked := self.asked(metric.rpartition("/")[0])) is not None and asked < FEW:
            return Cell(f"{row['mean']:.{digits}f}", spread, detail=detail)
        return Cell(f"{row['mean']:.{digits}f}", spread, row["best"], is_tied(row), detail)

    def is_ahead(self, model: str) -> bool:
        """Whether a model is significantly better than the best one: on those seeds that it has, if not on all."""
        against = self.rows[model, self.main]["comparison"]
        if not against or not against["distinguishable"]:
            return False
        return bool((against["difference"] > 0) == is_smaller_better(self.main))

    def asked(self, group: str) -> float | None:
        """Users who are asked for an item of ``group``, mean over seeds; None where that was not kept."""
        found = [(run.get("groups") or {}).get(group) for run in self.runs if run["status"] == "done"]
        rows = [part["rows"] for part in found if isinstance(part, Mapping)]
        return sum(rows) / len(rows) if rows else None

    def named(self, group: str, name: str) -> str:
        """Return the header of ``group``: its ``name`` and how many users it is about."""
        asked = self.asked(group)
        return name if asked is None else f"{name} (n {asked:,.0f})"

    def cost(self, model: str, *keys: str) -> float | None:
        """Mean over seeds of a number of the runs, such as ``("timing", "train_seconds")``."""
        numbers: list[float] = []
        for run in self.runs:
            value: Any = run
            for key in keys:
                value = value.get(key) if isinstance(value, Mapping) else None
            if run["model"] == model and run["status"] == "done" and value is not None:
                numbers.append(float(value))
        return sum(numbers) / len(numbers) if numbers else None


def own_models(runs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Labels of the ``runs`` whose model is one of the plugin."""
    return {run["model"] for run in runs if run.get("class") in MODELS}


def is_tied(row: Mapping[str, Any]) -> bool:
    """Whether the row was compared with the best one and is not told from it."""
    return bool(row["comparison"]) and not row["comparison"]["distinguishable"]


def ranking_metrics(summary: Summary, cuts: Iterable[int]) -> list[str]:
    """The metrics of the grid at each of ``cuts``; those over whole rankings, such as GAUC, have no k."""
    names = [(name.lower(), f"{name.lower()}@{k}") for k in cuts for name in summary.grid["metrics"]]
    return list(dict.fromkeys(whole if summary.has(whole) else at_k for whole, at_k in names))


def main_metrics(summary: Summary) -> list[str]:
    """Metrics of the main table: the validation metric first, the others at its k, then accuracy and coverage."""
    ranking = ranking_metrics(summary, [summary.k])
    ranking = [summary.main, *(name for name in ranking if name != summary.main)]
    return [name for name in [*ranking, *in_main_table(summary.k)] if summary.has(name)]


def metric_table(summary: Summary, metrics: Sequence[str], names: Iterable[str] | None = None) -> Table:
    """A table of ``metrics`` for every model."""
    header = ["Model", *(names or map(title, metrics))]
    return Table(header, [[Cell(m), *(summary.cell(m, metric) for metric in metrics)] for m in summary.models])


def main_table(summary: Summary) -> Table:
    """The table that answers: which is best, and is the difference real?"""
    return metric_table(summary, main_metrics(summary))


def overview(results: Mapping[str, Any], metric: str) -> Table | None:
    """One metric for every model and data set; None for a single data set."""
    summaries = [Summary(results, name) for name in results["datasets"]]
    models = [label for label in results["grid"]["models"] if any(label in summary.models for summary in summaries)]
    if len(summaries) < 2 or not any(summary.has(metric) for summary in summaries):
        return None
    rows = [[Cell(model), *(summary.cell(model, metric) for summary in summaries)] for model in models]
    return Table(["Model", *results["datasets"]], rows)


def overviews(results: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """The validation metric, accuracy and coverage over all data sets, for a comparison on several."""
    main = str(results["grid"]["valid_metric"]).lower()
    found = [(title(name), overview(results, name)) for name in (main, *in_main_table(main.partition("@")[2]))]
    return [(name, table) for name, table in found if table is not None]


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


def full_table(summary: Summary) -> Table:
    """Every number at every k."""
    cuts = summary.grid["topk"]
    lists = [f"{name}@{k}" for k in cuts for name, one in MEASURES.items() if one.at_k]
    names = [*ranking_metrics(summary, cuts), *(name for name, one in MEASURES.items() if not one.at_k), *lists]
    return metric_table(summary, [name for name in names if summary.has(name)])


def list_table(summary: Summary) -> Table:
    """Coverage, novelty and diversity of the lists at every k."""
    names = [f"{name}@{k}" for name, one in MEASURES.items() if one.at_k for k in summary.grid["topk"]]
    return metric_table(summary, [name for name in names if summary.has(name)])


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
