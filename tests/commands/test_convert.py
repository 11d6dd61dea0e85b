"""``ktrec convert`` as a user calls it."""

import json
from pathlib import Path

import pytest
import yaml

from recbole_ktrec.cli import main
from recbole_ktrec.resources import resource_dir
from recbole_ktrec.sources import SOURCES, source_of
from recbole_ktrec.sources.table import load_mapping
from recbole_ktrec.sources.work import Conversion
from tests.support import read_atomic

DATA = Path(__file__).parents[2].parent / "shared" / "data"
#: Users, items with interactions, interactions, items with text, as the README of each folder states them.
README = {
    "amazon-beauty": (22_363, 12_101, 198_502, 12_101),
    "amazon-games": (49_156, 17_332, 342_329, 17_332),
    "amazon-instruments": (10_000, 20_618, 83_828, 33_921),
    "amazon-toys": (19_412, 11_924, 167_597, 11_924),
    "anime": (4_714, 7_157, 419_943, 7_390),
    "caixin-news": (9_235, 2_305, 84_657, 2_305),
    "courses": (1_000, 105, 9_402, 307),
    "goodreads": (23_089, 15_441, 180_240, 16_833),
    "microlens": (49_887, 19_217, 359_048, 19_217),
    "ml-latest-small": (610, 9_724, 100_836, 9_742),
    "steam": (12_393, 5_155, 129_535, 5_155),
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "clicks.csv").write_text(
        "visitorid,itemid,rating,timestamp\nu1,i1,5,2014-01-01\nu1,i2,4.5,2014-01-02\nu2,i1,x,2014-01-03\n"
    )
    (folder / "goods.json").write_text(
        '{"id": "i1", "name": "A &amp; B <b>bold</b>", "price": 3}\n{"id": "i2", "name": "say \\"hi\\"\\tnow"}\n'
    )
    return folder


def convert(*args: object) -> int:
    return main(["convert", *map(str, args)])


def test_a_table_without_times_says_so(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "bare.csv").write_text("user,item\nu1,i1\nu1,i2\n")
    out = shop / "dataset" / "bare"
    assert convert("table", "--input", shop, "--interactions", "bare.csv", "--output", out) == 0
    assert "no time column: histories have no order (--column timestamp=NAME maps one)" in capsys.readouterr().out


