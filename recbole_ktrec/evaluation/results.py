"""From finished jobs to ``results.json``: every run, then means and spread over seeds and what the differences mean.

The schema is ``results.schema.json`` beside this file. What a second run cannot repeat (times, memory, machine) stands
under the keys ``timing``, ``memory`` and ``environment`` alone (and ``traceback``, of failed jobs).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from recbole_ktrec.evaluation.compared import Users, against, by_user, is_compared, sample, variants
from recbole_ktrec.evaluation.environment import environment
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid
from recbole_ktrec.evaluation.measures import is_smaller_better, measure_of
from recbole_ktrec.evaluation.pooling import ByUser
from recbole_ktrec.evaluation.runner import Job, Runner
from recbole_ktrec.evaluation.significance import bootstrap_interval, over_seeds
from recbole_ktrec.files import write_whole

SCHEMA = "ktrec-benchmark"
VERSION = 1
#: Model -> seed -> metric -> value.
Values = Mapping[str, Mapping[int, Mapping[str, float]]]


def assemble(grid: Grid, plans: Sequence[DatasetPlan], runner: Runner) -> dict[str, Any]:
    """Return the whole of ``results.json`` from the job files, in the order of the grid."""
    found = [_compared(grid, plan, runner) for plan in plans]
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "grid": _grid(grid),
        "environment": environment(),
        "datasets": {plan.name: _dataset(plan) for plan in plans},
        "tuning": [row for plan in plans for row in _tuning(plan, runner)],
        "runs": [_run(plan, label, seed, job, runner) for plan in plans for (label, seed), job in plan.jobs.items()],
        "summary": [row for summary, _ in found for row in summary],
        "variants": [row for _, compared in found for row in compared],
    }


def _compared(grid: Grid, plan: DatasetPlan, runner: Runner) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of ``summary`` and of ``variants``; what all models are by user is kept for no longer."""
    found = Finished.read(grid, plan, runner)
    rows = variants(grid, found.users, found.of(grid.valid_metric.lower()))
    return summarise(grid, plan.name, found), [{"dataset": plan.name, **row} for row in rows]


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "datasets": list(grid.datasets),
        "models": [entry.label for entry in grid.entries],
        "seeds": list(grid.seeds),
        "split": grid.kind,
        "share": grid.held_out,
        "metrics": list(grid.metrics),
        "topk": list(grid.topk),
        "valid_metric": grid.valid_metric,
        "trials": grid.tune,
        "rating_threshold": grid.rating_threshold,
    }


def _dataset(plan: DatasetPlan) -> dict[str, Any]:
    splits = {
        str(seed): {"counts": prepared.counts, "fingerprints": prepared.fingerprints}
        for seed, prepared in plan.prepared.items()
    }
    return {"sha256": plan.source.digest, "splits": splits, "notes": plan.notes}


def _tuning(plan: DatasetPlan, runner: Runner) -> list[dict[str, Any]]:
    rows = []
    for label, made in plan.trials.items():
        for number, (draw, job) in enumerate(made):
            found = runner.result(job) or {}
            row = {"dataset": plan.name, "model": label, "trial": number, "settings": draw, "job": job.key}
            chosen = plan.tuned.get(label) == draw
            row |= {"status": found.get("status", "missing"), "valid_score": found.get("valid_score"), "chosen": chosen}
            rows.append({**row, "error": found.get("error"), "timing": found.get("timing", {})})
    return rows


def _run(plan: DatasetPlan, label: str, seed: int, job: Job, runner: Runner) -> dict[str, Any]:
    where = {"dataset": plan.name, "model": label, "seed": seed, "job": job.key, "class": job.spec["model"]}
    if own := job.spec.get("source"):
        where["source"] = {key: own[key] for key in ("module", "files", "sha256")}
    return runner.told(job, where)


