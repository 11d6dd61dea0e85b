"""The plugin's models in a comparison: new users by their history, new items by their text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.notes import blend_notes, bound_notes, guard_notes
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.runner import Job, Runner
from recbole_ktrec.nn.blend import SHARES


def test_another_default_is_another_job(
    textual: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in an output folder must not stand for a model whose property file has changed since."""
    textual()
    grid = Grid(["tiny"], [Entry(name, name) for name in ("Pop", "KTEASE")], [3], data_path="dataset")
    (plan,) = prepare_datasets(grid, Path("splits"))

    def keys() -> list[str]:
        return [make_job(grid, plan, entry, 3, "final", {}).key for entry in grid.entries]

    built_in, own = keys()
    assert keys() == [built_in, own]
    monkeypatch.setattr("recbole_ktrec.evaluation.job_key.read_mapping", lambda path: {"reg_weight": 7})
    assert keys()[0] == built_in and keys()[1] != own


def measured(model: str, settings: dict[str, Any], kind: str) -> dict[str, Any]:
    known = {"valid_metric", "topk", "show_progress"}
    config = {key: value for key, value in settings.items() if key not in known} | {"eval_step": 1}
    grid = Grid(
        ["tiny"], [Entry(model, model, config)], [3], kind=kind, share=0.25, data_path=str(Path("dataset").resolve()),
        common=config, topk=[5], valid_metric="NDCG@5", text_diversity=False,
    )  # fmt: skip
    (plan,) = prepare_datasets(grid, Path("splits"))
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


def test_how_much_of_the_scores_the_closed_form_makes_is_noted(tmp_path: Path) -> None:
    runner, data = Runner(tmp_path), SimpleNamespace(name="tiny", jobs={})
    for number, (label, share) in enumerate([("KTRec", 1.0), ("KTRec", 0.7), ("plain", 0.0), ("Pop", None)]):
        data.jobs[label, number] = Job(f"k{number}", "", {})
        told = {} if share is None else {"closed_share": share}
        (tmp_path / f"k{number}.json").write_text(json.dumps({"status": "done", **told}))
    (note,) = blend_notes(cast(DatasetPlan, data), runner)
    assert "by validation data: KTRec 70% to 100%, plain 0%; the rest is neural" in note
    del data.jobs["KTRec", 0], data.jobs["KTRec", 1], data.jobs["plain", 2]
    assert blend_notes(cast(DatasetPlan, data), runner) == []


def test_what_the_guard_took_is_noted(tmp_path: Path) -> None:
    """A row with an artifact that is the row without one, digit for digit, has a reason."""
    runner, data = Runner(tmp_path), SimpleNamespace(name="tiny", jobs={})
    for number, used in enumerate(["untrained", "transferred", "untrained", ""]):
        label = "with" if used else "Pop"
        data.jobs[label, number] = Job(f"k{number}", "", {})
        told = {"choice": {"used": used, "ndcg": {used: 0.1}}} if used else {}
        (tmp_path / f"k{number}.json").write_text(json.dumps({"status": "done", **told}))
    (note,) = guard_notes(cast(DatasetPlan, data), runner)
    assert note.startswith("[tiny], row [with]: what the guard took: untrained (2 of 3), ")


def test_a_job_with_an_artifact_keeps_what_the_guard_took(
    textual: Callable[..., dict[str, Any]], artifact: Callable[..., str]
) -> None:
    found = measured("KTEASE", textual(pretrained=artifact(random=True)), "random")
    assert found["choice"]["used"] == "untrained" and "choice" not in measured("KTEASE", textual(), "random")


def test_a_row_that_was_best_when_its_epochs_ended_is_noted(tmp_path: Path) -> None:
    """Two epochs of SASRec are no result of SASRec."""
    runner, data = Runner(tmp_path), SimpleNamespace(name="tiny", jobs={})
    rows = [("SASRec", 2, 2, 3), ("BPR", 9, 10, 3), ("NeuMF", 14, 60, 2), ("EASE", 1, 1, 1), ("GRU4Rec", None, 2, 1)]
    for model, kept, epochs, step in rows:
        data.jobs[model, 1] = Job(model, "", {"model": model, "config": {"epochs": epochs, "eval_step": step}})
        (tmp_path / f"{model}.json").write_text(json.dumps({"status": "done", "best_epoch": kept}))
    (note,) = bound_notes(cast(DatasetPlan, data), runner)
    assert note.endswith(": SASRec (2 epochs), BPR (10 epochs). More epochs may give more.")
    del data.jobs["SASRec", 1], data.jobs["BPR", 1]
    assert bound_notes(cast(DatasetPlan, data), runner) == []


def test_a_job_of_ktrec_keeps_the_part_of_its_closed_form(textual: Callable[..., dict[str, Any]]) -> None:
    assert measured("KTRec", textual(closed_form=True), "random")["closed_share"] in SHARES
    assert "closed_share" not in measured("KTRec", textual(closed_form=False), "random")
