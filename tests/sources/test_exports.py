"""Delimited files as databases, Spark, spreadsheets and ``cat`` leave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from source_dumps import columns

Convert = Callable[..., Any]
PAIRS = "user_id,item_id\na,x\nb,y\n"
FILES = ("--interactions", "c.csv", "--items", "i.csv")


def test_null_of_a_database_is_an_empty_cell(convert: Convert) -> None:
    clicks = "user_id,item_id,place\na,x,Rome\n\\N,y,\\N\nb,y,C:\\N\n"
    rows, account = convert({"c.csv": clicks, "i.csv": "item_id,title\nx,\\N\ny,Blue hat\n"}, *FILES)
    assert columns(rows["inter"], "user_id", "place") == [("a", "Rome"), ("b", "C:\\N")]
    assert columns(rows["item"], "title") == [("",), ("Blue hat",)]
    tables = account["tables"]
    assert tables["inter"]["dropped"] == {"missing user_id": 1}
    assert tables["inter"]["changed"] == {"\\N read as an empty cell": 2}
    assert tables["item"]["changed"] == {"\\N read as an empty cell": 1}


def test_headers_of_joined_files_are_no_rows(convert: Convert, tmp_path: Path) -> None:
    rows, account = convert({"c.csv": PAIRS + "\ufeff" + PAIRS.replace("a,x", "c,x") + PAIRS}, FILES[0], FILES[1])
    assert columns(rows["inter"], "user_id", "item_id") == [("a", "x"), ("b", "y"), ("c", "x")]
    table = account["tables"]["inter"]
    assert table["rows_in"] == 8 and table["dropped"] == {"the header again": 2, "exact duplicate": 3}
    listed = (tmp_path / "d" / "damaged.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert listed == ["inter\tc.csv\t4\tthe header again", "inter\tc.csv\t7\tthe header again"]


def test_a_header_with_an_open_quote_is_taken_as_it_stands(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n")
    rows, _ = convert({"c.csv": PAIRS.replace("user_id", '"user_id')}, "--mapping", str(tmp_path / "m.yaml"))
    assert columns(rows["inter"], "user_id", "item_id") == [("a", "x"), ("b", "y")]