def flat_metrics(run: Mapping[str, Any]) -> dict[str, float]:
    """Return every number of a run that the tables may show: name -> value; ranking metrics not rounded.

    TextDiversity among RecBole's metrics is none where no list has two texts: it is left out, as that of ``lists`` is.
    """
    found = {**run["test"], **run["groups"]["all"]["metrics"]}
    found = {name: value for name, value in found.items() if not math.isnan(value)}
    found |= {name: value for name, value in run["lists"].items() if value is not None}
    accuracy = run["accuracy"]
    found["accuracy"] = accuracy["calibrated"]
    if accuracy["raw"] is not None:
        found["accuracy_raw"] = accuracy["raw"]
    if accuracy["ratings"]:
        found["accuracy_ratings"] = accuracy["ratings"]["accuracy"]
    for group, part in run["groups"].items():
        if group != "all":
            found |= {f"{group}/{name}": value for name, value in part["metrics"].items()}
    return found


@dataclass(frozen=True)
class Finished:
    """What the finished jobs of a data set measured: model -> seed -> values of metrics, and the same by user."""

    values: Values
    users: Users

    @classmethod
    def read(cls, grid: Grid, plan: DatasetPlan, runner: Runner) -> Finished:
        """Read the job files."""
        values: dict[str, dict[int, dict[str, float]]] = {}
        users: dict[str, dict[int, ByUser]] = {}
        for (label, seed), job in plan.jobs.items():
            if (result := runner.result(job)) and result["status"] == "done":
                values.setdefault(label, {})[seed] = flat_metrics(result)
                users.setdefault(label, {})[seed] = by_user(runner.file(job, "npz"), grid)
        return cls(values, users)

    def of(self, metric: str) -> dict[str, dict[int, float]]:
        """Return the values of one metric: model -> seed -> value."""
        return {
            label: {seed: run[metric] for seed, run in own.items() if metric in run}
            for label, own in self.values.items()
        }


def summarise(grid: Grid, dataset: str, finished: Finished) -> list[dict[str, Any]]:
    """Return one row for each model and metric: mean and spread over seeds, and the comparison with the best."""
    values, rows = finished.values, list[dict[str, Any]]()
    names = list(dict.fromkeys(name for own in values.values() for run in own.values() for name in run))
    tested = [name for name in names if is_compared(grid, name)]  # the others take no time
    with tqdm(total=len(tested), desc=f"Intervals and tests, {dataset}", unit="metric", leave=False) as bar:
        for name in names:
            rows += _metric_rows(dataset, name, values, finished.users if name in tested else {})
            bar.update(name in tested)
    return rows


def _metric_rows(dataset: str, name: str, values: Values, users: Users) -> list[dict[str, Any]]:
    rows = []
    for label, runs in values.items():
        numbers = {seed: run[name] for seed, run in runs.items() if name in run}
        if not numbers:
            continue
        row = {"dataset": dataset, "model": label, "metric": name, **over_seeds(list(numbers.values()))}
        asked = sample(users[label], name, numbers) if label in users else None
        row["interval"] = None if asked is None else list(bootstrap_interval(asked.to_numpy()))
        rows.append({**row, "best": False, "comparison": None})
    _compare_with_best(rows, name, users)
    return rows


def _compare_with_best(rows: list[dict[str, Any]], name: str, users: Users) -> None:
    """Mark the best row and test the others against it, paired over users, Holm's correction over the models.

    A model with fewer seeds than others is never the best (its seeds may be the easy ones) and is compared on those
    that it has.
    """
    own = measure_of(name)
    if len({row["mean"] for row in rows}) < 2 or (own and not own.judged):
        return
    most = max(row["seeds"] for row in rows)
    whole = [row for row in rows if row["seeds"] == most]
    best = max(whole, key=lambda row: -row["mean"] if is_smaller_better(name) else row["mean"])
    for row in whole:
        row["best"] = bool(np.isclose(row["mean"], best["mean"], rtol=0, atol=1e-9))
    others = [row for row in rows if not row["best"] and row["interval"] is not None]
    if best["interval"] is None or not others:
        return
    found = against(users, [(row["model"], best["model"]) for row in others], name)
    for row, comparison in zip(others, found, strict=True):
        row["comparison"] = comparison


def write_json(path: Path, results: Mapping[str, Any]) -> None:
    """Write ``results`` as strict JSON (not-a-number becomes null), whole or not at all."""
    write_whole(path, json.dumps(_strict(results), indent=1, ensure_ascii=False, allow_nan=False))


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
