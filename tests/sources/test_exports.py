"""Delimited files as databases, Spark, spreadsheets and ``cat`` leave them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dump_shape import columns

from recbole_ktrec.sources.records import JOINED

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


def test_quotes_as_spark_escapes_them(convert: Convert) -> None:
    lines = [
        "item_id,title,path",
        r'x,"The \"Big\" one",a',
        r'y,"The \"Big\", the \"Bad\"",C:\temp',
        r'z,"ends with \"",b',
        r'v,"C:\",b',
        'w,"two ""lines""\nand a \\"quote",c',
    ]
    rows, account = convert({"c.csv": PAIRS, "i.csv": "\n".join(lines) + "\n"}, *FILES)
    titles = [('"The ""Big"" one"',), ('"The ""Big"", the ""Bad"""',), ('"ends with """',), ("C:\\",)]
    assert columns(rows["item"], "title")[:4] == titles
    assert columns(rows["item"], "path")[:4] == [("a",), ("C:\\temp",), ("b",), ("b",)]
    table = account["tables"]["item"]
    assert table["changed"]['quotes escaped as \\"'] == 3


def test_quotes_after_a_blank(convert: Convert) -> None:
    clicks = 'user_id, item_id, note\n"a", "x", "b, c"\nb, "y", 5\nc, "x" y, 6\nd,z," ""d\\"", ""e"\n'
    rows, account = convert({"c.csv": clicks}, "--interactions", "c.csv")
    assert rows["inter"][1:3] == [["a", "x", "b, c"], ["b", "y", "5"]]
    assert rows["inter"][3:] == [["c", '"""x"" y"', "6"], ["d", "z", '"""d\\"", ""e"']]
    assert account["tables"]["inter"]["changed"]["quotes after a blank"] == 2


SWALLOWED = ["item_id,title,kind", 'x,"Open,a', "y,Two,b", 'z,Ends with ",a', 'w,"Three\nlines, or\nso",b', "v,Four,c"]


def test_a_quote_that_is_part_of_a_text_takes_no_rows_along(
    convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    tabs = "\n".join(SWALLOWED).replace("lines, or", "lines; or").replace(",", "\t") + "\n"
    rows, account = convert({"c.csv": PAIRS, "i.tsv": tabs}, FILES[0], FILES[1], "--items", "i.tsv")
    titles = [('"""Open"',), ("Two",), ('"Ends with """',), ("Three lines; or so",), ("Four",)]
    assert columns(rows["item"], "title") == titles and account["tables"]["item"]["rows_in"] == 5
    assert "over several lines" not in capsys.readouterr().out

    rows, account = convert({"c.csv": PAIRS, "i.csv": "\n".join(SWALLOWED) + "\n"}, *FILES, "--overwrite")
    assert account["tables"]["item"]["rows_in"] == 3  # commas may be part of a text, too
    assert columns(rows["item"], "item_id") == [("x",), ("w",), ("v",)]
    assert account["tables"]["item"]["examples"] == {JOINED: ["i.csv:2"]}
    assert f"{JOINED}: 1 in the items (first: i.csv:2). If rows are missing" in capsys.readouterr().out


def test_until_a_day_is_until_its_end(convert: Convert, tmp_path: Path) -> None:
    days = ("2020-01-30T08:00:00", "2020-01-31T23:59:59", "2020-02-01T00:00:00")
    clicks = "user_id,item_id,timestamp\n" + "".join(f"u{k},x,{day}\n" for k, day in enumerate(days))
    rows, _ = convert({"c.csv": clicks}, "--interactions", "c.csv", "--until", "2020-01-31")
    assert columns(rows["inter"], "user_id") == [("u0",), ("u1",)]
    mapped = "{user_id: user_id, item_id: item_id, timestamp: {from: timestamp, date: iso}}"
    (tmp_path / "m.yaml").write_text(
        f"interactions: {{file: c.csv, columns: {mapped}}}\nrules: {{until: 2020-01-31}}\n"
    )
    rows, _ = convert({}, "--mapping", str(tmp_path / "m.yaml"), "--overwrite")
    assert columns(rows["inter"], "user_id") == [("u0",), ("u1",)]


@pytest.mark.parametrize("name", ["x:y", "x y", "x\ty"])
def test_a_name_that_recbole_cannot_read_is_refused(
    convert: Convert, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"c.csv": PAIRS}, *FILES[:2], "--column", f"{name}=user_id") == 2
    error = capsys.readouterr().err
    assert f"[interactions.columns.{name}]: the name of a column of RecBole has no colon and no blank" in error


