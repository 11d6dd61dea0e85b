"""Lines into rows: quotes, line ends, encodings and block borders; JSON with and without msgspec."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import delimited, jsonlines, reading
from recbole_ktrec.sources.delimited import Dialect
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.records import Reader
from recbole_ktrec.sources.tables import Batch


@pytest.fixture(params=[7, 1 << 22], ids=["small blocks", "one block"])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in blocks of seven bytes, so that every record crosses a border, and in the usual ones."""
    for module in (delimited, jsonlines):
        monkeypatch.setattr(module, "blocks", partial(reading.blocks, size=request.param))


def gather(batches: Iterator[Batch]) -> list[tuple[int, tuple[object, ...]]]:
    """Return (line, values) of all rows."""
    return [(b.lines[i], tuple(column[i] for column in b.columns)) for b in batches for i in range(len(b))]


def rows_of(
    batches: Callable[..., Iterator[Batch]], folder: Path, columns: list[Any], *how: Any
) -> tuple[list[object], Ledger]:
    """Return what ``batches`` reads of ``columns`` from the one file in ``folder``, every row of it accounted for."""
    inputs, ledger = Inputs.of([folder]), Ledger("inter")
    rows = gather(batches(inputs, inputs.members[0], columns, ledger, *how))
    assert ledger.rows_in == len(rows) + sum(ledger.dropped.values())
    return list(rows), ledger


csv_rows, json_rows = partial(rows_of, delimited.batches), partial(rows_of, jsonlines.batches)


@pytest.mark.usefixtures("block")
def test_quotes_line_breaks_and_strays(raw: Callable[..., Path]) -> None:
    text = (
        "\ufeffid,Title ,n\r\n"
        '1,"a, ""b""\nsecond line",x\r\n'
        '2,5" pipe,y\r\n'
        '3,"open,z\r\n'
        "\r\n"
        '4,"x"y,w\r\n'
        "5,too,many,cells\r\n"
        "6,left,over,,\r\n"
        "7,short\r\n"
        '8,"last ""one""",v'
    )
    rows, ledger = csv_rows(raw({"a.csv": text}), ["ID", "n", "title"], Dialect(","))
    assert rows == [
        (2, ("1", "x", 'a, "b"\nsecond line')),
        (4, ("2", "y", '5" pipe')),
        (5, ("3", "z", '"open')),
        (7, ("4", "w", '"x"y')),
        (9, ("6", "over", "left")),
        (11, ("8", "v", 'last "one"')),
    ]
    assert dict(ledger.dropped) == {"4 cells instead of 3": 1, "2 cells instead of 3": 1}
    assert ledger.examples["4 cells instead of 3"] == ["a.csv:8"]
    assert ledger.changed["stray quotes kept as they are"] == 2


@pytest.mark.usefixtures("block")
def test_lines_in_another_encoding(raw: Callable[..., Path]) -> None:
    content = "id,t\n1,é\n".encode() + "2,é\n3,x\n".encode("latin-1")
    rows, ledger = csv_rows(raw({"a.csv": content}), ["id", "t"], Dialect(","))
    assert rows == [(2, ("1", "é")), (4, ("3", "x"))] and ledger.examples == {"not utf-8": ["a.csv:3"]}
    rows, ledger = csv_rows(raw({"a.csv": content}), ["id", "t"], Dialect(",", encodings=("utf-8", "latin-1")))
    assert rows == [(2, ("1", "é")), (3, ("2", "é")), (4, ("3", "x"))] and not ledger.dropped


@pytest.mark.usefixtures("block")
def test_long_delimiter_without_header_and_absent_columns(raw: Callable[..., Path]) -> None:
    rows, _ = csv_rows(raw({"a.dat": "1::a b::3\n2::c::4\n"}), [2, None, 0], Dialect("::", header=False, quoted=False))
    assert rows == [(1, ("3", "", "1")), (2, ("4", "", "2"))]


def test_a_stray_quote_without_a_header_takes_no_rows_with_it(raw: Callable[..., Path]) -> None:
    plain = [f"{n},title {n},x" for n in range(40)]
    lines = [*plain[:20], '20,"open,y', *plain[20:], '41,closed",y,z', '42,"two\nlines",v']
    rows, ledger = csv_rows(raw({"a.csv": "\n".join(lines)}), [0, 1, 2], Dialect(",", header=False))
    expected = [tuple(line.split(",")) for line in lines[:-2]] + [("42", "two\nlines", "v")]
    assert [values for _, values in rows] == expected
    assert dict(ledger.dropped) == {"4 cells instead of 3": 1} and "a.csv:42" in ledger.examples["4 cells instead of 3"]


