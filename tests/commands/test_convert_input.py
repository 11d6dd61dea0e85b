"""What ``ktrec convert`` is called on: source, mapping, files; and what it says where one is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recbole_ktrec.cli import main
from tests.support import read_atomic


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "clicks.csv").write_text("user,item\nu1,i1\nu1,i2\n")
    (tmp_path / "goods.json").write_text('{"item": "i1", "title": "A bold one"}\n{"item": "i2", "title": "Two"}\n')
    return tmp_path


def convert(*args: object) -> int:
    return main(["convert", *map(str, args)])


def test_a_mapping_or_a_file_of_interactions_makes_it_a_table(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert convert("--mapping", "animee", "--input", shop) == 2
    assert "No mapping [animee]" in (error := capsys.readouterr().err) and "Did you mean [anime]?" in error
    assert convert("--interactions", "clicks.csv", "--input", shop, "--output", shop / "d", "--quiet") == 0
    assert json.loads((shop / "d" / "conversion.json").read_text())["source"]["name"] == "table"


def test_a_name_with_a_dot_in_front_as_a_shell_completes_it_is_found(shop: Path) -> None:
    assert convert("table", "--interactions", "./clicks.csv", "--input", shop, "--output", shop / "d", "--quiet") == 0
    assert read_atomic(shop / "d" / "d.inter")["user_id"].tolist() == ["u1", "u1"]


def test_files_named_by_their_paths_need_no_input(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert convert(
        "table", "--interactions", shop / "clicks.csv", "--items", shop / "goods.json", "--output", shop / "d"
    ) == 0  # fmt: skip
    monkeypatch.chdir(shop)
    assert convert("table", "--interactions", "clicks.csv", "--output", "e", "--items", "goods.json", "--quiet") == 0
    for name in ("d", "e"):
        assert len(read_atomic(shop / name / f"{name}.inter")) == len(read_atomic(shop / name / f"{name}.item")) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Name a source, or a --mapping of a table: ktrec convert --list shows them."),
        (["movielens"], "--input is missing: the folder, files or archives that hold the files of [movielens]."),
        (["movielns"], "Did you mean [movielens]?"),
        (["--mapping", "goodreads"], "that hold the files of [goodreads]."),
        (["--interactions", "{shop}/clicks.csv", "--items", "x.csv"], "--input is missing: the folder, files or "
         "archives that hold [x.csv]."),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_alone(
    shop: Path, args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert convert(*(each.format(shop=shop) for each in args)) == 2
    error = capsys.readouterr().err
    assert message in error and "usage" not in error and error.count("\n") == 1


def test_a_column_that_the_mapping_wants_and_the_file_lacks(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "interactions.tsv").write_text("user_id\titem_id\nu1\ti1\n")
    (shop / "items.tsv").write_text("item_id\tname\tdescription\ni1\tA bold one\tIt is.\n")
    call = ["--mapping", "goodreads", "--input", shop, "--output", shop / "d"]
    assert convert(*call) == 2
    assert (
        "ktrec convert: --mapping goodreads: [items.tsv] has no column [title], only item_id, name, description. "
        "--column items.title=COLUMN takes another for [title].\n"
    ) in capsys.readouterr().err
    assert convert(*call, "--column", "items.title=name") == 0
    assert read_atomic(shop / "d" / "d.item")["title"].tolist() == ["A bold one"]


@pytest.mark.parametrize("more", [["--interactions", "clicks.csv"], ["--encoding", "cp1252"]])
def test_a_part_without_keys_is_told_whatever_is_said_over_it(
    shop: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "m.yaml").write_text("interactions: clicks.csv\n")
    assert convert("--mapping", shop / "m.yaml", "--input", shop, "--output", shop / "d", *more) == 2
    assert "[interactions] must hold keys such as file and columns, not [clicks.csv]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "first", "second"),
    [
        ("--file", "interactions=clicks.csv", "interactions=more.csv"),
        ("--set", "tags=0", "tags=5"),
        ("--column", "rating=rating", "rating=timestamp"),
        ("--encoding", "interactions=cp1252", "interactions=latin-1"),
    ],
)
def test_an_option_that_says_two_things_of_the_same_is_refused(
    shop: Path, option: str, first: str, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["table", "--input", shop, "--interactions", "clicks.csv", "--output", shop / "d"]
    assert convert(*given, option, first, option, second) == 2
    assert f"{option} {first} and {option} {second}: only one of them can hold" in capsys.readouterr().err


def test_help_says_what_a_core_counts_and_where_boilerplate_is_cut(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "again.csv").write_text("user,item,timestamp\nu1,i1,1500000000\nu1,i1,1500000001\nu1,i2,1500000002\n")
    (shop / "people.csv").write_text("user,location\nu1,New York\n")
    given = ["--input", shop, "--interactions", "again.csv", "--users", "people.csv", "--output", shop / "d"]
    assert convert(*given, "--user-core", 3) == 2 and "3 x outside the 3/0-core" in capsys.readouterr().err
    assert convert(*given, "--user-core", 2, "--boilerplate", "New") == 0
    assert read_atomic(shop / "d" / "d.user")["location"].tolist() == ["York"]
    with pytest.raises(SystemExit):
        convert("--help")
    told = " ".join(capsys.readouterr().out.split())
    assert "drop users with fewer different items" in told and "cut this out of all texts" in told


def test_a_misspelt_part_of_a_mapping_is_named(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "m.yaml").write_text("interaction: {file: clicks.csv}\n")
    assert convert("--mapping", shop / "m.yaml", "--input", shop, "--output", shop / "d") == 2
    assert "Unknown key [interaction] in [mapping]. Did you mean [interactions]?" in capsys.readouterr().err
