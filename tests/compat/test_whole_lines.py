"""No row of a file is lost on its way through RecBole's reader, and a byte-order mark is no part of a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.harness import load_parts, make_config
from tests.support import Settings

ALL = {"inter": ["user_id", "item_id"], "item": ["item_id", "title"]}


def write_items(workplace: Path, cells: dict[int, str]) -> Path:
    path = workplace / "dataset" / "tiny" / "tiny.item"
    titles = [cells.get(item, f"title {item}") for item in range(30)]
    rows = [f"i{item}\t{title}" for item, title in enumerate(titles)]
    path.write_text("\n".join(["item_id:token\ttitle:token_seq", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("loaded", [["item_id", "title"], ["item_id"]])
@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ({4: '"Ghost in the Shell', 20: 'the end"'}, 6),
        ({4: '"Ghost in the Shell', 9: 'a "plain" one'}, 6),  # an error of pandas that names nothing
        ({2: '"two\nlines"', 4: '"Ghost in the Shell', 20: 'the end"'}, 7),
        ({2: "too\tmany\tcells", 4: '"Ghost in the Shell', 20: 'the end"'}, 6),
        ({2: '"a\ttab"', 4: '"Ghost in the Shell', 20: 'the end"'}, 6),
        ({4: '"Ghost" in the Shell'}, 6),
        ({29: '"Ghost in the Shell'}, 31),
    ],
)
def test_a_quote_that_takes_lines_with_it_is_refused_by_line_and_column(
    settings: Settings, workplace: Path, loaded: list[str], cells: dict[int, str], line: int
) -> None:
    write_items(workplace, cells)
    with pytest.raises(DataError, match=rf"tiny\.item\], line {line}: a cell in \[title\] begins with a quote"):
        load_parts(make_config("Pop", "tiny", settings(load_col={**ALL, "item": loaded})))


def test_a_carriage_return_in_a_cell_is_told(settings: Settings, workplace: Path) -> None:
    path = write_items(workplace, {})
    path.write_bytes(path.read_bytes().replace(b"title 7\n", b"title\r7\n"))
    with pytest.raises(DataError, match="has 30 rows, and RecBole reads 31: a cell holds a carriage return"):
        load_parts(make_config("Pop", "tiny", settings(load_col=ALL)))


def test_an_empty_line_is_no_row_and_a_long_cell_is_read(settings: Settings, workplace: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.item"
    path.write_text("item_id:token\n" + "".join(f"i{item}\n" for item in range(30)) + "\n")
    columns = {**ALL, "item": ["item_id"]}
    assert load_parts(make_config("Pop", "tiny", settings(load_col=columns)))[1][0].item_num == 31
    write_items(workplace, {3: "word " * 30_000})
    assert load_parts(make_config("Pop", "tiny", settings(load_col=columns)))[1][0].item_num == 31


@pytest.mark.parametrize(
    "cells", [{}, {4: '"Ghost ""in"" the Shell"', 9: 'a "plain" one'}, {4: '"two\nlines"'}, {4: '"closed"'}]
)
def test_sound_files_are_read_as_before(settings: Settings, workplace: Path, cells: dict[int, str]) -> None:
    path = write_items(workplace, cells)
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")  # no line end at the end
    _, (dataset, *_) = load_parts(make_config("Pop", "tiny", settings(load_col=ALL)))
    assert dataset.item_num == 31


def test_carriage_returns_may_end_the_lines_and_rows_without_ids_are_left_out(
    settings: Settings, workplace: Path
) -> None:
    path = write_items(workplace, {})
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    inter = workplace / "dataset" / "tiny" / "tiny.inter"
    inter.write_text(inter.read_text(encoding="utf-8") + "\t\t\t\n\n\t\t\t\n", encoding="utf-8")
    _, (dataset, *_) = load_parts(make_config("Pop", "tiny", settings(load_col=ALL)))
    assert (dataset.user_num, dataset.item_num) == (25, 31)


def test_a_byte_order_mark_is_left_out(settings: Settings, workplace: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    config = make_config("Pop", "tiny", settings())
    _, (dataset, *_) = load_parts(config)
    assert dataset.user_num == 25 and config["encoding"] is None


def test_a_word_among_numbers_is_told_by_line_and_column(settings: Settings, workplace: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.item"
    path.write_text("item_id:token\tprice:float\ni1\t1e3\ni2\tNA\ni3\t\ni4\tcheap\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"tiny\.item\], line 5: \[cheap\] in \[price\] is not a number\.$"):
        load_parts(make_config("Pop", "tiny", settings(load_col={**ALL, "item": ["item_id", "price"]})))
