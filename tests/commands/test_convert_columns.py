"""``ktrec convert table``: columns stated over guesses, and dates that are damaged or not ISO."""

import json
import re
from datetime import datetime, timezone
from pathlib import Path

import pandas as pd
import pytest

from recbole_ktrec.atomic import read_atomic
from recbole_ktrec.cli import main

#: 2023-02-01T09:28:00Z
FIRST = 1_675_243_680
GOODS = "id;titel;preis\n" + "".join(f"p{k};Ding Nummer {k};{k}.5\n" for k in range(5))


def clicks(days: list[str], name: str = "when_bought") -> str:
    return f"visitorid,itemid,{name}\n" + "".join(f"u{k},p{k % 5},{day}\n" for k, day in enumerate(days))


def iso(count: int) -> list[str]:
    return [f"2023-02-{k + 1:02d}T09:28:00Z" for k in range(count)]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "goods.csv").write_text(GOODS)
    (tmp_path / "clicks.csv").write_text(clicks(iso(20)))
    return tmp_path


def table(shop: Path, *columns: str) -> int:
    stated = [part for column in columns for part in ("--column", column)]
    files = ["--interactions", "clicks.csv", "--items", "goods.csv", "--output", str(shop / "out" / "d")]
    return main(["convert", "table", "--input", str(shop), *files, "--overwrite", *stated])


def damaged(shop: Path) -> list[str]:
    return (shop / "out" / "d" / "damaged.tsv").read_text().splitlines()[1:]


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


@pytest.mark.parametrize("sound", [iso(28), [str(FIRST + 86_400 * k) for k in range(28)]], ids=["iso", "unix"])
def test_a_bad_date_costs_its_own_row(shop: Path, sound: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([*sound[:9], "not a date", *sound[9:]], "date"))
    assert table(shop) == 0
    assert read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].tolist()[:2] == [str(FIRST), str(FIRST + 86_400)]
    kind = "date" if "T" in sound[0] else "number"
    assert damaged(shop) == [f"inter\tclicks.csv\t11\ttimestamp is not a {kind}"]
    assert "clicks.csv:11" in capsys.readouterr().out


def test_dates_that_are_not_iso_are_stated_as_the_message_says(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023 09:28" for k in range(20)], "date"))
    assert table(shop) == 2
    error = capsys.readouterr().err
    assert "[clicks.csv], column [date]: [01/02/2023 09:28] is neither a number nor an ISO date" in error
    assert 'timestamp: {from: date, date: "%d/%m/%Y %H:%M"}' in error
    stated = re.search(r"--column '([^']*)'", error)
    assert stated is not None and stated[1] == "timestamp=date:%d/%m/%Y %H:%M"
    assert table(shop, stated[1]) == 0
    assert read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].tolist()[:2] == [str(FIRST), str(FIRST + 86_400)]


def test_dates_that_two_forms_fit_are_not_taken_for_either(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023" for k in range(12)], "date"))
    assert table(shop) == 2
    assert "These fit: %d/%m/%Y, %m/%d/%Y." in capsys.readouterr().err


def test_a_date_of_an_item_becomes_a_number(shop: Path) -> None:
    (shop / "goods.csv").write_text("id,title,out\np0,A b,01/02/2023\np1,C d,\n")
    assert table(shop, "items.released=out:%d/%m/%Y") == 0
    assert read_atomic(shop / "out" / "d" / "d.item")["released"].tolist() == ["1675209600", ""]


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


def test_a_time_within_an_object_is_read_as_stated(shop: Path) -> None:
    rows = [{"visitorid": f"u{k}", "itemid": "p1", "meta": {"date": day}} for k, day in enumerate(iso(20))]
    (shop / "clicks.csv").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert table(shop, "timestamp=meta.date:iso") == 0
    inter = read_atomic(shop / "out" / "d" / "d.inter")
    assert inter["timestamp"].tolist() == [str(FIRST + 86_400 * k) for k in range(20)]


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


@pytest.mark.parametrize(("zone", "form"), [("+0100", "%z"), ("UTC", "%Z")])
def test_a_date_format_may_hold_a_zone(shop: Path, zone: str, form: str) -> None:
    (shop / "clicks.csv").write_text(clicks([f"{k + 1:02d}/02/2023 09:28 {zone}" for k in range(20)]))
    assert table(shop, f"timestamp=when_bought:%d/%m/%Y %H:%M {form}") == 0
    first = read_atomic(shop / "out" / "d" / "d.inter")["timestamp"][0]
    assert first == str(FIRST - (3600 if form == "%z" else 0))


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


@pytest.mark.parametrize(
    ("form", "expected"),
    [("%Y%m%d", {}), ("%Y%m%d.0", {}), ("%Y%m%d%H%M", {"hour": 7}), ("%Y%m%d%H%M%S", {"hour": 7, "second": 9})],
)
def test_dates_without_separators_are_no_unix_times(shop: Path, form: str, expected: dict[str, int]) -> None:
    days = [datetime(2021, 1 + k % 12, 3, 7, 0, 9, tzinfo=timezone.utc) for k in range(20)]
    (shop / "clicks.csv").write_text(clicks([day.strftime(form) for day in days], "time"))
    assert table(shop) == 0
    clock = {"hour": 0, "minute": 0, "second": 0, **expected}
    times = read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].astype(float)
    assert sorted(times) == sorted(day.replace(**clock).timestamp() for day in days)


def test_unix_times_stay_what_they_are(shop: Path) -> None:
    seconds = [20_210_115 + k * 100_000 for k in range(20)]  # of August 1970: as dates, most have no such month
    (shop / "clicks.csv").write_text(clicks([str(one) for one in seconds], "time"))
    assert table(shop) == 0
    assert sorted(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].astype(int)) == seconds


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["1675243680", "1675330080"], 1_675_243_680),
        (["1675243680000", "1675330080000"], 1_675_243_680),
        (["1675243680000000", "1675330080000000"], 1_675_243_680),
        (["1675243680000000000", "1675330080000000000"], 1_675_243_680),
        (["2015", "2016"], 1_420_070_400),
        (["15", "2016"], 15),
    ],
)
def test_the_unit_of_times_is_found_out(shop: Path, cells: list[str], first: int) -> None:
    (shop / "clicks.csv").write_text(clicks(cells, "timestamp"))
    assert table(shop) == 0
    assert float(read_atomic(shop / "out" / "d" / "d.inter")["timestamp"].iloc[0]) == first


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
