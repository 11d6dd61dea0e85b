"""Interactions without a user or an item are left out, and no others; without the columns of both, none are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.harness import load_parts, make_config
from tests.support import Settings


def test_rows_that_lack_an_id_go_and_all_others_stay(
    settings: Settings, workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    rows[3] = "\t".join(["", *rows[3].split("\t")[1:]])
    rows[7] = "\t".join([rows[7].split("\t")[0], "", *rows[7].split("\t")[2:]])
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    whole = {"split": {"RS": [1, 0, 0]}, "group_by": None, "order": "RO", "mode": "full"}
    _, (dataset, *_) = load_parts(make_config("Pop", "tiny", settings(eval_args=whole)))
    users, items = (dataset.id2token(name, dataset.inter_feat[name]) for name in ("user_id", "item_id"))
    left = {tuple(row.split("\t")[:2]) for place, row in enumerate(rows) if place not in (3, 7)}
    assert len(users) == len(rows) - 2 and set(zip(users, items, strict=True)) == left
    assert f"Left out of {len(rows)} interactions, for they have no user_id or no item_id" in caplog.text
    assert "lines [5, 9]." in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # RecBole's load_col of a data set that it does not know, beside ids of other names: nothing is loaded
        ({"USER_ID_FIELD": "uid", "ITEM_ID_FIELD": "iid"}, r"no column \[uid\], \[iid\] .*'user_id', 'item_id'"),
        ({"load_col": {"inter": ["user_id", "rating"]}}, r"no column \[item_id\] .*ITEM_ID_FIELD \[item_id\]"),
        ({"load_col": None, "USER_ID_FIELD": "uid"}, r"no column \[uid\] .*load_col of inter is all of them"),
        ({"load_col": {"item": ["item_id"]}}, r"no column \[user_id\], \[item_id\] .*load_col of inter is none"),
    ],
)
def test_columns_of_ids_that_were_not_loaded_are_named(
    settings: Settings, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        load_parts(make_config("Pop", "tiny", settings(**changes)))
