"""A finished comparison made of made-up numbers, and a small data set on disk with more than RecBole's defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ktrec.evaluation.grid import Grid
from recbole_ktrec.evaluation.job import run_spec, write_result
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.runner import Job, Runner
from recbole_ktrec.evaluation.source import Source, read_source
from tests.evaluation.prepared_data import Read

#: Settings with which a model trains on the tiny data set in a moment.
QUICK = {"epochs": 2, "eval_step": 1, "state": "ERROR", "embedding_size": 8, "use_gpu": False}


@pytest.fixture
def tiny_grid(workplace: Path) -> Callable[..., Grid]:
    """A function that returns a grid over ``dataset/tiny``, changed by its keyword arguments."""

    def make(*models: str, **changes: Any) -> Grid:
        entries = [Entry(model, model, dict(QUICK)) for model in models or ("Pop", "ItemKNN")]
        settings: dict[str, Any] = {"seeds": [2020], "topk": [5], "valid_metric": "NDCG@5", "text_diversity": False}
        settings |= {"data_path": str(workplace / "dataset"), "common": QUICK, **changes}
        return Grid(["tiny"], entries, **settings)

    return make


class InProcess(Runner):
    """Runs jobs in this process, one after the other: all of a comparison but its processes."""

    def run(self, jobs: Sequence[Job], title: str = "Jobs") -> None:
        """Run what has no good result yet."""
        for one in {job.key: job for job in jobs}.values():
            if not self._is_done(one):
                try:
                    result, arrays = run_spec(one.spec)
                    result["status"] = "done"
                except Exception as error:
                    result, arrays = {"status": "failed", "error": str(error), "timing": {}, "memory": {}}, {}
                write_result(self.folder / f"{one.key}.json", result, arrays)


@pytest.fixture
def in_process(workplace: Path) -> Runner:
    return InProcess(workplace / "out" / "jobs")


@pytest.fixture
def results(tmp_path: Path) -> dict[str, Any]:
    """Results as ``results.json`` holds them: three models of two seeds, one of them failed once."""
    rng = np.random.default_rng(0)
    metrics = {"BPR": 0.2, "KTRec": 0.31, "EASE": 0.3}
    names = ("ndcg@5", "recall@5", "accuracy", "catalogue_coverage@5", "score_coverage", "cold only/ndcg@5")
    names += ("warm only/ndcg@5", "warm/ndcg@5", "cold/ndcg@5", "history 0/ndcg@5", "history 1-4/ndcg@5")
    summary = []
    for name in names:
        for model, value in metrics.items():
            against = {
                "with": "KTRec", "difference": 0.01, "interval": [-0.01, 0.02], "p": 0.2, "p_holm": 0.3, "users": 40,
                "seeds": 2, "distinguishable": model == "BPR",
            }  # fmt: skip
            summary.append(
                {
                    "dataset": "tiny <b>", "model": model, "metric": name, "seeds": 2, "mean": value, "std": 0.01,
                    "min": value, "max": value, "interval": [value - 0.02, value + 0.02], "best": model == "KTRec",
                    "comparison": None if model == "KTRec" else against,
                }
            )  # fmt: skip
    runs: list[dict[str, Any]] = []
    for model in metrics:
        for seed in (1, 2):
            timing = {"seconds_to_best": float(rng.uniform(1, 100)), "fit_seconds": 3.0}
            runs.append(
                {
                    "dataset": "tiny <b>", "model": model, "class": model, "seed": seed, "job": "k", "config": {"a": 1},
                    "status": "done", "best_epoch": 3, "epochs": 5, "parameters": 1000, "timing": timing,
                    "memory": {"peak_bytes": 2**30},
                }
            )  # fmt: skip
    runs[1] |= {"status": "failed", "error": "MemoryError: <too much>"}
    counts = {"users": 40, "items": 20, "interactions": 400, "test_interactions": 40, "test_users": 40}
    counts |= {"test_interactions_of_cold_items": 9, "test_interactions_seen_in_training": 0}
    grid = {
        "datasets": ["tiny <b>"], "models": list(metrics), "seeds": [1, 2], "split": "cold_item", "share": 0.2,
        "metrics": ["NDCG", "Recall"], "topk": [5], "valid_metric": "NDCG@5", "trials": 0, "rating_threshold": None,
    }  # fmt: skip
    machine = {
        "python": "3.11",
        "system": "s",
        "processor": "p",
        "cores": 2,
        "memory_bytes": 1,
        "versions": {"torch": "2"},
    }
    data = {"tiny <b>": {"sha256": "ab" * 32, "splits": {"1": {"counts": counts, "fingerprints": {}}}, "notes": []}}
    whole = {"schema": "ktrec-benchmark", "version": 1, "grid": grid, "environment": machine, "datasets": data}
    return json.loads(json.dumps({**whole, "tuning": [], "runs": runs, "summary": summary, "variants": []}))


@pytest.fixture
def read(workplace: Path) -> Read:
    """A function that reads ``dataset/tiny`` with further settings."""

    def do(**settings: Any) -> tuple[Source, dict[str, Any]]:
        values = {"data_path": str(workplace / "dataset"), "state": "ERROR", "use_gpu": False, **settings}
        return read_source("tiny", values), values

    return do
