"""Workbooks and parquet files, where their extras are installed, and the message where they are not."""

import importlib.util
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
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


def test_the_sheets_of_orders_and_goods_are_told_apart(
    convert: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openpyxl", reason="extra [excel] is not installed")
    (tmp_path / "raw").mkdir()
    with pd.ExcelWriter(tmp_path / "raw" / "shop.xlsx") as book:
        for year in ("2023", "2024"):
            orders = pd.DataFrame({"Customer": [f"a{year}", "b"], "SKU": ["x", "y"], "Price": [1, 2]})
            orders.to_excel(book, sheet_name=year, index=False)
        pd.DataFrame({"SKU": ["x", "y"], "Title": ["Red shoe", "Blue hat"]}).to_excel(book, "Goods", index=False)
    (tmp_path / "m.yaml").write_text(
        "interactions: {file: shop.xlsx, columns: {user_id: Customer, item_id: SKU}}\n"
        "items: {file: shop.xlsx, columns: {item_id: SKU, title: Title}}\ntext_fields: [title]\n"
    )
    rows, account = convert({}, "--mapping", str(tmp_path / "m.yaml"))
    assert rows["inter"][1:] == [["a2023", "x"], ["b", "y"], ["a2024", "x"]]
    assert rows["item"][1:] == [["x", "Red shoe"], ["y", "Blue hat"]]
    assert account["tables"]["inter"]["changed"] == {"sheet [Goods], which has only sku of the columns, left out": 1}
    assert "warning: items: sheet [2023], which has only sku of the columns, left out" in capsys.readouterr().out
    (tmp_path / "m.yaml").write_text(
        "interactions: {file: shop.xlsx, columns: {user_id: Customer, item_id: SKU, rating: Stars}}\n"
    )
    assert convert({}, "--mapping", str(tmp_path / "m.yaml"), "--overwrite") == 2
    assert "[shop.xlsx, sheet 2023] has no column [Stars]" in capsys.readouterr().err


def parquet(folder: Path, name: str, **columns: Any) -> Path:
    """Write a parquet file without compression, so that its pages can be damaged in place."""
    arrow = pytest.importorskip("pyarrow", reason="extra [parquet] is not installed")
    folder.mkdir(exist_ok=True)
    pytest.importorskip("pyarrow.parquet").write_table(arrow.table(columns), folder / name, compression="none")
    return folder / name


def test_decimal_ids_and_bytes_of_a_parquet_file(convert: Callable[..., Any], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="extra [parquet] is not installed")
    long = 12345678901234567890
    users = arrow.array([Decimal(long), Decimal(2), Decimal("3")], arrow.decimal128(38, 0))
    items = arrow.array([b"x", b"y", b"\xff"], arrow.binary())
    parquet(tmp_path / "raw", "c.parquet", user_id=users, item_id=items)
    texts = {"title": arrow.array([b"Red shoe", None], arrow.binary()), "tags": arrow.array([[b"a"], [b"b", b"c"]])}
    parquet(tmp_path / "raw", "i.parquet", item_id=arrow.array([b"x", b"y"], arrow.binary()), **texts)
    rows, account = convert({}, "--interactions", "c.parquet", "--items", "i.parquet")
    assert rows["inter"][1:] == [[str(long), "x"], ["2", "y"]]
    assert rows["item"][1:] == [["x", "Red shoe", "a"], ["y", "", "b, c"]]
    table = account["tables"]["inter"]
    assert table["dropped"] == {"missing item_id": 1}
    assert table["changed"] == {"item_id of bytes that are no UTF-8, left empty": 1}


def test_uuids_of_a_parquet_file(convert: Callable[..., Any], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="extra [parquet] is not installed")
    known = [uuid.UUID(int=number << 100 | 0xFF) for number in (3, 1, 2)]
    raw = [one.bytes for one in known]
    marked = arrow.array(raw, arrow.uuid()) if hasattr(arrow, "uuid") else list(map(str, known))
    items = arrow.array([raw[0], None, raw[2]], arrow.binary())
    parquet(tmp_path / "raw", "c.parquet", user_id=marked, item_id=items)
    parquet(tmp_path / "raw", "i.parquet", item_id=arrow.array(raw, arrow.binary(16)), title=["a", "b", "c"])
    rows, account = convert({}, "--interactions", "c.parquet", "--items", "i.parquet")
    assert rows["inter"][1:] == [[str(known[0])] * 2, [str(known[2])] * 2]
    assert rows["item"][1:] == [[str(one), title] for one, title in zip(known, "abc", strict=True)]
    told = account["tables"]
    assert told["inter"]["dropped"] == {"missing item_id": 1}
    assert told["item"]["changed"] == {"item_id of 16 bytes each, written as UUIDs": 3}


def test_a_damaged_id_of_16_letters_makes_no_uuids_of_the_others(convert: Callable[..., Any], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="extra [parquet] is not installed")
    items = [b"product-00000001", b"product-\xe90000002", b"product-00000003"]
    parquet(tmp_path / "raw", "c.parquet", user_id=["u", "v", "w"], item_id=arrow.array(items, arrow.binary()))
    rows, account = convert({}, "--interactions", "c.parquet")
    assert rows["inter"][1:] == [["u", "product-00000001"], ["w", "product-00000003"]]
    assert account["tables"]["inter"]["changed"] == {"item_id of bytes that are no UTF-8, left empty": 1}


def test_uuids_within_lists_and_a_field_of_that_name(convert: Callable[..., Any], tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="extra [parquet] is not installed")
    if not hasattr(arrow, "uuid"):
        pytest.skip("this pyarrow has no type of its own for UUIDs")
    known = [uuid.UUID(int=number) for number in (1, 2)]
    each = arrow.array([one.bytes for one in known], arrow.uuid())
    several = arrow.ListArray.from_arrays(arrow.array([0, 0, 2], arrow.int32()), each)
    fields = arrow.struct([("maker", arrow.string()), ("uuid", arrow.string())])
    made = arrow.array([{"uuid": "a", "maker": "lego"}, None], fields)  # which order is guessed is pyarrow's own
    parquet(tmp_path / "raw", "i.parquet", item_id=["x", "y"], title=["a", "b"], categories=several, brand=made)
    parquet(tmp_path / "raw", "c.parquet", user_id=["u", "v"], item_id=["x", "y"])
    rows, _ = convert({}, "--interactions", "c.parquet", "--items", "i.parquet")
    assert rows["item"][1:] == [["x", "a", "", "maker: lego; uuid: a"], ["y", "b", f"{known[0]}, {known[1]}", ""]]


@pytest.mark.parametrize("mapped", [False, True])
def test_a_damaged_page_of_a_parquet_file_is_its_own_fault(
    convert: Callable[..., Any], tmp_path: Path, mapped: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = parquet(tmp_path / "raw", "c.parquet", user_id=["a", "b"] * 500, item_id=["x", "y"] * 500)
    data = bytearray(path.read_bytes())
    data[4:60] = b"\xff" * 56
    path.write_bytes(data)
    (tmp_path / "m.yaml").write_text("interactions: {file: c.parquet, columns: {user_id: user_id, item_id: item_id}}\n")
    given = ["--mapping", str(tmp_path / "m.yaml")] if mapped else ["--interactions", "c.parquet"]
    assert convert({}, *given) == 2
    assert "[c.parquet] cannot be read: " in capsys.readouterr().err


def test_a_reader_that_does_not_load_is_told(
    convert: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: object())
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert convert({"c.parquet": b"PAR1"}, "--interactions", "c.parquet") == 2
    assert "[c.parquet] cannot be read: " in capsys.readouterr().err


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
        ("12E3", "token"),
        ("+4930123456", "token"),
        ("+1.5", "float"),
        ("1.2e+05", "float"),
        ("1E-05", "float"),
        ("1.0E5", "float"),
        ([{"thumb": "https://shop.org/i/41._SX38_.jpg", "variant": "MAIN"}, {"thumb": "https://shop.org/2"}], "token"),
        ("https://shop.org/1.jpg https://shop.org/2.jpg", "token"),
        ("A red train, see also https://shop.org", "token_seq"),
    ],
)
def test_what_a_column_holds(value: object, expected: str) -> None:
    assert guess_type([value, ""]) == expected


