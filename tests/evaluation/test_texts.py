"""Texts are encoded once, before the jobs, for each encoder that the grid asks for."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ktrec.commands.options import read_options
from recbole_ktrec.evaluation import texts
from recbole_ktrec.evaluation.grid import Grid, prepare_datasets
from recbole_ktrec.evaluation.notes import script_notes, textless_notes
from recbole_ktrec.evaluation.options import Entry


def test_one_call_for_each_data_set_and_setting(
    tiny_grid: Callable[..., Grid], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], dict[str, Any]]] = []
    monkeypatch.setattr(texts, "_encode", lambda command, settings: calls.append((command, settings)) or False)
    grid = tiny_grid("Pop", text_diversity=True)
    longer = Entry("KTRec", "KTRec", {"text_max_length": 256, "epochs": 2})
    same = Entry("KTRec again", "KTRec", {"epochs": 3})
    grid = dataclasses.replace(grid, entries=[*grid.entries, longer, same])
    plans = prepare_datasets(grid, Path("splits"))
    assert texts.encode_ahead(grid, plans, 2) == [] and not calls, "no .item file"
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\ta title\n")
    notes = texts.encode_ahead(grid, plans, 2)
    assert [settings.get("text_max_length") for _, settings in calls] == [None, 256]
    assert f"--item_file={workplace / 'dataset' / 'tiny' / 'tiny.item'}" in calls[0][0]
    assert f"--parent={os.getpid()}" in calls[0][0], "it is not to outlive this process"
    assert notes == ["The item texts of [tiny] could not be encoded ahead of the jobs."] * 2


def test_files_without_text_are_told_and_not_encoded(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    grid = tiny_grid("Pop", "KTRec", text_diversity=True)
    (plan,) = prepare_datasets(grid, Path("splits"))
    assert textless_notes(grid, plan) == ["[tiny]: there is no [tiny.item], so no row reads texts there."]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\tmaker:token\ni1\tlego\n")
    assert textless_notes(grid, plan) == ["[tiny]: [tiny.item] holds no text, so no row reads texts there."]
    assert texts.text_settings(grid, plan) == []
    named = dataclasses.replace(grid, entries=[*grid.entries, Entry("named", "KTRec", {"text_fields": ["maker"]})])
    assert textless_notes(named, plan) == [] and texts.text_settings(named, plan) == [{"text_fields": ["maker"]}]


def test_only_items_that_are_ranked_are_encoded(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    """An item of the file that nobody took has no id in the split, so its text is not needed."""
    folder = workplace / "dataset" / "tiny"
    taken = {line.split("\t")[1] for line in (folder / "tiny.inter").read_text().splitlines()[1:]}
    lines = [f"{item}\ta title\n" for item in [*sorted(taken), "surplus"]]
    (folder / "tiny.item").write_text("item_id:token\ttitle:token_seq\n" + "".join(lines))
    (plan,) = prepare_datasets(tiny_grid("Pop", seeds=[1, 2]), Path("splits"))
    (path,) = texts.item_files(plan)
    assert {line.split("\t")[0] for line in path.read_text().splitlines()[1:]} == taken


def test_settings_reach_the_encoding_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        ran.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(texts.subprocess, "run", run)
    settings = {"text_fields": {"title": {"label": "A: b"}}, "text_prompt": "1", "text_template": None}
    assert texts._encode(["ktrec", "encode"], settings)
    assert read_options(ran[0][2:]) == settings


def test_a_failed_encoding_is_told_not_raised(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\ta title\n")
    grid = tiny_grid("Pop", text_diversity=True, common={"text_encoder": str(workplace / "no such folder")})
    plans = prepare_datasets(grid, Path("splits"))
    assert len(texts.encode_ahead(grid, plans, 1)) == 1


def test_texts_are_read_with_the_language_model_of_an_artifact_too(
    tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\ta title\n")
    entries = [Entry(name, "KTRec", {"pretrained": "knowledge", "epochs": k}) for k, name in enumerate(("a", "b"), 1)]
    grid = dataclasses.replace(tiny_grid("Pop"), entries=entries)
    (plan,) = prepare_datasets(grid, Path("splits"))
    assert [settings.get("pretrained") for settings in texts.text_settings(grid, plan)] == [None, "knowledge"]


def test_a_script_that_the_default_encoder_does_not_know_is_noted(
    tiny_grid: Callable[..., Grid], workplace: Path
) -> None:
    items = "".join(f"i{item}\t新闻 {item}\n" for item in range(30))
    (workplace / "dataset" / "tiny" / "tiny.item").write_text(f"item_id:token\ttitle:token_seq\n{items}")
    other = Entry("other", "KTEASE", {"text_encoder": "some/other"})
    for rows, told in (([Entry("KTEASE", "KTEASE", {}), other], 1), ([other], 0)):
        grid = dataclasses.replace(tiny_grid("Pop"), entries=[*tiny_grid("Pop").entries, *rows])
        (plan,) = prepare_datasets(grid, Path("splits"))
        notes = script_notes(grid, plan)
        assert len(notes) == told and all(note.startswith("[tiny]: 100% of the letters") for note in notes)
    with (workplace / "dataset" / "tiny" / "tiny.item").open("a", encoding="utf-8") as file:
        file.write("i1\tanother text\n")
    grid = dataclasses.replace(grid, entries=[Entry("KTEASE", "KTEASE", {})])
    assert script_notes(grid, plan) == [], "a row that is there twice is told by the jobs, the others run"


@pytest.mark.parametrize(("keys", "visible"), [({"gpu_id": ""}, ""), ({"use_gpu": False}, ""), ({"gpu_id": "3"}, "3")])
def test_texts_are_encoded_where_the_jobs_run(
    tiny_grid: Callable[..., Grid], workplace: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any], visible: str
) -> None:
    """RecBole hides GPUs by the environment as the splits are made, and the process of `ktrec encode` inherits it."""
    seen: list[str] = []

    def run(_: list[str], env: dict[str, str], **__: Any) -> SimpleNamespace:
        seen.append(env["CUDA_VISIBLE_DEVICES"])
        return SimpleNamespace(returncode=0)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(texts.subprocess, "run", run)
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\ta title\n")
    grid = tiny_grid("Pop", text_diversity=True, common=keys)
    texts.encode_ahead(grid, prepare_datasets(grid, Path("splits")), 1)
    assert seen == [visible]
