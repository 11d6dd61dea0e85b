"""``ktrec convert table``: columns stated over guesses, and a name for what is made."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from recbole_ktrec.cli import main
from tests.commands.shop_tables import FIRST, GOODS, clicks, iso, table
from tests.support import read_atomic


def test_a_stated_column_goes_over_the_guess_and_the_rest_is_guessed(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "clicks.csv").write_text(clicks([f"day {k}" for k in range(20)]))
    assert table(shop) == 0
    assert "no time column: histories have no order (--column timestamp=NAME maps one)" in capsys.readouterr().out
    (shop / "clicks.csv").write_text(clicks(iso(20)))
    assert table(shop, "timestamp=when_bought", "items.title=TITEL", "items.code=id:token") == 0
    shown = capsys.readouterr().out
    assert "no time column" not in shown and "text fields: title" in shown
    inter = read_atomic(shop / "out" / "d" / "d.inter")
    assert inter.iloc[:2].to_numpy().tolist() == [["u0", "p0", str(FIRST)], ["u1", "p1", str(FIRST + 86_400)]]
    items = read_atomic(shop / "out" / "d" / "d.item")
    types = {"item_id": "token", "title": "token_seq", "code": "token", "preis": "float"}
    assert items.attrs["types"] == types and items.iloc[1].tolist() == ["p1", "Ding Nummer 1", "p1", "1.5"]


def test_texts_stand_in_the_order_of_the_file_whichever_are_stated(shop: Path) -> None:
    """The first is what `ktrec recommend` calls an item: a category that was stated came before the title."""
    goods = "id;titel;gruppe;preis\n" + "".join(f"p{k};Ding Nummer {k};Dinge;{k}.5\n" for k in range(5))
    (shop / "goods.csv").write_text(goods)
    assert table(shop, "items.gruppe=gruppe:token_seq") == 0
    assert "text_fields: [titel, gruppe]" in (shop / "out" / "d" / "d.yaml").read_text()


def test_ids_that_no_column_looks_like_are_told_of_all_files_together(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file after the other, a log and a catalogue with German names took one more try."""
    (shop / "clicks.csv").write_text(clicks(iso(20)).replace("visitorid,itemid", "kunde,ware"))
    (shop / "goods.csv").write_text(GOODS.replace("id;", "ware;", 1))
    assert table(shop) == 2
    told = capsys.readouterr().err
    assert "map both (--column interactions.user_id=NAME --column interactions.item_id=NAME). [goods.csv]: " in told
    assert "looks like [item_id]: map it (--column items.item_id=NAME)." in told
    assert table(shop, "user_id=kunde", "item_id=ware") == 0


def test_an_id_is_read_from_the_files_that_have_its_column(shop: Path) -> None:
    (shop / "clicks.csv").write_text(clicks(iso(20)).replace("itemid", "ware"))
    assert table(shop, "item_id=ware") == 0
    assert list(read_atomic(shop / "out" / "d" / "d.inter")["item_id"][:2]) == ["p0", "p1"]
    assert list(read_atomic(shop / "out" / "d" / "d.item").columns)[0] == "item_id"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("items.title=titl", r"\[goods.csv\] has no column \[titl\].*Did you mean \[titel\]"),
        ("timestamp=bought", r"\[clicks.csv\] has no column \[bought\], only visitorid, itemid, when_bought"),
        ("title=titel", r"\[clicks.csv\] has no column \[titel\].*items.title=titel"),
        ("users.age=age", "no file of users is given"),
        ("timestamp=when_bought:dmy", r"\[dmy\] is neither a type .* nor a unit of time .* nor a date format"),
        ("timestamp=when_bought:%Q", r"\[%Q\] is neither"),
        ("timestamp", r"write \[PART.\]NAME=FROM"),
    ],
)
def test_a_column_that_cannot_be_is_told(
    shop: Path, column: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table(shop, column) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error


def test_a_column_is_stated_over_a_mapping_file(shop: Path) -> None:
    (shop / "m.yaml").write_text(
        "interactions:\n  file: clicks.csv\n  columns: {user_id: visitorid, item_id: itemid}\n"
        "items:\n  file: goods.csv\n  columns: {item_id: id, title: preis}\ntext_fields: [title]\n"
    )
    args = ["--mapping", str(shop / "m.yaml"), "--column", "items.title=titel", "--column", "timestamp=when_bought"]
    assert main(["convert", "table", "--input", str(shop), *args, "--output", str(shop / "d")]) == 0
    assert read_atomic(shop / "d" / "d.item").to_numpy().tolist()[0] == ["p0", "Ding Nummer 0"]
    assert read_atomic(shop / "d" / "d.inter").to_numpy().tolist()[0] == ["u0", "p0", str(FIRST)]


def test_a_column_of_json_lines_may_lie_deep_or_be_rare(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"id": f"p{k}", "about": {"name": f"Thing number {k}"}} for k in range(9)]
    rows[8]["rare"] = "a b"
    (shop / "goods.csv").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert table(shop, "items.title=about.name", "items.note=rare:token_seq") == 0
    assert read_atomic(shop / "out" / "d" / "d.item")[["title", "note"]].to_numpy().tolist()[8] == [
        "Thing number 8",
        "a b",
    ]
    assert table(shop, "items.title=abuot.name") == 2
    assert "[goods.csv] has no column [abuot.name]" in capsys.readouterr().err


