"""Dumps as people find and make them: what stands there is written, or counted, and nothing of theirs is lost."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dump_shape import columns

from recbole_ktrec.cli import main

Convert = Callable[..., Any]

MAPPED = "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n"
PAIRS = "user_id,item_id\na,x\nb,y\n"


@pytest.mark.parametrize("name", ["d.inter", "d.item", "d.yaml"])
def test_files_that_no_conversion_made_stay(
    convert: Convert, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_text("mine")
    assert convert({"c.csv": PAIRS}, "--interactions", "c.csv") == 2
    assert f"holds [{name}] already: choose another --output, or say --overwrite" in capsys.readouterr().err
    assert (tmp_path / "d" / name).read_text() == "mine"
    rows, _ = convert({}, "--interactions", "c.csv", "--overwrite")
    assert len(rows["inter"]) == 3


def test_a_stray_quote_takes_no_rows_with_it(convert: Convert) -> None:
    text = 'user_id,item_id,note\n1,"A,x\n2,B,y\n3,C,5"\n4,D,z\n'
    rows, account = convert({"c.csv": text}, "--interactions", "c.csv")
    assert columns(rows["inter"], "user_id") == [("1",), ("2",), ("3",), ("4",)]
    assert account["tables"]["inter"]["rows_in"] == 4


def test_a_long_quoted_cell_is_one(convert: Convert) -> None:
    long, lines = "word " * 40_000, "\n".join(f"line {n}, more, and more" for n in range(300))
    items = io.StringIO()
    writer = csv.writer(items, lineterminator="\n")
    writer.writerows([["item_id", "title", "description"], ["x", "X", long], ["y", "Y", lines]])
    rows, _ = convert({"c.csv": PAIRS, "i.csv": items.getvalue()}, "--interactions", "c.csv", "--items", "i.csv")
    assert columns(rows["item"], "item_id") == [("x",), ("y",)]


@pytest.mark.parametrize(
    ("dates", "days"),
    [
        (["05/03/2011 8:00", "12/03/2011 8:00", "13/03/2011 8:00"], ["2011-03-05", "2011-03-12", "2011-03-13"]),
        (["5/3/2011 8:00", "12/3/2011 8:00", "3/13/2011 8:00"], ["2011-05-03", "2011-12-03", "2011-03-13"]),
    ],
)
def test_a_file_has_one_order_of_day_and_month(convert: Convert, dates: list[str], days: list[str]) -> None:
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    rows = "".join(f"53{n},1000{n},CUP,1,{date},2.5,{n},France\n" for n, date in enumerate(dates))
    found, _ = convert({"online_retail.csv": head + rows}, source="online-retail")
    times = [float(cell) for (cell,) in columns(found["inter"], "timestamp")]
    assert [pd.Timestamp(time, unit="s").strftime("%Y-%m-%d") for time in times] == days


def test_days_and_months_in_both_orders_are_refused(convert: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    rows = "531,10001,CUP,1,13/3/2011 8:00,2.5,1,France\n532,10002,CUP,1,3/14/2011 8:00,2.5,2,France\n"
    assert convert({"online_retail.csv": head + rows}, source="online-retail") == 2
    assert "[13/3/2011 8:00] is day first and [3/14/2011 8:00] month first" in capsys.readouterr().err


def test_lists_of_numbers_are_written_as_recbole_reads_them(convert: Convert) -> None:
    items = "".join(
        json.dumps({"item_id": key, "vec": vec, "ids": [7, 12]}) + "\n"
        for key, vec in (("x", [0.5, 0.5, 1.0]), ("y", [2, 3]))
    )
    rows, _ = convert({"c.csv": PAIRS, "i.jsonl": items}, "--interactions", "c.csv", "--items", "i.jsonl")
    assert "vec:float_seq" in rows["item"][0] and "ids:token" in rows["item"][0]
    assert columns(rows["item"], "vec") == [("0.5 0.5 1",), ("2 3",)]


def test_a_workbook_with_an_index_a_title_na_and_a_sheet_of_notes(convert: Convert, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    (tmp_path / "raw").mkdir()
    with pd.ExcelWriter(tmp_path / "raw" / "c.xlsx") as book:
        pd.DataFrame({"user_id": ["a", "b"], "item_id": ["x", "y"]}).to_excel(book, sheet_name="Data")
        pd.DataFrame({"what": ["this is a readme"]}).to_excel(book, sheet_name="Readme", index=False)
    pd.DataFrame({"item_id": ["x", "y"], "title": ["NA", "two words"]}).to_excel(
        tmp_path / "raw" / "i.xlsx", index=False
    )
    rows, account = convert({}, "--interactions", "c.xlsx", "--items", "i.xlsx")
    assert columns(rows["inter"], "user_id", "item_id") == [("a", "x"), ("b", "y")]
    assert columns(rows["item"], "title") == [("NA",), ("two words",)]
    assert any("sheet [Readme]" in key for key in account["tables"]["inter"]["changed"])


@pytest.mark.parametrize(
    "head", ['user_id,item_id,"price, EUR",ts\n', '\ufeff"user_id","item_id","p","ts"\n', "\nuser_id;item_id;p;ts\n"]
)
def test_headers_as_they_are_found(convert: Convert, head: str) -> None:
    mark = ";" if ";" in head else ","
    rows = mark.join(["a", "x", "1", "100"]) + "\n" + mark.join(["b", "y", "2", "200"]) + "\n"
    found, _ = convert({"c.csv": head + rows}, "--interactions", "c.csv", "--column", "user_id=user_id")
    assert columns(found["inter"], "user_id", "timestamp") == [("a", "100"), ("b", "200")]


def test_what_macos_adds_to_an_archive_is_no_data(convert: Convert) -> None:
    packed, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in (("._c.csv", b"\0\1"), ("c.csv", PAIRS.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("__MACOSX/._i.csv", b"\0\1")
        archive.writestr("i.csv", "item_id,title\nx,one\n")
    files = {"c.tar": packed.getvalue(), "i.zip": zipped.getvalue()}
    rows, _ = convert(files, "--interactions", "*c.csv", "--items", "*i.csv")
    assert len(rows["inter"]) == 3 and len(rows["item"]) == 2


def test_a_link_to_nothing_is_told_where_it_is_read(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "z.csv").symlink_to(tmp_path / "gone.csv")
    rows, _ = convert({"c.csv": PAIRS}, "--interactions", "c.csv")
    assert len(rows["inter"]) == 3
    assert convert({}, "--interactions", "z.csv", "--overwrite") == 2
    assert "z.csv] cannot be opened: No such file" in capsys.readouterr().err


def test_files_of_one_name_are_told_apart(convert: Convert, tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("train", "dev")]
    for part in parts:
        part.mkdir()
        (part / "c.csv").write_text(f"user_id,item_id\na,{part.name}\nb\n")
    output = str(tmp_path / "d")
    given = ["--input", *map(str, parts), "--interactions", "*.csv", "--output", output, "--quiet"]
    assert main(["convert", "table", *given]) == 0
    account = json.loads((tmp_path / "d" / "conversion.json").read_text())
    assert len(account["inputs"]) == 2 and all(any(str(part) in name for name in account["inputs"]) for part in parts)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("interactions: c.csv\n", r"[interactions] must hold keys such as file and columns, not [c.csv]"),
        (
            "interactions: {file: c.csv, columns: {user_id: {from: user_id, type: float}, item_id: item_id}}\n",
            "[interactions.columns.user_id.type] = [float]: RecBole needs [user_id] to be token",
        ),
        (
            "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\nrules: {since: soon}\n",
            "[rules.since] [soon] is not a date",
        ),
        (
            "interactions: {file: c.csv, header: false, columns: {user_id: u, item_id: 1}}\n",
            "[interactions.columns]: without a header columns are numbers from 0 on, not [u]",
        ),
        (f"{MAPPED}scale: 5\n", "[scale] = [5] is not two numbers"),
        (f"{MAPPED}scale: [1, five]\n", "[scale] [five] is not a number"),
        (f"{MAPPED}properties: [a]\n", "[properties] must hold keys, not [['a']]"),
        (f"{MAPPED}rules: [a]\n", "[rules] must hold keys, not [['a']]"),
        (f"{MAPPED}rules: {{user_core: two}}\n", "[rules.user_core] [two] is not a whole number of at least 0"),
        (f"{MAPPED}rules: {{max_per_day: 0}}\n", "[rules.max_per_day] [0] is not a whole number of at least 1"),
        (f"{MAPPED}rules: {{threshold: high}}\n", "[rules.threshold] [high] is not a number"),
        (f"{MAPPED}rules: {{implicit: 2}}\n", "[rules.implicit] = [2] is neither true nor false"),
        (f"{MAPPED}rules: {{clean: {{a: 1}}}}\n", "[rules.clean] = [{'a': 1}] is not a list of texts"),
        (f"{MAPPED}rules: {{clean: entitis}}\n", "Unknown rule of cleaning [entitis]"),
        (f"{MAPPED}rules: {{cleen: tags}}\n", "Unknown key [cleen] in [rules]. Did you mean [clean]?"),
        (f"{MAPPED}text_fields: [1]\n", "[text_fields] = [[1]] is not a list of texts"),
        (f"{MAPPED}text_fields: title\n", "[text_fields] names [title], which is no column of [items]"),
        (
            f"{MAPPED}items: {{file: i.csv, columns: {{item_id: item_id, title: title}}}}\ntext_fields: [titel]\n",
            "[text_fields] names [titel], which is no column of [items]. Did you mean [title]?",
        ),
        (
            f"{MAPPED}items: {{file: i.csv, columns: [item_id, title]}}\n",
            "[items.columns] must hold a line NAME: FROM for each column, not [['item_id', 'title']]",
        ),
    ],
)
def test_mistakes_in_a_mapping_are_named(
    convert: Convert, tmp_path: Path, mapping: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text(mapping)
    assert convert({"c.csv": PAIRS}, "--mapping", str(tmp_path / "m.yaml")) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "column", "message"),
    [
        ("file: c.csv", "unrated: '0'", "[interactions.columns.x.unrated] = [0] is not a number"),
        ("file: c.csv", "unit: [ms]", "[interactions.columns.x.unit] = [['ms']] is not a text"),
        ("file: c.csv", "date: 5", "[interactions.columns.x.date] = [5] is not a list of texts"),
        ("file: c.csv", "date: iso, unit: ms", "[interactions.columns.x] has [date] and [unit]: it holds dates or"),
        ("file: c.csv", "date: iso, decimal: ','", "[interactions.columns.x] has [date] and [decimal]: it holds"),
        ("file: c.csv", "unit: ms", "[interactions.columns.x.unit] is for numbers, and its type is token"),
        ("file: c.csv", "type: float, unrated: 0", "[interactions.columns.x.unrated] is for the rating of the"),
        ("file: c.csv", "join: 5", "[interactions.columns.x.join] = [5] is not a text"),
        ("file: c.csv", "type: [float]", "[interactions.columns.x.type] = [['float']] is not a text"),
        ("file: c.csv", "required: 'no'", "[interactions.columns.x.required] = [no] is not true or false"),
        ("file: [c.csv]", "type: token", "[interactions.file] = [['c.csv']] is not a text"),
        ("file: c.csv, format: [csv]", "type: token", "[interactions.format] = [['csv']] is not a text"),
        ("file: c.csv, delimiter: 5", "type: token", "[interactions.delimiter] = [5] is not a text"),
        ("file: c.csv, quoted: 'no'", "type: token", "[interactions.quoted] = [no] is not true or false"),
        ("file: c.csv, header: 'no'", "type: token", "[interactions.header] = [no] is not true, false or a list of"),
    ],
)
def test_values_of_another_kind_are_named(
    convert: Convert, tmp_path: Path, part: str, column: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = f"{{user_id: user_id, item_id: item_id, x: {{from: item_id, {column}}}}}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{{part}, columns: {columns}}}\n")
    assert convert({"c.csv": PAIRS}, "--mapping", str(tmp_path / "m.yaml")) == 2
    assert message in capsys.readouterr().err


def test_iso_is_one_of_several_forms_of_dates(convert: Convert, tmp_path: Path) -> None:
    columns = "{user_id: u, item_id: i, timestamp: {from: t, date: [iso, '%d.%m.%Y']}}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{file: c.csv, columns: {columns}}}\n")
    times = "u,i,t\na,x,2020-01-01T00:00:00Z\nb,y,02.01.2020\n"
    rows, _ = convert({"c.csv": times}, "--mapping", str(tmp_path / "m.yaml"))
    assert [row[2] for row in rows["inter"][1:]] == ["1577836800", "1577923200"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("file: c.csv, header: false", "[c.csv] has no column [9]: it has 2 columns, counted from 0."),
        ("file: c.csv, format: parquet", "[c.csv] is no parquet file or workbook by its name: let it end in .parquet,"),
        ("file: c.csv, format: excel", "[c.csv] is no parquet file or workbook by its name: let it end in .parquet,"),
        ("file: c.json, header: [u, '9']", "[interactions.header] = [['u', '9']] is for delimited files, and [c.json]"),
        (
            "file: c.json, encoding: cp1252",
            "[interactions.encoding] = [cp1252] is for delimited files, and [c.json] is",
        ),
    ],
)
def test_a_format_that_a_file_does_not_have_is_told(
    convert: Convert, tmp_path: Path, part: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.yaml").write_text(f"interactions: {{{part}, columns: {{user_id: 0, item_id: 9}}}}\n")
    files = {"c.csv": PAIRS, "c.json": '{"0": "a", "9": "x"}\n'}
    assert convert(files, "--mapping", str(tmp_path / "m.yaml")) == 2
    assert message in capsys.readouterr().err


def test_one_text_is_a_list_of_one(convert: Convert, tmp_path: Path) -> None:
    items = "items: {file: i.csv, columns: {item_id: item_id, title: title}}\n"
    more = "text_fields: title\nrules: {clean: entities, scale: , boilerplate: shoe}\n"
    (tmp_path / "m.yaml").write_text(MAPPED + items + more)
    files = {"c.csv": PAIRS, "i.csv": "item_id,title\nx,Red <b>&amp; shoe\n"}
    rows, account = convert(files, "--mapping", str(tmp_path / "m.yaml"))
    assert rows["item"] == [["item_id:token", "title:token_seq"], ["x", "Red <b>&"]]
    assert account["options"]["clean"] == ["entities"] and account["statistics"]["items_with_text"] == 1


@pytest.mark.parametrize("since", ["2014-01-31", "'2014-01-31'", "20140131", "2014"])
def test_a_mapping_says_since_when(convert: Convert, tmp_path: Path, since: str) -> None:
    rows = "user_id,item_id,ts\na,x,1000000000\nb,y,1500000000\n"
    columns_ = "{user_id: user_id, item_id: item_id, timestamp: ts}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{file: c.csv, columns: {columns_}}}\nrules: {{since: {since}}}\n")
    found, _ = convert({"c.csv": rows}, "--mapping", str(tmp_path / "m.yaml"))
    assert columns(found["inter"], "user_id") == [("b",)]


def test_a_table_without_names_is_read_by_place(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("interactions: {file: c.csv, header: false, columns: {user_id: 1, item_id: 0}}\n")
    found, _ = convert({"c.csv": "x,a\ny,b\n"}, "--mapping", str(tmp_path / "m.yaml"))
    assert columns(found["inter"], "user_id", "item_id") == [("a", "x"), ("b", "y")]


def test_codes_longer_than_a_float_and_points_beside_decimal_commas(convert: Convert) -> None:
    rows = 'user_id,item_id,code,note\na,x,1234567890123456789,4.5\nb,y,1234567890123456790,"1.299,5"\n'
    found, account = convert({"c.csv": rows}, "--interactions", "c.csv", "--column", "note=note:comma")
    assert columns(found["inter"], "code", "note") == [("1234567890123456789", ""), ("1234567890123456790", "1299.5")]


def test_old_book_crossing_saved_as_utf_8(convert: Convert) -> None:
    ratings = '\ufeff"User-ID";"ISBN";"Book-Rating"\n"1";"A";"5"\n"2";"A";"7"\n'
    books = (
        '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher"\n"A";"Les Misérables";"Hugo";"1862";"P"\n'
    )
    found, _ = convert({"BX-Book-Ratings.csv": ratings, "BX-Books.csv": books}, source="book-crossing")
    assert len(found["inter"]) == 3 and columns(found["item"], "title") == [("Les Misérables",)]
