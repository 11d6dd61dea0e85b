"""``ktrec convert table`` says what to write where it cannot guess, or where a guess leaves something out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.click_tables import CLICKS, GOODS


def test_the_files_of_an_input_are_listed_and_the_command_is_suggested(
    convert: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = ",".join(f"column{k}" for k in range(10))
    files = {"a log.csv": CLICKS, "list.csv": GOODS, "wide.csv": f"{wide}\n", "README.md": "# Data\n", "x.csv": ""}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert convert({}) == 2
    error = capsys.readouterr().err
    assert "Say which file holds the interactions: --interactions PATTERN, or --mapping YAML. The input holds" in error
    assert error.splitlines()[1:] == [
        "  a log.csv: user_id, item_id",
        "  list.csv: item_id, title",
        f"  wide.csv: {', '.join(wide.split(',')[:8])}, ... (10 columns)",
        "  x.csv: (its columns cannot be told)",
        f"Such as: ktrec convert table --input {tmp_path} --interactions 'a log.csv' --items list.csv"
        f" --output {tmp_path / 'd' / 'd'}",
    ]
    (tmp_path / "tags.csv").write_text(CLICKS)
    assert convert({}) == 2 and "Such as" not in capsys.readouterr().err
    (tmp_path / "tags.csv").write_text(CLICKS.replace("item_id", "item_id,rating"))
    (tmp_path / "list.csv").write_text(GOODS.replace("item_id", "id"))
    assert convert({}) == 2 and "--interactions tags.csv --items list.csv" in capsys.readouterr().err
    (tmp_path / "links.csv").write_text("item_id,imdb\na,1\n")
    (tmp_path / "list.csv").write_text(GOODS)
    assert convert({}) == 2 and "--interactions tags.csv --items list.csv" in capsys.readouterr().err


def test_rows_of_the_future_name_what_keeps_them(
    convert: Callable[..., int], made: Callable[[str], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = ["2020-01-01"] * 7 + ["2999-01-01"] * 2 + ["never"]
    clicks = "user_id,item_id,timestamp\n" + "".join(f"u{k},{k},{day}\n" for k, day in enumerate(days))
    assert convert({"interactions.csv": clicks}) == 0
    where = tmp_path / "d" / "d" / "damaged.tsv"
    told = f"left out: 3 damaged rows, listed in {where}"
    keeps = "; --no-plausible keeps those whose date or rating is thought impossible (2)"
    assert told + keeps in capsys.readouterr().out.splitlines()
    assert convert({"interactions.csv": clicks}, "--no-plausible", "--overwrite") == 0
    assert f"left out: 1 damaged row, listed in {where}" in capsys.readouterr().out.splitlines()
    assert len(made("inter")) == 9
    assert convert({"interactions.csv": clicks.replace("2020", "2998")}, "--overwrite") == 2
    assert keeps.replace("(2)", "(9).") in capsys.readouterr().err


def test_a_column_called_nearly_as_an_id_is_told(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert({"interactions.csv": CLICKS.replace("user_id", "who")}, "--column", "user=who") == 2
    error = capsys.readouterr().err
    assert error.endswith("--column user=who makes a column [user]; write user_id=who.\n")
    clicks = "user_id,item_id,who\n" + "".join(f"u{k},{k},w{k}\n" for k in range(5))
    files = {"interactions.csv": clicks}
    assert convert(files, "--column", "user=who", "--column", "interactions.time=who:token") == 0
    shown = capsys.readouterr().out
    told = "is a column of its own, as --column {} says; {} is read from {} (--column {} reads it from there)"
    for name, *rest in (
        ("user", "user=who", "user_id", "user_id", "user_id=who"),
        ("time", "interactions.time=who:token", "timestamp", "no column", "timestamp=who:token"),
    ):
        assert f"interactions: [{name}] {told.format(*rest)}" in shown.splitlines()
    assert convert(files, "--column", "user=who", "--column", "user_id=user_id", "--overwrite") == 0
    assert "of its own" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["Sep 13, 2018", "May 2, 2019", "Jan 31, 2017"], "%b %d, %Y"),
        (["September 13, 2018", "May 2, 2019", "January 31, 2017"], "%B %d, %Y"),
        (["09 13, 2018", "05 2, 2019", "01 31, 2017"], "%m %d, %Y"),
        (["13-Sep-2018", "02-May-2019", "31-Jan-2017"], "%d-%b-%Y"),
        (["Thu Sep 13 00:00:00 +0000 2018", "Thu May 02 00:00:00 +0000 2019", "Tue Jan 31 00:00:00 +0000 2017"],
         "%a %b %d %H:%M:%S %z %Y"),
    ],
)  # fmt: skip
def test_dates_as_people_write_them_are_offered(
    convert: Callable[..., int], made: Callable[[str], Any], cells: list[str], form: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    clicks = "user_id,item_id,review date\n" + "".join(f'u{k},{k},"{cell}"\n' for k, cell in enumerate(cells))
    assert convert({"interactions.csv": clicks}) == 2
    error = capsys.readouterr().err
    assert f"--column 'timestamp=review date:{form}'" in error and f"These fit: {form}." in error
    assert convert({"interactions.csv": clicks}, "--column", f"timestamp=review date:{form}") == 0
    assert list(made("inter")["timestamp"]) == ["1536796800", "1556755200", "1485820800"]


def test_items_may_stand_in_the_table_of_interactions(
    convert: Callable[..., int], made: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"u{k % 4},{k % 5},A thing of number {k % 5},{k % 3 + 1},2024-01-0{k % 9 + 1}\n" for k in range(20))
    files = {"views.data": f"user_id,item_id,title,stars,date\n{rows}"}
    inter = ["--interactions", "views.data"]
    assert convert(files, *inter) == 0
    told = "texts in the interactions: title; if they describe the items, --items views.data reads these from there\n"
    assert told in capsys.readouterr().out

    assert convert(files, *inter, "--items", "views.data", "--overwrite") == 0
    assert "texts in the interactions" not in capsys.readouterr().out
    items = made("item")
    assert list(items.columns) == ["item_id", "title"], "who took an item, when and how it was rated is not the item's"
    assert sorted(items["title"]) == [f"A thing of number {k}" for k in range(5)]

    stated = ["--items", "views.data", "--column", "items.first=date:token", "--overwrite"]
    assert convert(files, *inter, *stated) == 0
    assert list(made("item").columns) == ["item_id", "first", "title"], "but for what is asked for"