def test_a_table_without_a_mapping_is_guessed_and_shown(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shop / "dataset" / "shop"
    files = ["--interactions", "clicks.csv", "--items", "goods.json"]
    assert convert("table", "--input", shop, *files, "--output", out) == 0
    shown = capsys.readouterr().out
    assert "no time column" not in shown
    assert "text fields: name" in shown and "rating is not a number (first: clicks.csv:4)" in shown
    assert read_atomic(out / "shop.inter").to_numpy().tolist() == [
        ["u1", "i1", "5", "1388534400"],
        ["u1", "i2", "4.5", "1388620800"],
    ]
    items = read_atomic(out / "shop.item")
    assert items.to_numpy().tolist() == [["i1", "A & B bold", "3"], ["i2", 'say "hi" now', ""]]
    assert items.attrs["types"] == {"item_id": "token", "name": "token_seq", "price": "float"}
    properties = yaml.safe_load((out / "shop.yaml").read_text())
    assert properties["text_fields"] == ["name"] and properties["eval_args"]["order"] == "TO"
    assert properties["load_col"] == {"inter": ["user_id", "item_id", "rating", "timestamp"]}
    document = json.loads((out / "conversion.json").read_text())
    assert document["tables"]["inter"] == {
        "rows_in": 3, "rows_out": 2, "dropped": {"rating is not a number": 1}, "changed": {},
        "examples": {"rating is not a number": ["clicks.csv:4"]},
    }  # fmt: skip
    assert document["statistics"]["share_of_items_with_interactions_that_have_text"] == 1.0
    assert set(document["inputs"]) == {"clicks.csv", "goods.json"} and "damaged" not in str(document["inputs"])
    assert (out / "damaged.tsv").read_text().splitlines()[1:] == ["inter\tclicks.csv\t4\trating is not a number"]


def test_columns_by_options(shop: Path) -> None:
    out = shop / "d"
    files = ["--interactions", "clicks.csv", "--items", "goods.json"]
    args = ["table", "--input", shop, *files, "--output", out, "--quiet"]
    columns = ["interactions.user_id=visitorid", "interactions.item_id=itemid", "items.item_id=id"]
    given = [part for column in [*columns, "items.title=name:token_seq"] for part in ("--column", column)]
    assert convert(*args, *given) == 0
    assert list(read_atomic(out / "d.inter").columns) == ["user_id", "item_id", "rating", "timestamp"]
    assert list(read_atomic(out / "d.item").columns) == ["item_id", "title", "price"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["movielens", "--column", "user_id=u"], r"--column is for the source \[table\]; \[movielens\] knows its own"),
        (["movielns"], r"Unknown source \[movielns\].*Did you mean \[movielens\]"),
        (["courses"], r"\[courses\] is no source but a mapping: ktrec convert table --mapping courses"),
        (["table"], "which file holds the interactions"),
        (["table", "--mapping", "animee"], r"No mapping \[animee\].*Did you mean \[anime\]"),
        (
            ["table", "--interactions", "click.csv"],
            r"No file for \[interactions\] \(looked for click.csv.*found: .*clicks.csv",
        ),
        (["table", "--interactions", "clicks.csv", "--column", "items.x"], "write \\[PART.\\]NAME=FROM"),
        (["movielens", "--set", "tag=1"], r"no option \[tag\].*Did you mean \[tags\]"),
        (["movielens", "--set", "tags=many"], "a whole number is expected"),
        (["movielens", "--clean", "html"], "No file for"),
        (["table", "--interactions", "clicks.csv", "--clean", "tag"], r"\[tag\].*Did you mean \[tags\]"),
        (["table", "--interactions", "clicks.csv", "--boilerplate", "("], "boilerplate"),
        (["table", "--interactions", "clicks.csv", "--since", "soon"], r"\[soon\] is not a date"),
        (["table", "--interactions", "clicks.csv", "--strict"], r"\[clicks.csv\], line 4: rating is not a number"),
        (["table", "--interactions", "clicks.csv", "--user-core", "9"], "No interaction is left of 3"),
        (["table", "--interactions", "clicks.csv", "--user-core", "-1"], "no negative numbers"),
        (["table", "--interactions", "clicks.csv", "--scale", "5", "1"], "lowest rating comes first"),
        (
            ["table", "--interactions", "bare.csv", "--since", "2020-01-01"],
            r"\[since\] looks at the timestamp of",
        ),
        (["table", "--interactions", "bare.csv", "--max-per-day", "9"], r"\[max_per_day\] looks at the timestamp"),
        (["table", "--interactions", "bare.csv", "--threshold", "3"], r"\[threshold\] looks at the rating.*map one"),
        (["table", "--interactions", "bare.csv", "--scale", "1", "5"], r"\[scale\] looks at the rating"),
        (["table", "--interactions", "bare.csv", "--require-text"], "No item file"),
        (["table", "--interactions", "twice.csv"], r"\[twice.csv\] has several columns \[tag\]: name them"),
        (["table", "--interactions", "wide.csv"], r"\[wide.csv\] is UTF-16, and UTF-8 is read: iconv"),
        (["table", "--interactions", "mac.csv"], r"\[mac.csv\] ends its lines with CR alone"),
        (["table", "--interactions", "list.json"], r"\[list.json\], object 2 of the array \(line 3\)"),
        (["table", "--interactions", "same.csv"], r"\[same.csv\] fits 2 files: 2023/same.csv, 2024/same.csv"),
    ],
)
def test_mistakes_are_answered_without_a_traceback(
    shop: Path, args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import re

    out = shop / "d"
    (shop / "bare.csv").write_text("user,item\nu,i\n")
    (shop / "twice.csv").write_text("user,item,tag,tag,,\nu,i,a,b,,\n")
    (shop / "wide.csv").write_text("user,item\nu,i\n", encoding="utf-16")
    (shop / "mac.csv").write_bytes(b"user,item\ru,i\r")
    (shop / "list.json").write_text('[\n {"user": "u", "item": "i"},\n]')
    for year in ("2023", "2024"):
        (shop / year).mkdir()
        (shop / year / "same.csv").write_text("user,item\nu,i\n")
    assert convert(*args, "--input", shop, "--output", out) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert not list(shop.glob(".d.*")) and not out.exists()


def test_an_earlier_result_stays_unless_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["table", "--input", shop, "--interactions", "clicks.csv", "--output", shop / "d", "--quiet"]
    assert convert(*args) == 0
    assert convert(*args) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert convert(*args, "--overwrite") == 0


@pytest.mark.parametrize("model", ["Pop", "ItemKNN"])
def test_a_converted_table_runs_by_its_name(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("recbole")
    rows = [f"u{u},i{(u + k) % 12},{k + 1}" for u in range(12) for k in range(10)]
    (tmp_path / "a.csv").write_text("user,item,rating\n" + "\n".join(rows) + "\n")
    (tmp_path / "b.csv").write_text("item,title\n" + "\n".join(f"i{i},Thing number {i}" for i in range(12)) + "\n")
    monkeypatch.chdir(tmp_path)
    args = [
        "table",
        "--input",
        tmp_path,
        "--interactions",
        "a.csv",
        "--items",
        "b.csv",
        "--output",
        "made/shop",
        "--quiet",
    ]
    assert convert(*args) == 0
    shown = capsys.readouterr().out
    command = shown.splitlines()[-1].partition("Next: ktrec ")[2].replace("--model=KTRec", f"--model={model}").split()
    assert main([*command, "--epochs=1"]) == 0
    assert f"{model} on shop" in capsys.readouterr().out


def test_list_shows_every_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--list") == 0
    shown = capsys.readouterr().out
    for name, source in SOURCES.items():
        assert f"{name}: " in shown and source.url in shown and source.url.startswith("https://")


def test_shipped_mappings_and_property_files_agree() -> None:
    folder = resource_dir("dataset_configs")
    for name in README:
        properties = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        assert "item" not in properties["load_col"] and properties["text_fields"]
        if name != "ml-latest-small":
            mapping = load_mapping(name)
            assert properties["text_fields"] == list(source_of(mapping).text_fields)
            assert properties["load_col"]["inter"] == list(mapping["interactions"]["columns"])


@pytest.mark.realdata
@pytest.mark.parametrize("name", README)
def test_statistics_equal_the_readme(name: str, tmp_path: Path) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is not there")
    how = ["movielens"] if name == "ml-latest-small" else ["table", "--mapping", name]
    assert convert(*how, "--input", DATA / name, "--output", tmp_path / name, "--quiet") == 0
    found = json.loads((tmp_path / name / "conversion.json").read_text(encoding="utf-8"))
    keys = ("users", "items", "interactions", "items_with_text")
    assert tuple(found["statistics"][key] for key in keys) == README[name]
    for table in found["tables"].values():
        assert table["rows_in"] == table["rows_out"] + sum(table["dropped"].values())


def test_columns_without_a_name_and_without_a_value_are_none(shop: Path) -> None:
    (shop / "wide.csv").write_text("user,item,tag,,\nu1,i,a,,\nu2,i,b,,\n")
    assert convert("table", "--interactions", "wide.csv", "--input", shop, "--output", shop / "d") == 0
    assert list(read_atomic(shop / "d" / "d.inter").columns) == ["user_id", "item_id", "tag"]
    (shop / "wide.csv").write_text("user,item,tag,,\nu1,i,a,x,y\nu2,i,b,z,\n")
    assert convert("table", "--interactions", "wide.csv", "--input", shop, "--output", shop / "e") == 2


def test_a_pattern_takes_all_files_of_a_name(shop: Path) -> None:
    for year in ("2023", "2024"):
        (shop / year).mkdir()
        (shop / year / "same.csv").write_text(f"user,item\nu{year},i\n")
    assert convert("table", "--interactions", "same*", "--input", shop, "--output", shop / "d") == 0
    assert read_atomic(shop / "d" / "d.inter").iloc[:, 0].tolist() == ["u2023", "u2024"]


def test_numbers_that_are_written_with_zeros_before_stay_as_they_are(shop: Path) -> None:
    (shop / "goods.csv").write_text("item,title,zip,size\ng1,A thing,01067,0.5\ng2,Two things,10115,0\n")
    (shop / "buys.csv").write_text("user,item\nu,g1\nu,g2\n")
    args = ["table", "--interactions", "buys.csv", "--items", "goods.csv", "--input", shop, "--output", shop / "d"]
    assert convert(*args) == 0
    items = read_atomic(shop / "d" / "d.item")
    assert items.attrs["types"] == {"item_id": "token", "title": "token_seq", "zip": "token", "size": "float"}
    assert items["zip"].tolist() == ["01067", "10115"]


def test_what_is_no_number_after_the_guess_is_warned_of(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"g{n},A thing,{n}\n" for n in range(1200))
    (shop / "goods.csv").write_text(f"item,title,size\n{rows}g1200,A thing,XL\ng1201,A thing,L\n")
    (shop / "buys.csv").write_text("user,item\nu,g1\nu,g2\n")
    args = ["table", "--interactions", "buys.csv", "--items", "goods.csv", "--input", shop, "--output", shop / "d"]
    assert convert(*args) == 0
    assert (
        "warning: 2 cells of the column [size] of the items are no numbers and were left empty: "
        "--column items.size=NAME:token keeps all of it as it is written, NAME:comma reads 16,99 €\n"
    ) in capsys.readouterr().out


def test_of_two_conversions_into_one_folder_the_first_stays(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop / "d" / "conversion.json"
    monkeypatch.setattr(Conversion, "warnings", lambda *_: (first.parent.mkdir(), first.write_text("{}"), [])[2])
    assert convert("table", "--interactions", "clicks.csv", "--input", shop, "--output", shop / "d") == 2
    assert first.read_text() == "{}" and [path.name for path in first.parent.iterdir()] == ["conversion.json"]


def test_what_a_shop_elsewhere_writes_is_read(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Prices are no text, a category is one, dates without a usual name are times, decimal commas can be read."""
    (shop / "ware.csv").write_text(
        'id;title;category;Preis;Lager\ng1;Hammer;tools;"1.016,99 €";Nord\ng2;Zange;tools;3,50 €;Ost\n', "utf-8"
    )
    (shop / "kauf.csv").write_text('user;id;note;wann\nu1;g1;"4,5";2024-01-31\nu2;g2;"3";2024-02-01T10:00\n', "utf-8")
    args = ["table", "--interactions", "kauf.csv", "--items", "ware.csv", "--input", shop, "--output", shop / "d"]
    assert convert(*args, "--column", "rating=note:comma", "--column", "items.price=Preis:comma") == 0
    shown = capsys.readouterr().out
    assert "text fields: title, category" in shown and "in no text: Lager (--column items.NAME=COLUMN:token" in shown
    assert "no time column" not in shown and "damaged row" not in shown
    assert read_atomic(shop / "d" / "d.item")["price"].tolist() == ["1016.99", "3.5"]
    assert read_atomic(shop / "d" / "d.inter")["rating"].tolist() == ["4.5", "3"]
    assert read_atomic(shop / "d" / "d.inter")["timestamp"].tolist() == ["1706659200", "1706781600"]
    assert convert(*args, "--overwrite") == 0
    assert "Preis               from Preis (token)" in capsys.readouterr().out, "a price is no text"
    (shop / "kauf.csv").write_text("user;id;a;b\nu1;g1;2024-01-31;2023-01-01\nu2;g2;2024-01-31;2023-01-02\n", "utf-8")
    assert convert(*args, "--overwrite") == 0
    assert "no time column" in capsys.readouterr().out, "two dates: which of them?"


def test_damaged_rows_are_counted_at_the_end_even_when_quiet(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["table", "--interactions", "clicks.csv", "--input", shop, "--output", shop / "d", "--quiet"]
    assert convert(*args) == 0
    assert f"left out: 1 damaged row, listed in {shop / 'd' / 'damaged.tsv'}" in capsys.readouterr().out