def test_ratings_of_32_bits_are_what_they_were(tmp_path: Path, convert: Callable[..., Any]) -> None:
    pytest.importorskip("pyarrow.parquet", reason="extra [parquet] is not installed")
    frame = pd.DataFrame({"user_id": ["a", "b", "c"], "item_id": ["x", "y", "z"], "rating": [4.1, 0.3, None]})
    frame = frame.assign(timestamp=[1614852608.0, 1614852800.0, 1.0]).astype({"rating": "f4", "timestamp": "f4"})
    (tmp_path / "raw").mkdir()
    frame.to_parquet(tmp_path / "raw" / "c.parquet")
    rows, account = convert({}, "--interactions", "c.parquet", "--threshold", "4.1")
    assert rows["inter"][1:] == [["a", "x", "4.1", "1614852608"]]
    assert account["tables"]["inter"]["dropped"] == {"missing rating": 1, "rating below 4.1": 1}


def test_long_ids_beside_missing_ones_are_told(tmp_path: Path, convert: Callable[..., Any]) -> None:
    pytest.importorskip("pyarrow.parquet", reason="extra [parquet] is not installed")
    frame = pd.DataFrame({"user_id": [2103807459595387724, 2103807459595387725, None, 7], "item_id": list("xyzw")})
    (tmp_path / "raw").mkdir()
    frame.astype({"user_id": "f8"}).to_parquet(tmp_path / "raw" / "c.parquet")
    rows, account = convert({}, "--interactions", "c.parquet")
    assert rows["inter"][1][0] == rows["inter"][2][0] and account["tables"]["inter"]["rows_out"] == 3
    told = "2 cells of [user_id] of the interactions are numbers that lost their last digits (first: c.parquet:1)"
    assert any(each.startswith(told) for each in account["warnings"])