def test_a_column_is_stated_over_a_mapping_that_names_no_file(shop: Path) -> None:
    (shop / "m.yaml").write_text("interactions:\n  columns: {user_id: visitorid, item_id: itemid}\n")
    args = ["--mapping", str(shop / "m.yaml"), "--column", "timestamp=when_bought", "--output", str(shop / "d")]
    assert main(["convert", "table", "--input", str(shop / "clicks.csv"), *args]) == 0
    assert read_atomic(shop / "d" / "d.inter").to_numpy().tolist()[0] == ["u0", "p0", str(FIRST)]


def goods(shop: Path, rows: list[dict[str, object]]) -> None:
    (shop / "goods.csv").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_how_is_told_from_a_key_within_an_object(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goods(shop, [{"id": f"p{k}", "info": {"name": f"Thing{k}", "dc:out": "2023-02-01"}} for k in range(5)])
    assert table(shop, "items.title=info.name:token_seq", "items.out=info.dc:out:%Y-%m-%d") == 0
    items = read_atomic(shop / "out" / "d" / "d.item")
    assert [items.attrs["types"][name] for name in ("title", "out")] == ["token_seq", "float"]
    assert items.iloc[1].tolist()[:3] == ["p1", "Thing1", "1675209600"]
    assert table(shop, "items.title=info.name:tokens") == 2
    assert "[tokens] is neither a type" in capsys.readouterr().err


def test_letter_case_tells_two_columns_apart(shop: Path) -> None:
    goods(shop, [{"ID": k, "id": f"p{k}"} for k in range(5)])
    assert table(shop, "items.item_id=id") == 0
    assert read_atomic(shop / "out" / "d" / "d.item")["item_id"].tolist() == [f"p{k}" for k in range(5)]
    (shop / "goods.csv").write_text("ID,id\n" + "".join(f"{k},p{k}\n" for k in range(5)))
    assert table(shop, "items.item_id=id") == 0
    assert read_atomic(shop / "out" / "d" / "d.item").iloc[1].tolist() == ["p1", "1"]


def test_a_key_that_comes_late_is_taken(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, object]] = [{"id": f"p{k}", "name": "x"} for k in range(700)]
    rows[650]["more"] = {"größe": "A late one"}
    goods(shop, rows)
    assert table(shop, "items.title=more.größe:token_seq") == 0
    assert read_atomic(shop / "out" / "d" / "d.item")["title"].tolist()[649:652] == ["", "A late one", ""]
    assert table(shop, "items.title=mroe") == 2
    assert "[goods.csv] has no column [mroe], only id, name." in capsys.readouterr().err


def test_a_column_without_a_value_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    goods(shop, [{"id": f"p{k}", "info": {"name": f"Thing {k}"}, "other": {"nmae": 1}} for k in range(700)])
    with (shop / "goods.csv").open("a") as late:
        late.write('{"id": "p900", "strange": {"label": 1}}\n')
    assert table(shop, "items.title=info.label:token_seq") == 0
    assert "warning: no row of the items has a value for [title]: see what" in capsys.readouterr().out


