"""The results of one data set, to look values up in: what tables, remarks and plots are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from recbole_ktrec.evaluation.measures import is_smaller_better, measure_of
from recbole_ktrec.register import MODELS

#: Names of metrics for people; others are written as RecBole writes them.
NAMES = {"ndcg": "NDCG", "mrr": "MRR", "map": "MAP", "gauc": "GAUC"}
#: Users below which a group says little: none of its models is marked as best, and nothing is drawn.
FEW = 30


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
    def variants(self) -> list[dict[str, Any]]:
        """The comparison of each variant with the row of its model."""
        return [row for row in self.results.get("variants") or [] if row["dataset"] == self.dataset]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """The tuning trials."""
        return [trial for trial in self.results.get("tuning") or [] if trial["dataset"] == self.dataset]

    def has(self, metric: str) -> bool:
        """Whether any model has ``metric``."""
        return any(name == metric for _, name in self.rows)

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
    return {run["model"] for run in runs if run.get("class") in MODELS and not run.get("source")}


def users_models(runs: Iterable[Mapping[str, Any]]) -> set[str]:
    """Labels of the ``runs`` whose model is a user's own."""
    return {run["model"] for run in runs if run.get("source")}


def is_tied(row: Mapping[str, Any]) -> bool:
    """Whether the row was compared with the best one and is not told from it."""
    return bool(row["comparison"]) and not row["comparison"]["distinguishable"]
