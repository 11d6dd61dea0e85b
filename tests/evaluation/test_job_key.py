"""A result depends on what lies at a path, not on where that is."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.job_key import contents
from recbole_ktrec.evaluation.notes import along_notes, learned_notes
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.report import render_markdown
from recbole_ktrec.evaluation.results import assemble
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.model.artifact import WEIGHTS
from recbole_ktrec.model.artifact_card import CARD
from recbole_ktrec.text import text_hashes


@pytest.fixture
def artifact(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an artifact's two files, as far as their content is concerned."""
    monkeypatch.chdir(workplace)
    folder = workplace / "know"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / CARD).write_text("{}")
    return folder


def test_an_artifact_counts_by_what_is_in_it(artifact: Path) -> None:
    first = contents({"pretrained": "know"})
    assert set(first) == {"pretrained"}
    shutil.copytree(artifact, "copy")
    assert contents({"pretrained": "copy"}) == first
    (artifact / CARD).write_text('{"of": "other sources"}')
    assert contents({"pretrained": "know"}) != first
    assert contents({"pretrained": "nowhere"}) == {} == contents({"pretrained": None})


def test_sources_count_by_their_files(workplace: Path) -> None:
    config = {"source_datasets": ["tiny"], "source_data_path": str(workplace / "dataset")}
    first = contents(config)
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as file:
        file.write("u1\ti2\n")
    assert set(first) == {"source tiny"} and contents(config) != first


def test_an_encoder_in_a_folder_counts_by_its_weights(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    (workplace / "enc").mkdir()
    assert contents({"text_encoder": "enc"}) == {}, "the job says what is missing"
    (workplace / "enc" / "config.json").write_text("{}")
    (workplace / "enc" / "model.safetensors").write_bytes(b"1")
    first = contents({"text_encoder": "enc"})
    (workplace / "enc" / "model.safetensors").write_bytes(b"22")
    assert set(first) == {"text_encoder"} and contents({"text_encoder": "enc"}) != first
    assert contents({"text_encoder": "sentence-transformers/all-MiniLM-L6-v2"}) == {}


def planned(grid: Grid) -> DatasetPlan:
    return prepare_datasets(grid, Path("splits"))[0]


def test_a_replaced_artifact_is_another_job(artifact: Path, tiny_grid: Callable[..., Grid]) -> None:
    grid = tiny_grid("Pop")
    plan, entry = planned(grid), Entry("with", "KTEASE", {**grid.entries[0].config, "pretrained": "know"})
    first = make_job(grid, plan, entry, 2020, "final", {})
    assert make_job(grid, plan, entry, 2020, "final", {}).key == first.key
    shutil.copytree(artifact, "copy")
    for same in ("copy", str(artifact)):
        elsewhere = Entry("with", "KTEASE", {**entry.config, "pretrained": same})
        assert make_job(grid, plan, elsewhere, 2020, "final", {}).key == first.key
    (artifact / WEIGHTS).write_bytes(b"of other sources")
    assert make_job(grid, plan, entry, 2020, "final", {}).key != first.key


def test_sources_are_looked_for_where_the_data_sets_are(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    grid = tiny_grid("Pop")
    plan, entry = planned(grid), Entry("m", "KTRec", {**grid.entries[0].config, "source_datasets": ["tiny"]})
    assert make_job(grid, plan, entry, 2020, "final", {}).spec["config"]["source_data_path"] == grid.data_path
    given = dataclasses.replace(entry, config={**entry.config, "source_data_path": "there"})
    assert make_job(grid, plan, given, 2020, "final", {}).spec["config"]["source_data_path"] == "there"


def test_the_report_says_which_row_knows_the_answers(
    artifact: Path, tiny_grid: Callable[..., Grid], in_process: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = tiny_grid("Pop")
    row = Entry("KTEASE+", "KTEASE", {**grid.entries[0].config, "pretrained": "know"})
    unread = Entry("Pop+", "Pop", row.config)
    grid = dataclasses.replace(grid, entries=[row, unread, Entry("none", "KTEASE", grid.entries[0].config)])
    plan = planned(grid)
    assert learned_notes(grid, plan) == [], "damaged: the row's own jobs fail with the reason, the others go on"

    class Learned:
        def learned_from(self, names: list[str], digest: str, pairs: Any) -> str | None:
            return names[0] if len(digest) == 64 and len(pairs) else None

    class Renamed:
        def learned_from(self, *target: Any) -> None:
            return None

        def same_texts(self, texts: np.ndarray) -> tuple[str, float] | None:
            return ("shop", 0.9) if set(texts) == set(text_hashes(titles)) else None

    titles = [f"robot {k}" for k in range(30)]
    rows = ["item_id:token\ttitle:token_seq", *(f"i{k}\t{title}" for k, title in enumerate(titles))]
    Path("dataset/tiny/tiny.item").write_text("\n".join([*rows, "i99\tnobody's"]) + "\n")
    monkeypatch.setattr("recbole_ktrec.evaluation.notes.load", lambda folder: Renamed())
    [note] = learned_notes(grid, plan)
    assert note.startswith("[tiny], row [KTEASE+]: 90% of the item texts here are among those of [shop]")
    monkeypatch.setattr("recbole_ktrec.evaluation.notes.load", lambda folder: Learned())
    plan.notes += learned_notes(grid, plan)
    results: dict[str, Any] = assemble(grid, [plan], in_process)
    assert results["datasets"]["tiny"]["notes"] == plan.notes and len(plan.notes) == 1
    text = render_markdown({**results, "runs": []}, {})
    assert "Note: [tiny], row [KTEASE+]: The artifact [know] was learned from [tiny], this run's own data" in text


def test_the_report_says_which_row_trains_a_copy_along(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    """In another order the digest is another one; the jobs say it in their logs alone."""
    head, *rows = (workplace / "dataset/tiny/tiny.inter").read_text().splitlines()
    for name, lines in {"sorted": rows[::-1], "shop": [row.replace("u", "v") for row in rows]}.items():
        (workplace / "dataset" / name).mkdir()
        (workplace / "dataset" / name / f"{name}.inter").write_text("\n".join([head, *lines]) + "\n")
    grid = tiny_grid("Pop")
    row = Entry("along", "KTRec", {**grid.entries[0].config, "source_datasets": ["sorted", "shop", "nowhere"]})
    grid = dataclasses.replace(grid, entries=[row, dataclasses.replace(row, label="Pop+", model="Pop")])
    [note] = along_notes(grid, planned(grid))
    said = "about 100% of the interactions of this run are in [sorted]: KTRec learns from the held-out interactions"
    assert note.startswith(f"[tiny], row [along]: source_datasets: {said}")
