"""Vectors of a data set's items, and what is said where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.config import Config
from recbole.data import create_dataset

from recbole_ktrec.model.item_text import load_item_text


@pytest.mark.parametrize("row", ["i{}\t\tx", "other{}\tred robot\tx"])
def test_a_catalogue_without_any_text_is_warned_of(
    row: str, textual: Callable[..., dict[str, Any]], workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config("KTEASE", "tiny", config_dict=textual())
    dataset = create_dataset(config)
    assert load_item_text(config, dataset).has_text.any() and "No item has a text" not in caplog.text
    lines = ["item_id:token\ttitle:token_seq\tbrand:token", *(row.format(item) for item in range(30))]
    (workplace / "dataset/tiny/tiny.item").write_text("\n".join(lines) + "\n")
    assert not load_item_text(config, dataset).has_text.any()
    (told,) = (one for one in caplog.records if one.levelname == "WARNING" and "No item has a text" in one.message)
    assert "the columns read, [title]," in told.message
    assert "Check text_fields and [item_id]; the columns of the file are [title, brand]." in told.message
