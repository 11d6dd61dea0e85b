"""The plugin's models in a comparison: new users by their history, new items by their text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.grid import Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.options import Entry


def test_another_default_is_another_job(
    textual: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in an output folder must not stand for a model whose property file has changed since."""
    textual()
    grid = Grid(["tiny"], [Entry(name, name) for name in ("Pop", "KTEASE")], [3], data_path="dataset")
    (plan,) = prepare_datasets(grid, Path("splits"), show_progress=False)

    def keys() -> list[str]:
        return [make_job(grid, plan, entry, 3, "final", {}).key for entry in grid.entries]

    built_in, own = keys()
    assert keys() == [built_in, own]
    monkeypatch.setattr("recbole_ktrec.evaluation.grid.read_mapping", lambda path: {"reg_weight": 7})
    assert keys()[0] == built_in and keys()[1] != own


def measured(model: str, settings: dict[str, Any], kind: str) -> dict[str, Any]:
    known = {"valid_metric", "topk", "show_progress"}
    config = {key: value for key, value in settings.items() if key not in known} | {"eval_step": 1}
    grid = Grid(
        ["tiny"], [Entry(model, model, config)], [3], kind=kind, share=0.25, data_path=str(Path("dataset").resolve()),
        common=config, topk=[5], valid_metric="NDCG@5", text_diversity=False,
    )  # fmt: skip
    (plan,) = prepare_datasets(grid, Path("splits"), show_progress=False)
    return job.run_spec(make_job(grid, plan, grid.entries[0], 3, "final", {}).spec)[0]


@pytest.mark.parametrize("model", ["KTRec", "KTEASE"])
def test_new_users_are_served_from_a_given_history(textual: Callable[..., dict[str, Any]], model: str) -> None:
    found = measured(model, textual(), "cold_user")
    assert found["fold_in"] == "by the model itself"
    cold = found["groups"]["cold users"]
    assert cold["rows"] == 6 and cold["metrics"]["hit@5"] >= 0.5  # chance, over the whole catalogue: about .4


@pytest.mark.parametrize("model", ["KTRec", "KTEASE"])
def test_new_items_are_covered_by_their_text(textual: Callable[..., dict[str, Any]], model: str) -> None:
    found = measured(model, textual(), "cold_item")
    assert found["lists"]["score_coverage"] == 1.0
    assert found["accuracy"]["raw"] is not None, "predict is a probability"
    assert "cold only" in found["groups"]