def test_blanks_around_the_names_of_a_workbook_do_not_count(shop: Path) -> None:
    pytest.importorskip("openpyxl")
    frame = pd.DataFrame({"who ": ["u0", "u1"], " what ": ["p0", "p1"]})
    frame.to_excel(shop / "clicks.xlsx", index=False)
    args = ["--column", "user_id=who", "--column", "item_id=what", "--output", str(shop / "d")]
    assert main(["convert", "table", "--input", str(shop), "--interactions", "clicks.xlsx", *args]) == 0
    assert read_atomic(shop / "d" / "d.inter").to_numpy().tolist() == [["u0", "p0"], ["u1", "p1"]]


def test_text_fields_and_mapped_types_go_over_a_guess(shop: Path) -> None:
    (shop / "goods.csv").write_text("id,label,code,title\n" + "".join(f"p{k},Thing{k},1{k},x\n" for k in range(5)))
    (shop / "m.yaml").write_text(
        "interactions:\n  file: clicks.csv\n  columns: {user_id: visitorid, item_id: itemid}\n"
        "items:\n  file: goods.csv\n  columns: {item_id: id, title: title, kind: {from: label, type: token}}\n"
        "text_fields: [title]\n"
    )
    args = ["convert", "table", "--input", str(shop), "--mapping", str(shop / "m.yaml"), "--output", str(shop / "d")]
    stated = ["--column", "items.title=label", "--column", "items.kind=code"]
    assert main([*args, *stated]) == 0
    items = read_atomic(shop / "d" / "d.item")
    assert items.attrs["types"] == {"item_id": "token", "title": "token_seq", "kind": "token"}
    assert items.iloc[1].tolist() == ["p1", "Thing1", "11"]
    assert main([*args, *stated[:2], "--column", "items.kind=code:float", "--overwrite"]) == 0
    assert read_atomic(shop / "d" / "d.item").attrs["types"]["kind"] == "float"


def test_a_stated_column_that_is_not_there_is_told_before_a_guess_in_its_place(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "clicks.csv").write_text(clicks(["soon", "later"] * 5, "ts"))
    assert table(shop, "timestamp=whenn") == 2
    told = capsys.readouterr().err
    assert "[whenn]" in told and "date" not in told


def test_text_fields_go_over_guessed_columns(shop: Path) -> None:
    (shop / "goods.csv").write_text("id,title\n" + "".join(f"p{k},Thing{k}\n" for k in range(5)))
    (shop / "m.yaml").write_text("interactions: {file: clicks.csv}\nitems: {file: goods.csv}\ntext_fields: [title]\n")
    args = ["--mapping", str(shop / "m.yaml"), "--output", str(shop / "d")]
    assert main(["convert", "table", "--input", str(shop), *args]) == 0
    assert read_atomic(shop / "d" / "d.item").attrs["types"]["title"] == "token_seq"


@pytest.mark.parametrize(
    ("user", "item", "time"),
    [
        ("visitor", "SKU", "event_timestamp"),
        ("memberId", "recipe", "reviewTime"),
        ("buyer_id", "game_id", "purchased_at"),
    ],
)
def test_usual_names_are_guessed(
    shop: Path, user: str, item: str, time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{k},u{k % 7},p{k % 5},{day}\n" for k, day in enumerate(iso(20)))
    (shop / "clicks.csv").write_text(f"id,{user},{item},{time}\n{rows}")
    (shop / "goods.csv").write_text(GOODS.replace("id;", f"{item};", 1))
    assert table(shop) == 0
    shown = capsys.readouterr().out
    for name, origin in (("user_id", user), ("item_id", item), ("timestamp", time)):
        assert re.search(rf"interactions +{name} +from {origin}", shown), shown


def test_a_name_is_needed_and_the_next_command_is_quoted(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "my shop").mkdir()
    monkeypatch.chdir(shop / "my shop")
    args = ["convert", "table", "--input", str(shop), "--interactions", "clicks.csv"]
    assert main([*args, "--output", "/"]) == 2
    assert "--output [/] has no name" in capsys.readouterr().err
    assert main([*args, "--output", "."]) == 0
    assert (shop / "my shop" / "my shop.inter").is_file()
    assert f"--dataset='my shop' --data_path={shop}" in capsys.readouterr().out