@pytest.mark.parametrize("clock", ["00:00:0{} UTC", "00:00:0{}.000 UTC", "00:00:0{}.000000 UTC", "00:00:0{}+00:00"])
def test_dates_with_utc_are_iso_dates(convert: Convert, clock: str) -> None:
    clicks = "user_id,item_id,event_time\n" + "".join(f"a,x{k},2019-10-01 {clock.format(k)}\n" for k in range(5))
    rows, account = convert({"c.csv": clicks}, *FILES[:2])
    assert account["mapping"]["interactions"]["columns"]["timestamp"] == {"from": "event_time", "date": "iso"}
    assert columns(rows["inter"], "timestamp")[1] == ("1569888001",)


@pytest.mark.parametrize("zone", [" CET", " UTC+1", "UTC+01:00 UTC", "+02:00Z", "+02:00 UTC"])
def test_dates_of_another_zone_or_of_two_are_refused(
    convert: Convert, capsys: pytest.CaptureFixture[str], zone: str
) -> None:
    clicks = "user_id,item_id,event_time\n" + "".join(f"a,x{k},2019-10-01 00:00:0{k}{zone}\n" for k in range(5))
    assert convert({"c.csv": clicks}, *FILES[:2]) == 2
    assert "is neither a number nor an ISO date" in capsys.readouterr().err


def test_spoilers_of_goodreads_are_no_reviews_of_the_other_kind(convert: Convert) -> None:
    review = {"user_id": "a", "book_id": "1", "rating": 4, "date_added": "Sun Jul 30 07:44:10 -0700 2017"}
    spoiler = {"user_id": "b", "book_id": "1", "rating": 4, "timestamp": "2017-08-30"}
    files = {"dedup": json.dumps(review), "spoiler": json.dumps(spoiler)}
    rows, account = convert(
        {f"goodreads_reviews_{name}.json": text + "\n" for name, text in files.items()}, source="goodreads"
    )
    assert len(rows["inter"]) == 2 and account["tables"]["inter"]["dropped"] == {}


