"""Workbooks and parquet files, where their extras are installed, and the message where they are not."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ktrec.errors import DataError, MissingExtraError
from recbole_ktrec.sources import convert, source_of
from recbole_ktrec.sources.completion import complete
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.guessing import guess_type

SHOP = pd.DataFrame(
    {
        "Invoice": ["536365", "C536379", "536366"],
        "StockCode": ["85123A", "85123A", 22633],
        "Description": ["HEART", "HEART", None],
        "Quantity": [6, -1, 6],
        "InvoiceDate": pd.to_datetime(["2010-12-01 08:26", "2010-12-01 09:41", "2010-12-01 08:28"]),
        "Price": [2.55, 27.5, 1.85],
        "Customer ID": [17850.0, 14527.0, None],
        "Country": ["United Kingdom"] * 3,
    }
)


@pytest.mark.parametrize(("name", "package"), [("Online Retail.xlsx", "openpyxl"), ("retail.parquet", "pyarrow")])
def test_a_missing_extra_names_the_command(
    raw: Callable[..., Path], run: Callable[..., Any], name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(MissingExtraError, match=rf"needs \[{package}\]: pip install 'recbole-ktrec\["):
        run("online-retail", raw({name: b"PK"}))


def test_online_retail_as_a_workbook(tmp_path: Path, run: Callable[..., Any]) -> None:
    pytest.importorskip("openpyxl", reason="extra [excel] is not installed")
    with pd.ExcelWriter(tmp_path / "online_retail_II.xlsx") as writer:
        SHOP.to_excel(writer, sheet_name="2009", index=False)
        SHOP.iloc[:1].assign(Invoice="99").to_excel(writer, sheet_name="2010", index=False)
    result = run("online-retail", tmp_path / "online_retail_II.xlsx")
    assert result.rows("inter") == [["17850", "85123A", "6", "2.55", "1291191960"]]
    assert result.dropped() == {"cancelled invoice": 1, "missing user_id": 1, "exact duplicate": 1}
    assert result.damaged[0][:3] == ["inter", "online_retail_II.xlsx!2009", "4"]
    assert result.rows("item") == [["85123A", "HEART"]] and result.rows("user") == [["17850", "United Kingdom"]]


def test_a_parquet_table_is_guessed(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow.parquet", reason="extra [parquet] is not installed")
    pd.DataFrame({"user": [1, 2], "item": ["a", None], "score": [1.5, 2.0]}).to_parquet(tmp_path / "a.parquet")
    mapping = complete({"interactions": {"file": "a.parquet"}}, Inputs.of([tmp_path]))
    assert mapping["interactions"]["columns"] == {
        "user_id": {"from": "user"}, "item_id": {"from": "item"}, "rating": {"from": "score"},
    }  # fmt: skip
    report = convert("table", source_of(mapping), [tmp_path], tmp_path / "out" / "d")
    assert dict(report.ledgers[0].dropped) == {"missing item_id": 1}
    assert (tmp_path / "out" / "d" / "d.inter").read_text().splitlines()[1:] == ["1\ta\t1.5"]


@pytest.mark.parametrize("name", ["retail.xlsx", "retail.parquet"])
def test_a_file_that_is_none_is_named(raw: Callable[..., Path], run: Callable[..., Any], name: str) -> None:
    pytest.importorskip("openpyxl" if name.endswith("xlsx") else "pyarrow", reason="the extra is not installed")
    with pytest.raises(DataError, match=rf"\[{name}\] cannot be read"):
        run("online-retail", raw({name: b"nothing of the kind"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a red train", "token_seq"),
        ("财经新闻周刊", "token_seq"),
        ("财经", "token"),
        ("B00EOZ5MO6", "token"),
        ("1.5", "float"),
    ],
)
def test_what_a_column_holds(value: str, expected: str) -> None:
    assert guess_type([value, ""]) == expected
