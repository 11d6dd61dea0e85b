"""Items and users whose columns are called as those of interactions are: nothing of theirs is lost or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dump_shape import columns

Convert = Callable[..., Any]
CLICKS = "user_id,item_id,rating,timestamp\na,x,5,100\nb,y,3,200\n"
FILES = ("--interactions", "c.csv", "--items", "i.csv")


def test_an_item_stays_without_a_mean_rating_a_time_or_a_seller(convert: Convert) -> None:
    items = "item_id,title,rating,timestamp,user_id\nx,Red shoe,4.5,100,s1\ny,Blue hat,,,\n"
    rows, account = convert({"c.csv": CLICKS, "i.csv": items}, *FILES)
    assert columns(rows["item"], "item_id", "rating", "user_id") == [("x", "4.5", "s1"), ("y", "", "")]
    assert account["tables"]["item"]["dropped"] == {}


def test_a_user_stays_without_a_rating_or_an_item(convert: Convert) -> None:
    users = "user_id,rating,item_id,age\na,,,30\nb,4,x,\n"
    rows, account = convert({"c.csv": CLICKS, "u.csv": users}, "--interactions", "c.csv", "--users", "u.csv")
    assert columns(rows["user"], "user_id", "rating", "item_id") == [("a", "", ""), ("b", "4", "x")]
    assert account["tables"]["user"]["dropped"] == {}


def test_interactions_still_need_their_ids_ratings_and_times(convert: Convert) -> None:
    clicks = CLICKS + ",x,5,300\na,,5,300\na,x,,300\na,x,5,\n"
    _, account = convert({"c.csv": clicks}, "--interactions", "c.csv")
    missing = {f"missing {name}": 1 for name in ("user_id", "item_id", "rating", "timestamp")}
    assert account["tables"]["inter"]["dropped"] == missing


def test_one_table_of_numbers_is_interactions_and_items(convert: Convert) -> None:
    one = "user_id,item_id,rating,timestamp,title\n7,1,5,100,Red shoe\n8,2,3,200,Blue hat\n"
    parts = ["--interactions", "c.csv", "--items", "c.csv", "--column", "items.user_id=user_id"]  # who made it, say
    rows, _ = convert({"c.csv": one}, *parts)
    assert "user_id:token" in rows["item"][0] and "user_id:token" in rows["inter"][0]
    assert columns(rows["item"], "item_id", "user_id", "title") == [("1", "7", "Red shoe"), ("2", "8", "Blue hat")]


@pytest.mark.parametrize("kind", ["item", "user"])
def test_implicit_leaves_out_the_ratings_of_interactions_alone(convert: Convert, kind: str) -> None:
    side = f"{kind}_id,name,rating\n{'x' if kind == 'item' else 'a'},Red shoe,4.5\n"
    rows, _ = convert({"c.csv": CLICKS, "s.csv": side}, "--interactions", "c.csv", f"--{kind}s", "s.csv", "--implicit")
    assert columns(rows[kind], "rating") == [("4.5",)]
    assert [cell.split(":")[0] for cell in rows["inter"][0]] == ["user_id", "item_id", "timestamp"]


def test_of_the_rows_of_an_item_the_first_with_text_stays(convert: Convert) -> None:
    items = "item_id,title,size\nx,,1\ny,,2\nx,Red shoe,3\nx,Red boot,4\ny,,5\nx,Red shoe,6\nx,,7\n"
    rows, account = convert({"c.csv": CLICKS, "i.csv": items}, *FILES)
    assert columns(rows["item"], "item_id", "title", "size") == [("y", "", "2"), ("x", "Red shoe", "3")]
    table = account["tables"]["item"]
    assert table["dropped"] == {
        "item_id without text, which it has further down (that row stays)": 1,
        "item_id seen before with the same text (the first with text stays)": 2,
        "item_id seen before with another text (the first with text stays)": 2,
    }
    assert table["rows_in"] == 7 and table["rows_out"] == 2
    assert account["statistics"]["items_with_text"] == 1
    assert account["statistics"]["share_of_items_with_interactions_that_have_text"] == 0.5


@pytest.mark.parametrize("missing", ["nan", "NaN", "None", "NULL", "N/A"])
def test_words_for_no_value_are_no_text(convert: Convert, missing: str) -> None:
    items = f"item_id,title\nx,{missing}\ny,{missing}\nx,Red shoe\n"
    rows, account = convert({"c.csv": CLICKS, "i.csv": items}, *FILES, "--require-text")
    assert ["x", "Red shoe"] in rows["item"] and account["statistics"]["items_with_text"] == 1
    assert account["tables"]["inter"]["dropped"] == {"item without text": 1}


def test_a_blank_row_of_an_interaction_costs_its_item_no_text(convert: Convert) -> None:
    clicks = "user_id,item_id,title\na,x,\nb,x,Red shoe\nc,x,Red boot\n"
    rows, account = convert({"c.csv": clicks}, "--interactions", "c.csv", "--items", "c.csv")
    assert columns(rows["item"], "item_id", "title") == [("x", "Red shoe")]
    assert account["tables"]["item"]["dropped"] == {
        "item_id without text, which it has further down (that row stays)": 1,
        "item_id seen before (the first with text stays)": 1,
    }


@pytest.mark.parametrize(
    ("items", "key"), [("id,movie,year", "id"), ("movie,year,size", "movie"), ("id,movie,movieId", "movieId")]
)
def test_the_id_of_an_item_is_no_name(convert: Convert, items: str, key: str) -> None:
    cells = {"id": "x", "movie": "x y", "year": "2000", "movieId": "x", "size": "3"}
    text = f"{items}\n{','.join(cells[name] for name in items.split(','))}\n"
    _, account = convert({"c.csv": CLICKS, "i.csv": text}, *FILES)
    assert account["mapping"]["items"]["columns"]["item_id"] == {"from": key}


def test_the_id_of_a_user_is_called_id_alone(convert: Convert) -> None:
    rows, _ = convert({"c.csv": CLICKS, "u.csv": "id,age\na,30\n"}, "--interactions", "c.csv", "--users", "u.csv")
    assert columns(rows["user"], "user_id", "age") == [("a", "30")]


def test_codes_after_the_rows_that_are_guessed_from_are_told(
    convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    items = "item_id,post\n" + "".join(f"i{k},{10_000 + k}\n" for k in range(1100)) + "x,02198\ny,0\nz,0.5\n"
    rows, account = convert({"c.csv": CLICKS, "i.csv": items}, *FILES)
    assert rows["item"][-3:] == [["x", "2198"], ["y", "0"], ["z", "0.5"]]
    assert account["tables"]["item"]["changed"] == {"post that is a code, written as a number": 1}
    told = "warning: 1 cells of the column [post] of the items are codes such as 007 and were written as numbers"
    assert f"{told}: --column items.post=NAME:token" in capsys.readouterr().out
    rows, _ = convert({}, *FILES, "--column", "items.post=post:token", "--overwrite")
    assert rows["item"][-3] == ["x", "02198"]


@pytest.mark.parametrize(
    ("name", "values", "taken"),
    [
        ("date", ("2023-01-31", "2023-02-01"), "1675123200"),
        ("date", ("20230131", "20230201"), "1675123200"),
        ("ts", ("1675123200", "1675209600"), "1675123200"),
        ("date", ("1", "2"), "35"),  # of two that may count anything the likelier name
        ("date", ("", ""), "35"),
    ],
)
def test_how_long_something_took_is_not_when(convert: Convert, name: str, values: tuple[str, str], taken: str) -> None:
    clicks = f"user_id,item_id,time,{name}\na,x,35,{values[0]}\nb,y,61.5,{values[1]}\n"
    rows, _ = convert({"c.csv": clicks}, "--interactions", "c.csv")
    assert columns(rows["inter"], "timestamp")[0] == (taken,)


@pytest.mark.parametrize(
    ("name", "values", "taken"),
    [
        ("t", ("1675123200", "1675209600"), {"from": "t"}),
        ("t", ("1675123200000", "1675209600000"), {"from": "t", "unit": "ms"}),
        ("t", ("20230131", "20230201"), {"from": "t", "date": "%Y%m%d"}),
        ("server_time", ("1675123200", "1675209600"), {"from": "server_time"}),
        ("t", ("1", "2"), None),  # steps
        ("t", ("0.5", "36.6"), None),  # temperatures
        ("watch_time", ("35", "1200"), None),
        ("t", ("S", "XL"), None),
        ("t", ("", ""), None),
        ("position", ("1675123200", "1675209600"), None),  # of what kind of number its name says nothing
    ],
)
def test_what_may_be_a_time_is_one_if_it_holds_times(
    convert: Convert, name: str, values: tuple[str, str], taken: dict[str, str] | None
) -> None:
    _, account = convert({"c.csv": f"user_id,item_id,{name}\na,x,{values[0]}\nb,y,{values[1]}\n"}, *FILES[:2])
    assert account["mapping"]["interactions"]["columns"].get("timestamp") == taken


def test_a_date_beside_a_duration_is_asked_for_its_form(convert: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    clicks = "user_id,item_id,time,date\na,x,35,31/01/2023\nb,y,61.5,01/02/2023\n"
    assert convert({"c.csv": clicks}, "--interactions", "c.csv") == 2
    told = capsys.readouterr().err
    assert "column [date]: [31/01/2023] is neither" in told and "These fit: %d/%m/%Y" in told


@pytest.mark.parametrize("kind", ["token", "token_seq"])
def test_a_row_without_a_text_that_is_required_is_dropped(convert: Convert, tmp_path: Path, kind: str) -> None:
    columns = f"{{item_id: item_id, title: {{from: title, type: {kind}, required: true}}}}"
    (tmp_path / "m.yaml").write_text(
        "interactions: {file: c.csv, columns: {user_id: user_id, item_id: item_id}}\n"
        f"items: {{file: i.csv, columns: {columns}}}\n"
    )
    files = {"c.csv": "user_id,item_id\na,x\n", "i.csv": "item_id,title\nx,A shoe\ny,<b> </b>\nz,\n"}
    rows, account = convert(files, "--mapping", str(tmp_path / "m.yaml"))
    assert rows["item"][1:] == [["x", "A shoe"]]
    assert account["tables"]["item"]["dropped"] == {"missing title": 2}


@pytest.mark.parametrize(
    ("code", "told"),
    [("4.00638E+12", True), ("4e+12", True), ("4006381333931", False), ("AE+12", False), ("C4E+12", False)],
)
def test_codes_that_a_workbook_rounded_are_told(convert: Convert, code: str, told: bool) -> None:
    clicks = f"user_id,item_id\na,{code}\nb,{code}\nc,x\n"
    rows, account = convert({"c.csv": clicks, "i.csv": f"item_id,title\n{code},Red shoe\nx,Blue hat\n"}, *FILES)
    assert columns(rows["inter"], "item_id") == [(code,), (code,), ("x",)]
    found = [each.split(" are ")[0] for each in account["warnings"] if "lost their last digits" in each]
    assert found == ["2 cells of [item_id] of the interactions", "1 cells of [item_id] of the items"] * told
