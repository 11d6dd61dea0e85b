"""What is told beside the numbers of a comparison."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.grid import DatasetPlan
from recbole_ktrec.evaluation.notes import equals_notes, same_time_notes
from recbole_ktrec.evaluation.recorder import AT_RANDOM
from recbole_ktrec.evaluation.runner import Job, Runner
from tests.evaluation.job_specs import Make, plan_of, spec_of


def test_rows_that_live_by_the_order_of_the_file_are_noted(tiny_grid: Make, tmp_path: Path) -> None:
    runner, data, grid = Runner(tmp_path), SimpleNamespace(name="tiny", jobs={}), tiny_grid()
    for row, (label, ranked, at_random) in enumerate([("EASE", 0.2, 0.1), ("EASE", 0.3, 0.1), ("KTRec", 0.4, 0.399)]):
        data.jobs[label, row] = Job(f"k{row}", "", {})
        groups = {name: {"metrics": {"ndcg@5": value}} for name, value in (("all", ranked), (AT_RANDOM, at_random))}
        (tmp_path / f"k{row}.json").write_text(json.dumps({"status": "done", "groups": groups}))
    (note,) = equals_notes(grid, cast(DatasetPlan, data), runner)
    assert note.endswith("With equals in a random order NDCG@5 is: EASE 0.1000 instead of 0.2500.")
    del data.jobs["EASE", 0], data.jobs["EASE", 1]
    assert equals_notes(grid, cast(DatasetPlan, data), runner) == []


def test_users_that_a_model_does_not_know_get_what_the_file_names_first(tiny_grid: Make, workplace: Path) -> None:
    """All new users take an item of the first four."""
    rows = [f"u{item // 90}\ti{item}\t3\t{item}" for item in range(1080)]
    rows += [f"new{user}\ti{user % 4}\t3\t{2000 + user}" for user in range(60)]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join([header, *rows]) + "\n")
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "TIME_FIELD": "timestamp"}
    grid = tiny_grid("EASE", kind="time", share=0.05, topk=[10], valid_metric="NDCG@10")
    grid = replace(grid, common={**grid.common, **timed})
    groups = job.run_spec(spec_of(grid, plan_of(grid)))[0]["groups"]
    assert groups["all"]["metrics"]["hit@10"] > 0.9
    assert groups[AT_RANDOM]["metrics"]["hit@10"] < 0.2, "by chance: 10 / 1080"


def test_last_interactions_that_are_last_by_their_row_are_counted(tiny_grid: Make, workplace: Path) -> None:
    """Three of four users: c's equal times are not at the end, and of e nothing is asked."""
    times = {"a": (1, 2, 3, 3), "b": (5, 5, 5, 5), "c": (2, 2, 3, 4), "d": (1, 1)}
    rows = [f"{user}\ti{k}\t3\t{time}" for user, own in times.items() for k, time in enumerate(own)]
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join([header, *rows, "e\tother\t3\t1"]) + "\n")
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    grid = tiny_grid("Pop", kind="leave_one_out", topk=[2], valid_metric="NDCG@2")
    grid = replace(grid, common={**grid.common, **timed})
    plan = plan_of(grid)
    assert plan.prepared[2020].counts["test_interactions"] == 4
    (note,) = same_time_notes(grid, plan)
    assert "of 4 test interactions 3 have the same time as the one before" in note
    assert same_time_notes(replace(grid, kind="random"), plan) == []
