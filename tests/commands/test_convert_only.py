"""``ktrec convert table --only``: the rows of the interactions that count, by a column of their file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.sources.chosen import text_of

Convert, Made = Callable[..., int], Callable[[str], Any]
EVENTS = ["view"] * 6 + ["cart"] * 3 + [" purchase "] * 2
LOG = "user_id,item_id,event,shop\n" + "".join(
    f"u{k % 4},{k},{event},{'DE' if k % 2 else 'FR'}\n" for k, event in enumerate(EVENTS)
)
HINT = "interactions: rows count alike"


def items(made: Made) -> list[str]:
    return [str(each) for each in made("inter")["item_id"]]


def account(made: Made) -> dict[str, Any]:
    found: dict[str, Any] = made("json")["tables"]["inter"]
    assert found["rows_in"] == found["rows_out"] + sum(found["dropped"].values())
    return found


def test_rows_with_one_of_the_values_count_and_the_others_are_counted(
    convert: Convert, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": LOG}, "--only", "event=purchase, cart") == 0
    assert items(made) == ["6", "7", "8", "9", "10"]
    assert account(made)["dropped"] == {"event is not [purchase] or [cart]": 6}
    assert made("json")["mapping"]["interactions"]["only"] == {"event": ["purchase", "cart"]}
    shown = capsys.readouterr().out
    assert "- event is not [purchase] or [cart]" in shown and HINT not in shown and "warning: only" not in shown
    assert "interactions  only rows whose event is purchase, cart\n" in shown


def test_of_several_columns_all_must_hold(convert: Convert, made: Made) -> None:
    assert convert({"interactions.csv": LOG}, "--only", "event=cart,purchase", "--only", "SHOP=DE") == 0
    assert items(made) == ["7", "9"]
    assert account(made)["dropped"] == {"event is not [cart] or [purchase]": 6, "shop is not [DE]": 3}


def test_rows_that_are_not_chosen_are_no_damage(convert: Convert, made: Made) -> None:
    log = "user_id,item_id,event,rating\n" + "u,1,view,\n" * 3 + "u,2,rate,4\nu,3,rate,x\n"
    assert convert({"interactions.csv": log}, "--only", "event=rate") == 0
    assert account(made)["dropped"] == {"event is not [rate]": 3, "rating is not a number": 1}
    assert account(made)["rows_in"] == 5


def test_nested_objects_numbers_and_booleans_are_compared_as_text(convert: Convert, made: Made) -> None:
    rows = [{"user_id": "u", "item_id": k, "detail": {"type": kind, "kind": {"code": k}, "paid": k > 1}}
            for k, kind in enumerate(["view", "buy", "buy", "buy"])]  # fmt: skip
    lines = "".join(json.dumps(each) + "\n" for each in [*rows, {"user_id": "u", "item_id": 9}])
    files, said = {"log.json": lines}, ["--interactions", "log.json", "--overwrite"]
    assert convert(files, *said, "--only", "detail.type=buy") == 0
    assert items(made) == ["1", "2", "3"] and account(made)["dropped"] == {"detail.type is not [buy]": 2}
    assert convert(files, *said, "--only", "detail.paid=true", "--only", "detail.kind.code=0,3") == 0
    assert items(made) == ["3"]
    assert [text_of(each) for each in (4, 4.5, 4.0, False, None, float("nan"), " a ")] == [
        "4", "4.5", "4.0", "false", "", "", "a"
    ]  # fmt: skip


def test_a_mapping_file_says_the_same_and_the_option_goes_over_it(
    convert: Convert, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "interactions:\n  file: log.csv\n  columns: {user_id: user_id, item_id: item_id}\n"
        "  only: {event: [purchase, cart], shop: DE}\n"
        "items: {file: items.csv, columns: {item_id: id, title: name}, only: {sold: yes it is}}\n"
    )
    goods = "id,name,sold\n7,A hat,yes it is\n9,A coat,no\n"
    files = {"log.csv": LOG, "items.csv": goods}
    assert convert(files, "--mapping", str(mapping)) == 0
    assert items(made) == ["7", "9"] and list(made("inter").columns) == ["user_id", "item_id"]
    assert list(made("item")["title"]) == ["A hat"]
    assert convert(files, "--mapping", str(mapping), "--only", "event=view", "--overwrite") == 0
    assert items(made) == ["1", "3", "5"]
    assert HINT not in capsys.readouterr().out


def test_without_a_header_a_column_is_its_place(convert: Convert, made: Made, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(
        "interactions: {file: log.csv, header: false, columns: {user_id: 0, item_id: 1}, only: {2: cart}}\n"
    )
    assert convert({"log.csv": LOG.split("\n", 1)[1]}, "--mapping", str(tmp_path / "m.yaml")) == 0
    assert items(made) == ["6", "7", "8"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["event"], "--only event: write --only KEY=VALUE"),
        (["event=cart,"], "only: {event: ['', 'a, b']}"),
        (["event=cart", "event=view"], "--only event=cart and --only event=view: only one of them can hold"),
        (["evnt=cart"], "--only evnt: [log.csv] has no column [evnt], only user_id, item_id, event, shop. "
         "Did you mean [event]?"),
        (["event=purchse"], "only: in no row of the interactions [event] is [purchse]; it is view (6), cart (3), "
         "purchase (2). Did you mean [purchase]?"),
        (["item_id=x"], "8 (1), 9 (1) and others."),
        (["event=purchase", "item_id=1"], "No interaction is left of 11 (9 x event is not [purchase]; 2 x item_id is"),
    ],
)  # fmt: skip
def test_mistakes_are_told(convert: Convert, said: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = [part for each in said for part in ("--only", each)]
    assert convert({"log.csv": LOG}, "--interactions", "log.csv", *options) == 2
    error = capsys.readouterr().err
    assert told in error, error


def test_a_key_that_no_object_has_is_told_with_those_there_are(
    convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = "".join(json.dumps({"user_id": "u", "item_id": k, "detail": {"type": "a"}}) + "\n" for k in range(3))
    assert convert({"log.json": lines}, "--interactions", "log.json", "--only", "detail.typ=a") == 2
    error = capsys.readouterr().err
    assert "--only detail.typ: [log.json] has no column [detail.typ]" in error
    assert "Did you mean [detail.type]?" in error


def test_one_value_of_several_that_never_comes_is_warned_of(
    convert: Convert, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": LOG}, "--only", "event=purchase,carts") == 0
    told = (
        "only: in no row of the interactions [event] is [carts]; it is view (6), cart (3), purchase (2). "
        "Did you mean [cart]?"
    )
    assert f"warning: {told}\n" in capsys.readouterr().out
    assert told in made("json")["warnings"] and len(items(made)) == 2


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("only: [event]", "[interactions.only] = [['event']] is not columns with the values wanted, such as {event"),
        ("only: {event: }", "[interactions.only.event] = [None] is neither a value nor a list of values"),
        ("only: {event: []}", "[interactions.only.event] = [[]] is neither"),
        ("only: {event: {a: b}}", "[interactions.only.event] = [{'a': 'b'}] is neither"),
        ("only: {evnt: a}", "[interactions.only]: [log.csv] has no column [evnt]"),
    ],
)
def test_mistakes_of_a_mapping_are_told(
    convert: Convert, tmp_path: Path, said: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = "columns: {user_id: user_id, item_id: item_id}"
    (tmp_path / "m.yaml").write_text(f"interactions: {{file: log.csv, {columns}, {said}}}\n")
    assert convert({"log.csv": LOG}, "--mapping", str(tmp_path / "m.yaml")) == 2
    assert told in capsys.readouterr().err


def test_a_column_that_looks_like_the_type_of_an_event_is_told(
    convert: Convert, made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": LOG}) == 0
    told = f"{HINT}, whatever their [event] is: view (6), cart (3), purchase (2) (--only event=purchase takes some"
    assert told in capsys.readouterr().out and account(made)["dropped"] == {}
    for log in (
        LOG.replace("event", "group"),  # no name of an event
        LOG.replace("cart", "view").replace(" purchase ", "view"),  # one value
        "user_id,item_id,type\n" + "".join(f"u,{k},t{k}\n" for k in range(5)),  # as many values as rows
        "user_id,item_id,type\n" + "".join(f"u,{k},t{k % 11}\n" for k in range(33)),  # too many
    ):
        assert convert({"interactions.csv": log}, "--overwrite") == 0
        assert HINT not in capsys.readouterr().out
    codes = "user_id,item_id,Event Type\n" + "".join(f"u,{k},{int(k > 3)}\n" for k in range(9))
    assert convert({"interactions.csv": codes}, "--overwrite") == 0
    assert "[Event Type] is: 1 (5), 0 (4) (--only 'Event Type=1' takes" in capsys.readouterr().out


def test_it_is_for_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from recbole_ktrec.cli import main

    assert main(["convert", "movielens", "--input", str(tmp_path), "--only", "a=b"]) == 2
    assert "--only is for the source [table]" in capsys.readouterr().err
