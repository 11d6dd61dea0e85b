"""Rows of a user's own model: their jobs, by which state of the source, and what they are tuned over."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec import register
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.benchmark import check_rows, make_grid, run_benchmark
from recbole_ktrec.evaluation.grid import Grid, make_job
from recbole_ktrec.evaluation.options import entries, reads_texts
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.register.own_models import register_own
from recbole_ktrec.register.own_source import own_source
from tests.evaluation.conftest import QUICK
from tests.evaluation.job_specs import plan_of, spec_of
from tests.register.conftest import tiny_tower as tiny_tower

NO_GRID: dict[str, Any] = {"rows": []}


def own_grid(tiny_grid: Callable[..., Grid], **more: Any) -> Grid:
    options = {"TinyTower": {"tune": {"tiny_width": {"choice": [4, 6]}}}, "wide": {"model": "TinyTower"}}
    rows = entries(["TinyTower", "wide", "Pop"], NO_GRID, {**options, "all": QUICK})
    return dataclasses.replace(tiny_grid(), entries=rows, **more)


def test_an_edited_module_is_another_job(tiny_grid: Callable[..., Grid], tiny_tower: str, tmp_path: Path) -> None:
    def keys() -> dict[str, str]:
        grid = own_grid(tiny_grid)
        plan = plan_of(grid)
        return {row.label: make_job(grid, plan, row, 2020, "final", {}).key for row in grid.entries}

    first = keys()
    assert first["TinyTower"] == first["wide"] and keys() == first
    for name in ("tiny_tower_module.py", "TinyTower.yaml"):
        with (tmp_path / "code" / name).open("a") as file:
            file.write("\n# edited\n")
        now = keys()
        assert now["Pop"] == first["Pop"] and now["wide"] != first["wide"], name
        first = now


def test_its_rows_are_tuned_and_gone_on_with(
    tiny_grid: Callable[..., Grid], tiny_tower: str, in_process: Runner, workplace: Path
) -> None:
    grid = own_grid(tiny_grid, tune=2)
    check_rows(grid, {})
    results, _ = run_benchmark(grid, in_process, workplace / "out")
    assert [(row["model"], row["settings"]) for row in results["tuning"] if row["model"] != "Pop"][0::2] == [
        ("TinyTower", {}), ("wide", {}),
    ]  # fmt: skip
    assert {run["status"] for run in results["runs"]} == {"done"}
    told = [note for note in results["datasets"]["tiny"]["notes"] if "your own" in note]
    assert len(told) == 1 and told[0].endswith("): 2 rows, TinyTower, wide.")
    written = {path: path.stat().st_mtime_ns for path in (workplace / "out" / "jobs").glob("*.json")}
    run_benchmark(grid, in_process, workplace / "out")
    assert {path: path.stat().st_mtime_ns for path in (workplace / "out" / "jobs").glob("*.json")} == written


def test_a_module_that_changed_after_its_job_was_planned_is_a_failure(
    tiny_grid: Callable[..., Grid], tiny_tower: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("die_with_parent", "offer_to_oom_killer"):
        monkeypatch.setattr(job.parent, name, lambda *_: None)  # this process is no child of a runner
    grid = own_grid(tiny_grid)
    spec = spec_of(grid, plan_of(grid))
    result = str(workplace / "r.json")
    spec |= {"parent": 0, "scratch": str(workplace), "result": result, "memory_limit": None}
    (workplace / "spec.json").write_text(json.dumps(spec))
    with (workplace / "code" / "tiny_tower_module.py").open("a") as file:
        file.write("\n# edited\n")
    assert job.main(str(workplace / "spec.json")) == 0
    found = json.loads(Path(result).read_text())
    assert found["status"] == "failed"
    assert "[tiny_tower_module.py, TinyTower.yaml] in" in found["error"] and "changed while" in found["error"]


def test_what_is_derived_is_tuned_over_the_ranges_of_its_base(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(workplace))
    source = "from recbole_ktrec.model.ktrec import KTRec\nclass KTFast(KTRec): pass\nclass KTFaster(KTFast): pass\n"
    Path("own_fast.py").write_text(source)
    own = register_own(["KTFast=own_fast", "KTFaster=own_fast"])
    try:
        *derived, base = make_grid({"dataset": ["tiny"], "models": [*own, "KTRec"], "data_path": "dataset"}).entries
        assert base.source is None and base.ranges
        for row in derived:
            assert row.ranges == base.ranges and row.source == own_source(row.model)
        assert not reads_texts("KTFaster", {"fusion": "id"}) and reads_texts("KTFaster", {})
    finally:
        for name in own:
            del register.MODELS[name]
