"""Delimited text as batches: the columns wanted by their names or places, and rows that are as wide as they must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from recbole_ktrec.errors import ConfigError, DataError, counted, nearest
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.reading import blocks, decode
from recbole_ktrec.sources.records import Dialect, Reader
from recbole_ktrec.sources.tables import Batch

__all__ = ["Dialect", "MissingColumn", "batches", "header", "plain", "positions"]

#: An empty cell as MySQL and IMDb write it.
NULL = "\\N"


class MissingColumn(DataError):
    """A column that a file lacks.

    Attributes:
        column: its name.
    """

    def __init__(self, message: str, column: str) -> None:
        super().__init__(message)
        self.column = column


def batches(
    inputs: Inputs, member: Member, columns: Sequence[str | int | None], ledger: Ledger, dialect: Dialect
) -> Iterator[Batch]:
    """Yield the cells of ``columns`` (names with a header, else positions; None: an empty column).

    Raises:
        MissingColumn: a column is not in the header, or is further right than the rows reach.
    """
    with inputs.stream(member) as stream:
        reader = Reader(member.name, ledger, dialect)
        table = _Table(reader, columns, ledger, dialect)
        for first, _, chunk in blocks(stream, member.name):
            table.look(chunk)
            yield from table.batch(*reader.rows(*_lines(chunk, first, dialect, ledger, member.name)))
        yield from table.batch(*reader.rest())


def header(inputs: Inputs, member: Member, dialect: Dialect) -> list[str]:
    """Return the names in the first record of a file that has them, as :func:`batches` takes it apart."""
    text = inputs.head(member, 1 << 16).decode(dialect.encodings[0], "replace").removeprefix("\ufeff")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    rows, _ = Reader(member.name, Ledger("inter"), dialect).rows(lines, 1)
    return [plain(cell) for cell in rows[0]] if rows else []


def plain(cell: str) -> str:
    """Return a column's name without what surrounds it."""
    return cell.strip().strip('"')


def positions(header: Sequence[str], columns: Sequence[str | int | None], name: str) -> list[int | None]:
    """Return where the named columns stand; blanks around names do not count, letter case only between two.

    Raises:
        MissingColumn: one of them is not in the header.
    """
    exact = [plain(cell) for cell in header]
    names = [cell.lower() for cell in exact]
    found: list[int | None] = []
    for column in columns:
        if column is None or isinstance(column, int):
            found.append(column)
        elif plain(column) in exact:
            found.append(exact.index(plain(column)))
        elif plain(column).lower() in names:
            found.append(names.index(plain(column).lower()))
        else:
            have = ", ".join(cell.strip() for cell in header)
            hint = nearest(column.lower(), names)
            raise MissingColumn(f"[{name}] has no column [{column}], only {have[:300]}.{hint}", column)
    return found


def places(wanted: Sequence[str], where: str) -> list[int | None]:
    """Return the positions of columns in a table without names (``header: false``), counted from 0.

    Raises:
        ConfigError: one of them is no number; the message names the part, ``where``.
    """
    for text in wanted:
        if not text.isdigit():
            raise ConfigError(f"[{where}.columns]: without a header columns are numbers from 0 on, not [{text}].")
    return [int(text) for text in wanted]


def _lines(chunk: bytes, first: int, dialect: Dialect, ledger: Ledger, name: str) -> tuple[list[str], int]:
    lines, bad = decode(chunk, first, dialect.encodings)
    if dialect.header and first == 1 and bad[:1] == [1]:
        raise DataError(
            f"[{name}], line 1: the header is not {dialect.encodings[0]}: "
            "say how a table is written (--encoding cp1252), or save it as UTF-8."
        )
    for number in bad:
        ledger.undecoded[dialect.encodings[0]] += 1
        ledger.damaged(f"not {dialect.encodings[0]}", name, number)
    return lines, first


class _Table:
    """Turns rows into batches of the columns wanted; with a header, the first row says where these stand."""

    def __init__(self, reader: Reader, columns: Sequence[str | int | None], ledger: Ledger, dialect: Dialect) -> None:
        self._reader, self._columns, self._ledger = reader, columns, ledger
        self._chosen = None if dialect.header else [each if each is None else int(each) for each in columns]
        self._heads: list[list[str]] = []  # the header, and the header with the mark that begins a file
        self._line = b""  # the first line of the file
        self._nulls = self._again = False  # whether a cell may be \N, a row the header

    def look(self, chunk: bytes) -> None:
        """Note what the rows of a chunk may hold, which costs less than to look at each of them."""
        first = not self._line
        self._line = self._line or chunk.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip()
        self._again = self._again or chunk.count(self._line) > first
        self._nulls = self._nulls or NULL.encode() in chunk

    def batch(self, rows: list[list[str]], numbers: Sequence[int]) -> Iterator[Batch]:
        reader = self._reader
        if self._chosen is None and rows:
            head, rows, numbers = rows[0], rows[1:], numbers[1:]
            reader.width, self._chosen = len(head), positions(head, self._columns, reader.name)
            self._heads = [head, ["\ufeff" + head[0], *head[1:]]]
        if self._again and any(head in rows for head in self._heads):
            rows, numbers = self._without_heads(rows, numbers)
        if not rows:
            return
        width = reader.width = reader.width or _usual_width(rows)
        self._check_places(width)
        if any(len(row) != width for row in rows):
            rows, numbers = _right_width(rows, numbers, width, reader.name, self._ledger)
        self._ledger.rows_in += len(rows)
        cells = list(zip(*rows, strict=True)) or [()] * width
        empty = ("",) * len(rows)
        yield Batch(
            [empty if at is None else self._cells(cells[at]) for at in self._chosen or []], reader.name, numbers
        )

    def _check_places(self, width: int) -> None:
        """Raise MissingColumn if a column is asked for by a place that the rows do not have."""
        if (last := max((at for at in self._chosen or () if at is not None), default=0)) >= width:
            told = f"it has {counted(width, 'column')}, counted from 0"
            raise MissingColumn(f"[{self._reader.name}] has no column [{last}]: {told}.", str(last))

    def _without_heads(self, rows: list[list[str]], numbers: Sequence[int]) -> tuple[list[list[str]], list[int]]:
        """Leave out the headers of files that were joined to one."""
        kept = []
        for row, number in zip(rows, numbers, strict=True):
            if row in self._heads:
                self._ledger.damaged("the header again", self._reader.name, number)
            else:
                kept.append((row, number))
        return [row for row, _ in kept], [number for _, number in kept]

    def _cells(self, cells: Sequence[str]) -> Sequence[str]:
        if not self._nulls or NULL not in cells:
            return cells
        self._ledger.changed[f"{NULL} read as an empty cell"] += cells.count(NULL)
        return ["" if cell == NULL else cell for cell in cells]


def _usual_width(rows: list[list[str]]) -> int:
    """Return the commonest number of cells: without a header, the first row may be a damaged one."""
    return Counter(map(len, rows)).most_common(1)[0][0]


def _right_width(
    rows: list[list[str]], numbers: Sequence[int], width: int, name: str, ledger: Ledger
) -> tuple[list[list[str]], list[int]]:
    kept = []
    for row, number in zip(rows, numbers, strict=True):
        if len(row) > width and not any(row[width:]):  # delimiters left over at the end
            row = row[:width]
        if len(row) == width:
            kept.append((row, number))
        else:
            ledger.damaged(f"{len(row)} cells instead of {width}", name, number)
    return [row for row, _ in kept], [number for _, number in kept]
