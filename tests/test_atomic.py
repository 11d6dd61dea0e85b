"""Atomic files: what is written is read back, by us and by RecBole's own pandas call."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ktrec.atomic import (
    AtomicWriter,
    Field,
    check_atomic,
    escape,
    iter_atomic,
    parse_header,
    read_header,
    unescape,
)
from recbole_ktrec.errors import DataError
from tests.support import read_atomic

FIELDS = [Field("item_id", "token"), Field("title", "token_seq")]
HARD = ['"Great" game', '"', '""', "'", 'say "', '"unclosed', "NA", "None", "", "a\tb", "c\nd", "漢字 é", "two  gaps "]


def write_lines(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def host_read(path: Path) -> pd.DataFrame:
    """RecBole's call (recbole/data/dataset/dataset.py, _load_feat), with missing values kept for comparison."""
    return pd.read_csv(path, delimiter="\t", dtype=str, encoding="utf-8", engine="python", keep_default_na=False)


def test_hard_cells_come_back_to_us_and_to_the_host(tmp_path: Path) -> None:
    path = tmp_path / "x.item"
    with AtomicWriter(path, FIELDS) as writer:
        writer.write_rows((str(i), text) for i, text in enumerate(HARD))
    wanted = [text.replace("\t", " ").replace("\n", " ") for text in HARD]
    assert read_atomic(path)["title"].tolist() == wanted
    assert host_read(path)["title:token_seq"].tolist() == wanted


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "x.item"
    with AtomicWriter(path, FIELDS) as writer:
        writer.write_rows((str(i), text) for i, text in enumerate(texts))
    wanted = ["".join(" " if c in "\t\n\r\x00" else c for c in t).encode("utf-8", "replace").decode() for t in texts]
    assert [title for _, title in iter_atomic(path)] == wanted
    assert host_read(path)["title:token_seq"].tolist() == wanted


@pytest.mark.parametrize("cell", HARD)
def test_unescape_undoes_escape(cell: str) -> None:
    assert unescape(escape(cell)) == cell.replace("\t", " ").replace("\n", " ")


def test_stray_quotes_of_others_swallow_no_line(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.item", "item_id:token\ttitle:token_seq", '1\t"open', '2\tTwo"', '3\t"a" or "b"')
    assert read_atomic(path)["title"].tolist() == ['"open', 'Two"', '"a" or "b"']


def test_ml_100k_of_the_host_is_read_line_by_line() -> None:
    recbole = pytest.importorskip("importlib.util").find_spec("recbole")
    if recbole is None:
        pytest.skip("RecBole is not installed")
    folder = Path(recbole.submodule_search_locations[0]) / "dataset_example" / "ml-100k"
    rows = list(iter_atomic(folder / "ml-100k.item", ["item_id", "movie_title"]))
    assert len(rows) == 1682 and rows[0][1] == "Toy Story"
    assert len(list(iter_atomic(folder / "ml-100k.inter", ["user_id"]))) == 100_000


def test_columns_in_the_order_asked_for(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.inter", "user_id:token\titem_id:token\trating:float", "u\ti\t4.5", "v\tNA\t")
    assert read_header(path) == [Field("user_id", "token"), Field("item_id", "token"), Field("rating", "float")]
    assert list(iter_atomic(path, ["rating", "item_id"])) == [("4.5", "i"), ("", "NA")]


def test_tab_inside_a_quoted_cell_of_pandas(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.item", "item_id:token\ttitle:token_seq", '1\t"a\tb ""c"""')
    assert read_atomic(path)["title"].tolist() == ['a\tb "c"']


def test_bom_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.item"
    path.write_bytes("\ufeffitem_id:token\ttitle:token_seq\r\n1\tOne\r\n".encode())
    assert list(iter_atomic(path)) == [("1", "One")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["item_id:token\ttitle:tokenseq"], r"line 1: \[title:tokenseq\].*Did you mean \[token_seq\]"),
        (["item_id\ttitle"], r"line 1: \[item_id\]"),
        (["item_id:token\titem_id:token"], "occurs twice"),
        (["item_id:token\ttitle:token_seq", "1\tOne", "2"], "line 3: 1 cell where the header has 2"),
        (["item_id:token\ttitle:token_seq", "1\ta\tb"], "line 2: 3 cells where the header has 2"),
    ],
)
def test_damaged_files_are_named_by_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_atomic(write_lines(tmp_path / "x.item", *lines))


def test_unknown_column_missing_file_wrong_encoding_and_number(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.item", "item_id:token\tprice:float", "1\té", encoding="latin-1")
    with pytest.raises(DataError, match=r"no column \[prize\].*Did you mean \[price\]"):
        list(iter_atomic(path, ["prize"], "latin-1"))
    with pytest.raises(DataError, match=r"x\.item\], line 2: not utf-8"):
        read_atomic(path)
    with pytest.raises(DataError, match=r"row 1: \[é\] in \[price\] is not a number"):
        check_atomic(path, "latin-1")
    with pytest.raises(DataError, match="unknown encoding"):
        list(iter_atomic(path, encoding="klingon"))
    with pytest.raises(DataError, match="No such file"):
        read_atomic(tmp_path / "absent.item")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.item", "item_id:token\ttitle:token_seq", "1\told")
    with pytest.raises(DataError, match="row 2: 1 cell where"), AtomicWriter(path, FIELDS) as writer:
        writer.write(("1", "new"))
        writer.write(("2",))
    assert read_atomic(path)["title"].tolist() == ["old"] and [p.name for p in tmp_path.iterdir()] == ["x.item"]


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(DataError, match="is not"):
        parse_header("title:text")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("u1\ti1\t5\nu2\ti2\tabc\n", r"row 2: \[abc\] in \[rating\] is not a number"),
        ("u1\ti1\n", "line 2: 2 cells where the header has 3"),
        ("", "has no row"),
    ],
)
def test_a_file_is_checked_before_recbole_reads_it(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "shop.inter"
    path.write_text("user_id:token\titem_id:token\trating:float\n" + rows)
    with pytest.raises(DataError, match=message):
        check_atomic(path)
    path.write_text("user_id:token\titem_id:token\trating:float\nu1\ti1\t\nu1\ti2\t3.5\n")
    assert check_atomic(path) == 2
