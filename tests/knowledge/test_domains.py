"""What a source domain's results depend on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.knowledge.domains import read_domain
from recbole_ktrec.knowledge.options import PretrainOptions
from tests.knowledge.test_pretraining import KEYS


def test_what_was_computed_holds_wherever_the_encoder_and_its_cache_lie(
    values: Callable[[str], dict[str, Any]], workplace: Path
) -> None:
    def key(**changes: Any) -> str:
        return read_domain("one", {**values("one"), **changes}, PretrainOptions.read(KEYS)).key

    moved = shutil.copytree(values("one")["text_encoder"], workplace / "moved")
    elsewhere = {"text_encoder": str(moved), "text_cache_dir": str(workplace / "else"), "text_batch_tokens": 64}
    assert key(**elsewhere) == key()
    changes = ({"text_max_length": 8}, {"text_fields": {"title": {"max_words": 1}}}, {"text_missing": ["x"]})
    assert len({key(), *(key(**change) for change in changes)}) == 4


def test_the_texts_of_a_source_are_read_once(
    values: Callable[[str], dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="recbole_ktrec"):
        domain = read_domain("one", values("one"), PretrainOptions.read(KEYS))
    assert caplog.text.count("Text from the columns [title]") == 1
    assert len(domain.texts) == len(domain.vectors) == 31 and domain.texts[0] is None