def test_many_stray_quotes_cost_a_few_tries_each(raw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands behind a closed quote is wrong however many lines are taken along."""
    tried: list[int] = []
    strict = Reader._strict

    def counted(self: Reader, text: str, blanks: bool = False) -> tuple[list[str] | None, bool]:
        tried.append(text.count("\n") + 1)
        return strict(self, text, blanks)

    monkeypatch.setattr(Reader, "_strict", counted)
    text = "id\ttitle\n" + "".join(f'{row}\t"stray {row}\n' for row in range(400))
    rows, ledger = csv_rows(raw({"a.tsv": text}), ["id", "title"], Dialect("\t"))
    assert len(rows) == ledger.changed["stray quotes kept as they are"] == 400
    assert sum(tried) <= 4 * 400


@pytest.mark.usefixtures("block")
def test_a_text_of_thousands_of_lines_is_one_cell(raw: Callable[..., Path]) -> None:
    text = "\n".join(f'a ""word"" of line {n}, and more' for n in range(15_000))
    started = time.process_time()
    rows, ledger = csv_rows(raw({"a.csv": f'id,title,n\n1,"{text}",x\n2,b,y\n'}), ["id", "title", "n"], Dialect(","))
    assert rows == [(2, ("1", text.replace('""', '"'), "x")), (15_002, ("2", "b", "y"))]
    assert not ledger.dropped and not ledger.changed
    assert time.process_time() - started < 5  # each line is read a few times, and not once for each line after it


@pytest.mark.usefixtures("block")
def test_a_quote_that_ends_thousands_of_rows_further_down_takes_none_along(raw: Callable[..., Path]) -> None:
    plain = [f"{n},title {n},x" for n in range(3000)]
    plain[700] = "700,damaged"  # one that is no record of its own does not make a text of all the others
    lines = ['0,"open,x', *plain[1:], '3000,closed",x']
    rows, ledger = csv_rows(raw({"a.csv": "id,title,n\n" + "\n".join(lines)}), ["id", "title", "n"], Dialect(","))
    assert [values for _, values in rows] == [tuple(line.split(",")) for line in lines if line != plain[700]]
    assert dict(ledger.dropped) == {"2 cells instead of 3": 1} and ledger.examples["2 cells instead of 3"] == [
        "a.csv:702"
    ]


@pytest.mark.usefixtures("block")
def test_a_quote_in_the_first_row_takes_no_thousands_along_without_a_header(raw: Callable[..., Path]) -> None:
    lines = ['0,"open,x', *(f"{n},title {n},x" for n in range(1, 3000)), '3000,closed",x']
    rows, ledger = csv_rows(raw({"a.csv": "\n".join(lines)}), [0, 1, 2], Dialect(",", header=False))
    assert [values for _, values in rows] == [tuple(line.split(",")) for line in lines]
    assert ledger.changed == {"stray quotes kept as they are": 1}


@pytest.mark.parametrize("last", ['0,a","b', '0,a",b'])  # with the second the quotes end: one record of very many cells
def test_quotes_that_close_and_open_in_each_row_cost_no_more_than_patience(raw: Callable[..., Path], last: str) -> None:
    lines = ["id,title,n", *(f'{row},a","b' for row in range(19_999)), last]
    started = time.process_time()
    rows, ledger = csv_rows(raw({"a.csv": "\n".join(lines)}), ["id"], Dialect(","))
    assert len(rows) == 20_000 and ledger.changed["stray quotes kept as they are"] >= 19_999
    assert time.process_time() - started < 20  # of 20,000 lines each that would be minutes


def test_long_cells_without_a_header_are_no_rows(raw: Callable[..., Path]) -> None:
    verses = "\n".join(f"verse {n}, of many" for n in range(30))
    rows, ledger = csv_rows(raw({"a.csv": f'1,"{verses}",x\n2,"{verses}",y\n'}), [0, 2], Dialect(",", header=False))
    assert [values for _, values in rows] == [("1", "x"), ("2", "y")] and not ledger.dropped


def test_an_unknown_column_is_named(raw: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"no column \[titel\].*Did you mean \[title\]"):
        csv_rows(raw({"a.csv": "id,title\n1,2\n"}), ["titel"], Dialect(","))


def test_a_file_without_lines_is_refused(raw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONGEST", 50)
    with pytest.raises(DataError, match="not a file of lines"):
        csv_rows(raw({"a.csv": "x" * 200}), [0], Dialect(",", header=False))


LINES = (
    '{"a": "x", "b": [1, {"c": null}], "skip": {"deep": [1]}}\n'
    "\n"
    '{"a": 1.5}\n'
    '{"a": "cut\n'
    "[1, 2]\n"
    "7\n"
    '{"b": NaN, "a": "\\u00e9"}\n'
    '   {"a": true, "a": "last wins"}  \r\n'
    "{'a': 'python'}\n"
    '{"a": "no newline"}'
)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("fast", [True, False])
def test_json_lines_with_and_without_msgspec(
    raw: Callable[..., Path], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fast and jsonlines.msgspec is None:
        pytest.skip("msgspec is not installed")
    if not fast:
        monkeypatch.setattr(jsonlines, "msgspec", None)
    rows, ledger = json_rows(raw({"a.json": LINES}), ["b", "a"])
    nan = rows[2][1][0]  # type: ignore[index]
    assert nan != nan
    assert [row for i, row in enumerate(rows) if i != 2] == [
        (1, ([1, {"c": None}], "x")),
        (3, (None, 1.5)),
        (8, (None, "last wins")),
        (10, (None, "no newline")),
    ]
    assert ledger.dropped == {"not a JSON object": 4}
    assert ledger.examples == {"not a JSON object": ["a.json:4", "a.json:5", "a.json:6", "a.json:9"]}
    rows, ledger = json_rows(raw({"a.json": LINES}), ["a"], True)
    assert (9, ("python",)) in rows and ledger.dropped == {"not a JSON object": 3}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), values), min_size=1, max_size=20), st.data())
def test_both_ways_give_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, object]], data: st.DataObject
) -> None:
    if jsonlines.msgspec is None:
        pytest.skip("msgspec is not installed")
    lines = [json.dumps(each, ensure_ascii=data.draw(st.booleans())) for each in objects]
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    folder = tmp_path_factory.mktemp("json")
    (folder / "a.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows, ledger = json_rows(folder, ["a", "b"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonlines, "msgspec", None)
        assert json_rows(folder, ["a", "b"])[0] == rows


def test_usual_keys_are_those_of_most_rows(raw: Callable[..., Path]) -> None:
    folder = raw({"a.json": '{"x": 1\n{"id": 1, "x": 2}\n{"id": 2}\n{"id": 3}\n{"id": 4}\n{"id": 5}\n'})
    inputs = Inputs.of([folder])
    assert jsonlines.usual_keys(inputs, inputs.members[0]) == ["id"]
