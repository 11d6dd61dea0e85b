"""results.json: its schema, its sums, and that it can be repeated."""

from __future__ import annotations

import dataclasses
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ktrec.evaluation
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.benchmark import run_benchmark
from recbole_ktrec.evaluation.grid import Grid, plan_finals, prepare_datasets
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.results import (
    Finished,
    assemble,
    flat_metrics,
    summarise,
    write_json,
)
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.stored import check_folder, refuse_other
from tests.evaluation.conftest import QUICK
from tests.support import repeatable

SCHEMA = Path(recbole_ktrec.evaluation.__file__).with_name("results.schema.json")


def validate(results: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(results, json.loads(SCHEMA.read_text()))


@pytest.fixture
def compared(tiny_grid: Callable[..., Grid], in_process: Runner, workplace: Path) -> dict[str, Any]:
    """A real comparison of three models and one that cannot be built, on two seeds, with tuning."""
    grid = tiny_grid("Pop", "EASE", "BPR", seeds=[2020, 2021], tune=3, kind="cold_item", share=0.3)
    ease = dataclasses.replace(grid.entries[1], ranges={"reg_weight": {"loguniform": [1.0, 500.0]}})
    broken = Entry("broken", "BPR", {**grid.entries[2].config, "embedding_size": -1})
    grid = dataclasses.replace(grid, entries=[grid.entries[0], ease, grid.entries[2], broken])
    run_benchmark(grid, in_process, workplace / "out")
    return json.loads((workplace / "out" / "results.json").read_text())


def test_a_metric_that_is_no_number_is_no_cell() -> None:
    groups = {"all": {"metrics": {"ndcg@5": 0.25}}}
    run = {"test": {"ndcg@5": 0.3, "textdiversity@5": float("nan")}, "groups": groups, "lists": {}}
    accuracy = {"calibrated": 0.5, "raw": None, "ratings": None}
    assert flat_metrics({**run, "accuracy": accuracy}) == {"ndcg@5": 0.25, "accuracy": 0.5}


def test_the_whole_of_it(compared: dict[str, Any], workplace: Path) -> None:
    validate(compared)
    status = {(run["model"], run["seed"]): run["status"] for run in compared["runs"]}
    assert len(status) == 8 and set(status.values()) == {"done", "failed"}
    assert {model for (model, _), one in status.items() if one == "failed"} == {"broken"}
    assert all(run["error"] for run in compared["runs"] if run["status"] == "failed")

    note, *others = compared["datasets"]["tiny"]["notes"]
    assert note.startswith(
        "[tiny]: no ranges to tune are known for Pop, BPR, broken: each had one trial, its defaults."
    )
    said = "still best at the last validation", "With equals in a random order"
    assert all(any(one in other for one in said) for other in others), "BPR has two epochs, Pop equal scores"
    trials = [row for row in compared["tuning"] if row["model"] == "EASE"]
    assert [len([r for r in compared["tuning"] if r["model"] == m]) for m in ("Pop", "BPR", "EASE")] == [1, 1, 3]
    best = max(trials, key=lambda row: row["valid_score"])
    assert [row["chosen"] for row in trials].count(True) == 1 and best["chosen"]
    used = {run["config"].get("reg_weight") for run in compared["runs"] if run["model"] == "EASE"}
    assert used == {best["settings"].get("reg_weight")}

    rows = {(row["model"], row["metric"]): row for row in compared["summary"]}
    runs = [run["groups"]["all"]["metrics"]["ndcg@5"] for run in compared["runs"] if run["model"] == "EASE"]
    assert rows["EASE", "ndcg@5"]["mean"] == pytest.approx(np.mean(runs))
    assert rows["EASE", "ndcg@5"]["std"] == pytest.approx(np.std(runs, ddof=1))
    assert sum(row["best"] for row in compared["summary"] if row["metric"] == "ndcg@5") == 1
    assert ("EASE", "cold only/ndcg@5") in rows and not any(model == "broken" for model, _ in rows)
    judged = [row for row in compared["summary"] if row["interval"]]
    assert {"ndcg@5", "accuracy", "cold only/ndcg@5"} <= {row["metric"] for row in judged}
    for row in judged:
        low, high = row["interval"]
        assert low - 1e-6 <= row["mean"] <= high + 1e-6, f"mean and interval are of one number: {row}"
        if row["comparison"]:
            top = rows[row["comparison"]["with"], row["metric"]]["mean"]
            assert row["comparison"]["difference"] == pytest.approx(top - row["mean"], abs=1e-6)
            assert row["comparison"]["seeds"] == 2
    for name in ("report.md", "report.html"):
        assert "broken" in (workplace / "out" / name).read_text()


def test_a_second_run_does_nothing_and_says_the_same(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    grid = tiny_grid("Pop", "BPR")
    first, _ = run_benchmark(grid, in_process, workplace / "out")
    before = {path: path.stat().st_mtime_ns for path in in_process.folder.glob("*.json")}
    assert len(before) == 2
    second, _ = run_benchmark(grid, in_process, workplace / "out")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert repeatable(second) == repeatable(first)
    for path in before:
        path.unlink()
    third, _ = run_benchmark(grid, in_process, workplace / "out")
    assert repeatable(third) == repeatable(first), "the same seed gives the same numbers"


def test_a_model_with_a_failed_seed_is_compared_on_the_others_and_not_the_best(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    grid = tiny_grid("Pop", "EASE", "BPR", seeds=[2020, 2021])
    run_benchmark(grid, in_process, workplace / "out")
    first = json.loads((workplace / "out" / "results.json").read_text())
    ahead = next(row["model"] for row in first["summary"] if row["metric"] == "ndcg@5" and row["best"])
    lost = next(run for run in first["runs"] if run["model"] == ahead and run["seed"] == 2021)
    failed = {"status": "failed", "error": "MemoryError", "timing": {}, "memory": {}}
    (in_process.folder / f"{lost['job']}.json").write_text(json.dumps(failed))
    prepared = prepare_datasets(grid, workplace / "out" / "splits")
    plan_finals(grid, prepared[0])
    rows = {
        (row["model"], row["metric"]): row
        for row in summarise(grid, prepared[0].name, Finished.read(grid, prepared[0], in_process))
    }
    left = rows[ahead, "ndcg@5"]
    assert left["seeds"] == 1 and not left["best"] and left["comparison"]["seeds"] == 1
    other = rows[left["comparison"]["with"], "ndcg@5"]
    assert other["best"] and other["seeds"] == 2
    one = [run for run in first["runs"] if run["model"] == other["model"] and run["seed"] == 2020]
    gap = one[0]["groups"]["all"]["metrics"]["ndcg@5"] - left["mean"]
    assert left["comparison"]["difference"] == pytest.approx(gap, abs=1e-6)


def test_a_variant_is_compared_with_its_model_whoever_is_best(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    grid = tiny_grid("Pop", "EASE", "ItemKNN", seeds=[2020, 2021])
    grid.entries.append(Entry("EASE-9", "EASE", {**QUICK, "reg_weight": 9.0}))
    grid.entries.append(Entry("BPR-small", "BPR", dict(QUICK)))  # the row of BPR is not there
    found, _ = run_benchmark(grid, in_process, workplace / "out")
    validate(json.loads((workplace / "out" / "results.json").read_text()))
    (row,) = found["variants"]
    assert (row["dataset"], row["model"], row["comparison"]["with"]) == ("tiny", "EASE-9", "EASE")
    runs = {
        label: [run["groups"]["all"]["metrics"]["ndcg@5"] for run in found["runs"] if run["model"] == label]
        for label in ("EASE", "EASE-9")
    }
    assert row["mean"] == pytest.approx(np.mean(runs["EASE-9"]))
    assert row["mean_with"] == pytest.approx(np.mean(runs["EASE"]))
    assert row["comparison"]["difference"] == pytest.approx(row["mean_with"] - row["mean"], abs=1e-6)
    assert "### Variants beside their model" in (workplace / "out" / "report.md").read_text()


def test_what_models_are_by_user_is_held_for_one_data_set_at_a_time(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = tiny_grid("Pop")
    (plan,) = prepare_datasets(grid, workplace / "splits")
    plan_finals(grid, plan)
    held: list[weakref.ref[Finished]] = []

    def read(*_: Any) -> Finished:
        assert not any(one() for one in held), "those of an earlier data set"
        found = Finished({}, {})
        held.append(weakref.ref(found))
        return found

    monkeypatch.setattr(Finished, "read", read)
    assert assemble(grid, [plan] * 3, in_process)["summary"] == [] and len(held) == 3


def test_json_is_strict(tmp_path: Path) -> None:
    write_json(tmp_path / "r.json", {"a": float("nan"), "b": [np.float64(1.5), float("inf")], 3: (1,)})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": None, "b": [1.5, None], "3": [1]}
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_made_up_results_of_the_other_tests_follow_the_schema(results: dict[str, Any]) -> None:
    validate(results)
    jsonschema = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        validate({**results, "version": 0})


def test_a_folder_that_holds_other_results_is_refused(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    path = workplace / "out" / "results.json"
    path.parent.mkdir()
    path.write_text('{"schema": "ktrec-transfer-report"}')
    with pytest.raises(ConfigError, match=r"out\] holds the results of a \[ktrec-transfer-report\]: name another --o"):
        run_benchmark(tiny_grid("Pop"), in_process, workplace / "out")
    path.write_text('{"schema": "ktrec-benchmark"}')
    check_folder(path.parent, "ktrec-benchmark")
    with pytest.raises(ConfigError, match=r"\[ktrec-benchmark\]"):
        check_folder(path.parent, "ktrec-transfer-report")
    path.write_text("{")
    check_folder(path.parent, "ktrec-benchmark")
    refuse_other(path.parent, "random", ["d1"])
    refuse_other(path.parent / "none", "random", ["d1"])


def test_a_report_of_another_comparison_is_not_replaced(
    in_process: Runner, tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    out = workplace / "out"
    write_json(out / "results.json", {"schema": "ktrec-benchmark", "grid": {"split": "time", "datasets": ["tiny"]}})
    with pytest.raises(ConfigError, match=r"out\] holds a report of the split \[time\]: name another --output, or"):
        run_benchmark(tiny_grid("Pop"), in_process, out)
    results, _ = run_benchmark(tiny_grid("Pop"), in_process, out, overwrite=True)
    assert results["grid"]["split"] == "random"
    with pytest.raises(ConfigError, match=r"holds a report with \[tiny\]: name another"):
        refuse_other(out, "random", ["d1"])
    refuse_other(out, "random", ["tiny", "d1"])
    stored = {"split": "time", "share": 0.2, "datasets": ["tiny"]}
    write_json(out / "results.json", {"schema": "ktrec-benchmark", "grid": stored})
    with pytest.raises(ConfigError, match=r"holds a report of the split \[time\] with share \[0.2\]: name another"):
        run_benchmark(tiny_grid("Pop", kind="time", share=0.3), in_process, out)
    refuse_other(out, "time", ["tiny"], 0.2)
