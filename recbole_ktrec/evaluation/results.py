"""From finished jobs to ``results.json``: every run, then means and spread over seeds and what the differences mean.

The schema is ``results.schema.json`` beside this file. What a second run cannot repeat (times, memory, machine) stands
under the keys ``timing``, ``memory`` and ``environment`` alone; :func:`repeatable` leaves those out.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from tqdm import tqdm

from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, versions
from recbole_ktrec.evaluation.runner import Job, Runner
from recbole_ktrec.evaluation.significance import bootstrap_interval, compare, holm
from recbole_ktrec.files import write_whole

SCHEMA = "ktrec-benchmark"
VERSION = 1
#: Differences with a corrected p-value from here on are not told from chance.
ALPHA = 0.05
#: Groups whose validation metric is compared too, where both models have them.
COMPARED_GROUPS = ("warm", "cold", "cold only", "warm users", "cold users")
#: Numbers of which neither more nor less is better.
UNJUDGED = ("novelty", "text_diversity")
_VOLATILE = ("timing", "memory", "environment", "traceback", "log")


def environment() -> dict[str, Any]:
    """The machine and the software that the runs took place on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "versions": versions(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def assemble(grid: Grid, plans: Sequence[DatasetPlan], runner: Runner) -> dict[str, Any]:
    """Return the whole of ``results.json`` from the job files, in the order of the grid."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "grid": _grid(grid),
        "environment": environment(),
        "datasets": {plan.name: _dataset(plan) for plan in plans},
        "tuning": [row for plan in plans for row in _tuning(plan, runner)],
        "runs": [_run(plan, label, seed, job, runner) for plan in plans for (label, seed), job in plan.jobs.items()],
        "summary": [row for plan in plans for row in summarise(grid, plan, runner)],
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {
        "datasets": list(grid.datasets),
        "models": [entry.label for entry in grid.entries],
        "seeds": list(grid.seeds),
        "split": grid.kind,
        "share": grid.share if grid.kind not in ("random", "leave_one_out") else None,
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
    return {"sha256": plan.source.digest, "splits": splits}


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
    found = runner.result(job) or {"status": "missing", "error": "The job has no result."}
    where = {"dataset": plan.name, "model": label, "seed": seed, "job": job.key, "class": job.spec["model"]}
    return {**where, "config": job.spec["config"], **found}


def flat_metrics(run: Mapping[str, Any]) -> dict[str, float]:
    """Return every number of a run that the tables may show: name -> value."""
    found = dict(run["test"])
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


def summarise(grid: Grid, plan: DatasetPlan, runner: Runner) -> list[dict[str, Any]]:
    """Return one row for each model and metric: mean and spread over seeds, and the comparison with the best."""
    labels = [entry.label for entry in grid.entries]
    done = {
        label: {seed: runner.result(job) or {} for (name, seed), job in plan.jobs.items() if name == label}
        for label in labels
    }
    good = {label: {s: r for s, r in runs.items() if r.get("status") == "done"} for label, runs in done.items()}
    good = {label: runs for label, runs in good.items() if runs}
    values = {label: {seed: flat_metrics(run) for seed, run in runs.items()} for label, runs in good.items()}
    names = list(dict.fromkeys(name for runs in values.values() for run in runs.values() for name in run))
    per_user = {label: _per_user(plan, label, list(runs), runner) for label, runs in good.items()}
    rows: list[dict[str, Any]] = []
    for name in tqdm(names, desc=f"Intervals and tests, {plan.name}", unit="metric", leave=False):
        rows += _metric_rows(plan.name, name, values, per_user if _is_compared(grid, name) else {})
    return rows


def _is_compared(grid: Grid, name: str) -> bool:
    group, slash, metric = name.rpartition("/")
    if not slash:
        return name == "accuracy" or "@" in name
    return group in COMPARED_GROUPS and metric == grid.valid_metric.lower()


def _per_user(plan: DatasetPlan, label: str, seeds: Sequence[int], runner: Runner) -> pd.DataFrame:
    """Mean over seeds of every user's values: index user token, columns as :func:`flat_metrics` names them."""
    frames = []
    for seed in seeds:
        with np.load(runner.folder / f"{plan.jobs[label, seed].key}.npz") as arrays:
            ranking = {
                _plain(name): arrays[name] for name in arrays.files if "/" in name and not name.startswith("answers")
            }
            frames.append(pd.DataFrame(ranking, index=arrays["users"]).groupby(level=0).mean())
            answers = pd.DataFrame({"accuracy": arrays["answers/accuracy"]}, index=arrays["answer_users"])
            frames.append(answers)
    return pd.concat(frames).astype(float).groupby(level=0).mean()


def _plain(name: str) -> str:
    return name[len("all/") :] if name.startswith("all/") else name


def _metric_rows(
    dataset: str,
    name: str,
    values: Mapping[str, Mapping[int, Mapping[str, float]]],
    per_user: Mapping[str, pd.DataFrame],
) -> list[dict[str, Any]]:
    rows = []
    for label, runs in values.items():
        numbers = [run[name] for run in runs.values() if name in run]
        if not numbers:
            continue
        spread = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else None
        row: dict[str, Any] = {"dataset": dataset, "model": label, "metric": name, "seeds": len(numbers)}
        row |= {"mean": float(np.mean(numbers)), "std": spread, "min": min(numbers), "max": max(numbers)}
        users = per_user[label][name].dropna().to_numpy() if label in per_user and name in per_user[label] else None
        row["interval"] = None if users is None or not len(users) else list(bootstrap_interval(users))
        rows.append({**row, "best": False, "comparison": None})
    _compare_with_best(rows, name, per_user)
    return rows


def _compare_with_best(rows: list[dict[str, Any]], name: str, per_user: Mapping[str, pd.DataFrame]) -> None:
    """Mark the best row and test the others against it, paired over users, Holm's correction over the models."""
    if len({row["mean"] for row in rows}) < 2 or name.startswith(UNJUDGED):
        return
    best = max(rows, key=lambda row: -row["mean"] if is_smaller_better(name) else row["mean"])
    for row in rows:
        row["best"] = bool(np.isclose(row["mean"], best["mean"], rtol=0, atol=1e-9))
    others = [row for row in rows if not row["best"] and row["interval"] is not None]
    if best["interval"] is None or not others:
        return
    top = per_user[best["model"]][name]
    found = []
    for row in others:
        both = pd.concat([top, per_user[row["model"]][name]], axis=1, join="inner").to_numpy()
        found.append(compare(both[:, 0], both[:, 1]))
    for row, one, corrected in zip(others, found, holm(np.array([one.p for one in found])), strict=True):
        row["comparison"] = {
            "with": best["model"], "difference": one.difference, "interval": [one.low, one.high], "p": one.p,
            "p_holm": float(corrected), "users": one.users, "distinguishable": bool(corrected < ALPHA),
        }  # fmt: skip


def is_smaller_better(name: str) -> bool:
    """Whether a smaller value of metric ``name`` (``group/metric@k``) is better, by RecBole's register."""
    from recbole.evaluator import smaller_metrics

    return name.rpartition("/")[2].partition("@")[0] in smaller_metrics


def repeatable(results: Any) -> Any:
    """Return ``results`` without what a second run cannot repeat."""
    if isinstance(results, Mapping):
        return {key: repeatable(value) for key, value in results.items() if key not in _VOLATILE}
    if isinstance(results, list):
        return [repeatable(value) for value in results]
    return results


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
