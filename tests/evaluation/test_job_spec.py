"""What a job is told: its key, its settings and paths; and that a failure is a result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.benchmark import make_grid
from recbole_ktrec.evaluation.grid import make_job
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.source import read_source
from tests.evaluation.job_specs import Make, plan_of, spec_of


def test_keys_change_with_what_matters_only(tiny_grid: Make, workplace: Path) -> None:
    grid, plan = tiny_grid("BPR"), plan_of(tiny_grid("BPR"))
    entry = grid.entries[0]
    base = make_job(grid, plan, entry, 2020, "final", {}).key
    assert make_job(grid, plan_of(tiny_grid("BPR")), entry, 2020, "final", {}).key == base
    assert make_job(grid, plan, Entry("other label", "BPR", entry.config), 2020, "final", {}).key == base
    trial = make_job(grid, plan, entry, 2020, "trial", {}).key
    assert trial != base
    for more in ({"rating_threshold": 4.0}, {"text_diversity": True}):
        assert make_job(tiny_grid("BPR", **more), plan, entry, 2020, "final", {}).key != base
        assert make_job(tiny_grid("BPR", **more), plan, entry, 2020, "trial", {}).key == trial, "not measured of it"
    assert make_job(grid, plan, entry, 2020, "final", {"embedding_size": 9}).key != base
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as handle:
        handle.write("u0\ti1\t5\t99\n")
    assert make_job(grid, plan_of(grid), entry, 2020, "final", {}).key != base


def test_a_failure_is_a_result(tiny_grid: Make, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("die_with_parent", "offer_to_oom_killer"):
        monkeypatch.setattr(job.parent, name, lambda *_: None)  # this process is no child of a runner
    grid = tiny_grid("Pop")
    spec = spec_of(grid, plan_of(grid))
    spec |= {
        "parent": 0,
        "origin": str(workplace),
        "scratch": str(workplace),
        "result": str(workplace / "r.json"),
        "memory_limit": None,
    }
    spec["model"] = "NoSuchModel"
    (workplace / "spec.json").write_text(json.dumps(spec))
    assert job.main(str(workplace / "spec.json")) == 0
    found = json.loads((workplace / "r.json").read_text())
    assert found["status"] == "failed" and "NoSuchModel" in found["error"] and "Traceback" in found["traceback"]


def test_paths_in_options_are_seen_from_where_the_user_stands(workplace: Path) -> None:
    (workplace / "models" / "enc").mkdir(parents=True)
    config = {"text_encoder": "models/enc", "hub": "org/name", "n": 3, "word": "dataset"}
    assert job.absolute_paths(config, workplace) == {**config, "text_encoder": str(workplace / "models" / "enc")}
    words = {"pretrained": "models", "text_encoder": "org/name", "source_data_path": "dataset", "fusion": "models"}
    found = job.absolute_paths(words, workplace)
    assert found == {**words, "pretrained": str(workplace / "models"), "source_data_path": str(workplace / "dataset")}


def test_settings_of_the_data_set_go_over_defaults_for_every_model(tiny_grid: Make, workplace: Path) -> None:
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("learning_rate: 0.01\ntrain_batch_size: 64\n")
    asked = {"dataset": ["tiny"], "models": ["BPR", "KTRec"], "data_path": "dataset", "given": {"train_batch_size": 32}}
    grid = make_grid(asked)
    plan = plan_of(grid)
    for entry in grid.entries:
        config = spec_of(grid, plan, entry)["config"]
        assert (config["learning_rate"], config["train_batch_size"]) == (0.01, 32), entry.label


def test_a_cache_that_is_not_there_yet_is_made_where_the_user_stands(workplace: Path) -> None:
    found = job.absolute_paths({"text_cache_dir": "new"}, workplace)
    assert found == {"text_cache_dir": str(workplace / "new")}
    assert job.absolute_paths({"text_cache_dir": "~/new"}, workplace) == {"text_cache_dir": "~/new"}


def test_the_encoding_is_part_of_what_a_data_set_is(tiny_grid: Make, workplace: Path) -> None:
    values = {"data_path": str(workplace / "dataset"), "load_col": {"inter": ["user_id", "item_id"]}}
    digests = [read_source("tiny", {**values, **more}).digest for more in
               ({}, {"encoding": "utf8"}, {"encoding": "latin-1"})]  # fmt: skip
    assert digests[0] == digests[1] != digests[2]
