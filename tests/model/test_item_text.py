"""Vectors of a data set's items, and what is said where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scipy.sparse as sp
from recbole.config import Config
from recbole.data import create_dataset, data_preparation

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.item_text import load_item_text, load_user_text


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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (3, r"^user_text_fields \[3\] is not a list"),
        (["job"], r"^user_text_fields: \[.*tiny.user\] has no column \[job\]"),
        (None, r"tiny.user\] has no text column among user_id:token, age:float: name one in user_text_fields"),
    ],
)
def test_columns_of_users_are_told_by_their_own_key(
    fields: Any, said: str, textual: Callable[..., dict[str, Any]], workplace: Path
) -> None:
    (workplace / "dataset/tiny/tiny.user").write_text("user_id:token\tage:float\nu1\t30\n")
    config = Config("KTRec", "tiny", config_dict=textual(user_text="columns", user_text_fields=fields))
    dataset = create_dataset(config)
    with pytest.raises((ConfigError, DataError), match=said):
        load_user_text(config, dataset, sp.csr_matrix((dataset.user_num, dataset.item_num)))


def test_padding_is_no_user_without_history(textual: Callable[..., dict[str, Any]]) -> None:
    config = Config("KTRec", "tiny", config_dict=textual(user_text="history_document"))
    dataset = data_preparation(config, create_dataset(config))[0].dataset
    taken = binary_interactions(dataset)
    found = load_user_text(config, dataset, taken)
    assert found is not None and found.missing == 0 and not found.has_text[0]
