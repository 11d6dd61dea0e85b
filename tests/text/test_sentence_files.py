"""What sentence-transformers would do with an encoder and nobody does here."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.text import TextSettings, locate_encoder

PROMPTS = {"prompts": {"query": "Find: ", "none": ""}}
#: case -> (file, its content, text_* settings, what is said of it)
TOLD: dict[str, tuple[str, Any, dict[str, str], str]] = {
    "letters": ("sentence_bert_config.json", {"do_lower_case": True}, {}, "writes texts in small letters"),
    "prompt": (
        "config_sentence_transformers.json", {**PROMPTS, "default_prompt_name": "query"}, {}, 'text_prompt: "Find: "',
    ),
    "pooled prompt": ("1_Pooling/config.json", {"include_prompt": False}, {"prompt": "Find: "}, "include_prompt"),
    "module": ("modules.json", [{"type": "sentence_transformers.models.Dense"}], {}, r"the modules \[Dense\]"),
}  # fmt: skip
UNTOLD: dict[str, tuple[str, Any, dict[str, str]]] = {
    "other prompt": (*TOLD["prompt"][:2], {"prompt": "Query: "}),
    "empty prompt": ("config_sentence_transformers.json", {**PROMPTS, "default_prompt_name": "none"}, {}),
    "unknown prompt": ("config_sentence_transformers.json", {"prompts": None, "default_prompt_name": "query"}, {}),
    "no prompt": ("config_sentence_transformers.json", {**PROMPTS, "default_prompt_name": None}, {}),
    "nothing to leave out": ("1_Pooling/config.json", {"include_prompt": False}, {}),
    "not in the pooling": ("1_Pooling/config.json", {"include_prompt": False}, {"prompt": "Find: ", "pooling": "cls"}),
    "letters as they are": ("sentence_bert_config.json", {"do_lower_case": False}, {}),
    "another form": ("modules.json", {"type": 3}, {}),
}


def with_file(bert_folder: Path, folder: Path, name: str, content: Any) -> str:
    shutil.copytree(bert_folder, folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return str(folder)


@pytest.mark.parametrize("case", TOLD)
def test_what_is_not_done_here_is_told_once(
    bert_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    name, content, settings, said = TOLD[case]
    own = TextSettings(encoder=with_file(bert_folder, tmp_path / "own", name, content), **settings)
    for _ in range(2):
        locate_encoder(own)
    assert [one.levelno for one in caplog.records] == [logging.WARNING]
    assert caplog.records[0].getMessage().startswith(f"text_encoder [{own.encoder}]")
    assert re.search(said, caplog.text)


@pytest.mark.parametrize("case", UNTOLD)
def test_what_changes_nothing_is_not_told(
    bert_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    name, content, settings = UNTOLD[case]
    locate_encoder(TextSettings(encoder=with_file(bert_folder, tmp_path / "own", name, content), **settings))
    assert not caplog.records


def test_letters_that_the_tokenizer_makes_small_are_not_told(
    bert_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = with_file(bert_folder, tmp_path / "own", "sentence_bert_config.json", {"do_lower_case": True})
    (tmp_path / "own" / "tokenizer_config.json").write_text('{"do_lower_case": true}')
    locate_encoder(TextSettings(encoder=own))
    assert not caplog.records