def test_names_of_zones_are_no_dates_but_for_utc(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would take the zone of the machine and not heed it."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    clicks = "user_id,item_id,when\na,x,Jan 1 10:00:00 CET 2020\nb,y,Jan 1 10:00:00 UTC 2020\n"
    rows, account = convert({"c.csv": clicks}, *FILES[:2], "--column", "timestamp=when:%b %d %H:%M:%S %Z %Y")
    monkeypatch.undo()
    time.tzset()
    assert account["tables"]["inter"]["dropped"] == {"timestamp is not a date": 1}
    assert columns(rows["inter"], "timestamp") == [("1577872800",)]


def test_times_far_from_the_others_are_told(convert: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    clicks = "user_id,item_id,timestamp\n" + "".join(f"a,x{k},{1_600_000_000 + k if k else 0}\n" for k in range(9))
    convert({"c.csv": clicks}, *FILES[:2])
    assert "warning: 1 of the 9 times of the interactions are before March 1973" in capsys.readouterr().out
    rows, account = convert({}, *FILES[:2], "--since", "1990-01-01", "--overwrite")
    assert len(rows["inter"]) == 9 and "March 1973" not in capsys.readouterr().out
    convert({"c.csv": "user_id,item_id,timestamp\na,x,1\na,y,2\n"}, *FILES[:2], "--overwrite")
    assert "March 1973" not in capsys.readouterr().out  # all count steps


@pytest.mark.parametrize(
    ("times", "told"), [("45000.5 45001 44123", True), ("45000 3 44123", False), ("45000 1600000000 44123", False)]
)
def test_day_numbers_of_a_workbook_are_told(
    convert: Convert, capsys: pytest.CaptureFixture[str], times: str, told: bool
) -> None:
    clicks = "".join(f"a,x{row},{time}\n" for row, time in enumerate(times.split()))
    convert({"c.csv": f"user_id,item_id,timestamp\n{clicks}"}, *FILES[:2])
    assert ("warning: all times of the interactions are numbers from 25,569" in capsys.readouterr().out) == told


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "c.csv",
            "0,54,1600000000\n1,55,1600000001\n",
            "some are numbers. If the first line is a row, name the columns",
        ),
        ("c.csv", "", "[c.csv] is empty, or holds neither an object a line"),
        (
            "c.csv",
            "Orders, all\n" + PAIRS + "c,z\n",
            "looks like [user_id] or [item_id]: map both "
            "(--column interactions.user_id=NAME --column interactions.item_id=NAME).",
        ),
        ("c.csv", "user_id\na,x\nb,y\n", "first line names: 2 x 2 cells instead of 1 (first: c.csv:2)"),
        ("c.csv", "user_id,item_id,time\na,x,2020-01-01\nb,y,1600000000\n" * 5, "[1600000000], and some are dates"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    convert: Convert, capsys: pytest.CaptureFixture[str], name: str, text: str, told: str
) -> None:
    assert convert({name: text}, "--interactions", name) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("mark", [" ", "^", "~"])
def test_a_delimiter_that_is_not_guessed_is_told(
    convert: Convert, tmp_path: Path, capsys: pytest.CaptureFixture[str], mark: str
) -> None:
    assert convert({"c.txt": PAIRS.replace(",", mark)}, "--interactions", "c.txt") == 2
    spec = f"interactions: {{file: c.txt, delimiter: '{mark}'}}"
    assert f"If [{mark}] parts its cells, a mapping file says so, {spec}." in capsys.readouterr().err
    (tmp_path / "m.yaml").write_text(spec + "\n")
    rows, _ = convert({}, "--mapping", str(tmp_path / "m.yaml"))
    assert rows["inter"][1:] == [line.split(",") for line in PAIRS.splitlines()[1:]]


def test_columns_of_a_file_without_a_header_are_named_in_a_mapping(convert: Convert, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("interactions: {file: c.csv, header: [user_id, item_id, timestamp]}\n")
    rows, account = convert({"c.csv": "0,54,1600000000\n1,55,1600000001\n"}, "--mapping", str(tmp_path / "m.yaml"))
    assert columns(rows["inter"], "user_id", "timestamp") == [("0", "1600000000"), ("1", "1600000001")]


def test_dates_and_vectors_are_no_texts(convert: Convert) -> None:
    items = [
        "item_id,title,released,vec,kinds",
        'x,Red shoe,2020-01-01 10:05:00,"[0.1, 0.3]","[1, 2]"',
        'y,Blue hat,2021-01-01 10:05:00,"[0.2, 1e-3]","[2, 3]"',
    ]
    rows, _ = convert({"c.csv": PAIRS, "i.csv": "\n".join(items) + "\n"}, *FILES)
    kinds = dict(cell.split(":") for cell in rows["item"][0])
    assert kinds["title"] == "token_seq" and kinds["released"] == "token" and kinds["vec"] == "float_seq"
    assert columns(rows["item"], "vec") == [("0.1 0.3",), ("0.2 0.001",)]
    assert kinds["kinds"] == "token_seq"  # whole numbers may be ids


def test_a_mapping_that_names_no_texts_counts_those_that_the_models_read(convert: Convert, tmp_path: Path) -> None:
    columns_of = "{item_id: item_id, title: title, blurb: {from: blurb, type: token_seq}, size: size}"
    lines = "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n"
    (tmp_path / "m.yaml").write_text(lines + f"items: {{file: i.csv, columns: {columns_of}}}\n")
    items = "item_id,title,blurb,size\nx,Red shoe,A shoe,XL\ny,,,M\n"
    mapping = ("--mapping", str(tmp_path / "m.yaml"))
    rows, account = convert({"c.csv": PAIRS, "i.csv": items}, *mapping)
    assert rows["item"][0] == ["item_id:token", "title:token_seq", "blurb:token_seq", "size:token"]
    assert account["statistics"]["items_with_text"] == 1
    rows, account = convert({}, *mapping, "--require-text", "--overwrite")
    assert account["tables"]["inter"]["dropped"] == {"item without text": 1}
    assert "text_fields: [title, blurb]" in (tmp_path / "d" / "d.yaml").read_text()
