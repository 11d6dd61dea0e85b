"""The records of delimited text (CSV, TSV, ``::``), quoted or not, as it is found in the wild.

A line without quotes is split. A record with quotes is read as RFC 4180 says, over several lines if need be; if that
does not give the right number of cells, the line is taken as unquoted; if that fails too, the line is damaged. So a
stray quote costs at most its own line, unless what it opens makes a record of the right number of cells (without a
header any number is right until lines without quotes have told it). Lines that could each be a record stay apart where
cells are parted by what no text holds, such as tabs, and where there are more than :data:`LONG` of them; a few with
commas are one record, which is counted. Where the number of cells is known, quotes that are escaped as ``\\"`` or come
after a blank are tried before a line is taken as unquoted.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recbole_ktrec.sources.ledger import Ledger

#: A quoted cell may run over this many lines (the text of a web page has thousands).
SPAN = 20_000
#: Over so many lines nearly all of which could each be a record it is a stray quote, whatever parts the cells.
LONG = 1000
#: So many lines may be read in vain beyond those of the file, until a quote is followed over LONG lines only.
PATIENCE = 20 * SPAN
#: Characters of a quoted cell: csv stops at 131,072, and the longest texts are cut only afterwards, and counted.
csv.field_size_limit(max(csv.field_size_limit(), 1 << 26))
#: Without a header, so many lines before the first quote, nearly all of one number of cells, tell how wide a record is.
_TELLING, _NEARLY_ALL = 5, 0.9
#: What parts cells and stands in texts, too.
_IN_TEXTS = (",", ";", " ", ":")
#: How the ledger calls records over several lines that could each be one.
JOINED = "records over several lines, each of which could be one"


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes:
        delimiter: one or more characters.
        header: whether the first line holds the names (else columns are asked for by position).
        quoted: whether ``"`` may enclose cells.
        encodings: tried in this order, line by line where the first does not fit.
        width: the number of cells; None: that of the header, without one the commonest.
        split: takes one line apart in the place of all the rules above; None: damaged.
    """

    delimiter: str = ","
    header: bool = True
    quoted: bool = True
    encodings: tuple[str, ...] = ("utf-8",)
    width: int | None = None
    split: Callable[[str], list[str] | None] | None = None


class Reader:
    """Turns lines into rows, carrying a record that is not complete yet over to the next block."""

    def __init__(self, name: str, ledger: Ledger, dialect: Dialect) -> None:
        self.name, self._ledger, self._dialect = name, ledger, dialect
        self.width = dialect.width
        self._carried: list[str] = []
        self._carried_first = self._tried = 0  # how many lines were carried when they were last looked at
        self._vain = 0  # lines that were read for the end of a record, and that are none

    def rows(self, lines: list[str], first: int) -> tuple[list[list[str]], Sequence[int]]:
        dialect = self._dialect
        if self._carried:
            lines, first, self._carried = self._carried + lines, self._carried_first, []
            if len(lines) < min(2 * self._tried, SPAN):  # an open record is read again only once it has doubled
                self._carried = lines
                return [], []
        if dialect.split is not None:
            return self._split_each(lines, first, dialect.split)
        if not dialect.quoted or not any('"' in line for line in lines):
            rows = [line.split(dialect.delimiter) for line in lines if line]
            if len(rows) == len(lines):
                return rows, range(first, first + len(lines))
            return rows, [number for number, line in enumerate(lines, first) if line]
        return self._quoted(lines, first, False)

    def rest(self) -> tuple[list[list[str]], Sequence[int]]:
        lines, self._carried = self._carried, []
        return self._quoted(lines, self._carried_first, True)

    def _split_each(
        self, lines: list[str], first: int, split: Callable[[str], list[str] | None]
    ) -> tuple[list[list[str]], list[int]]:
        rows, numbers = [], []
        for number, line in enumerate(lines, first):
            if line:
                row = split(line)
                if row is None:
                    self._ledger.damaged("broken quoting", self.name, number)
                else:
                    rows.append(row)
                    numbers.append(number)
        return rows, numbers

    def _quoted(self, lines: list[str], first: int, last: bool) -> tuple[list[list[str]], list[int]]:
        rows, numbers, at = [], [], 0
        if self.width is None and not self._dialect.header:
            self.width = _telling_width(lines, self._dialect.delimiter)
        while at < len(lines):
            if '"' not in lines[at]:
                used, row = 1, lines[at].split(self._dialect.delimiter) if lines[at] else None
            else:
                used, row = self._record(lines, at, first, last)
            if used == 0:  # the record may go on in the next block
                self._carried, self._carried_first = lines[at:], first + at
                self._tried = len(self._carried)
                break
            if row is not None:
                rows.append(row)
                numbers.append(first + at)
                if self.width is None and self._dialect.header:  # the header says how wide a sound record is
                    self.width = len(row)
            at += used
        return rows, numbers

    def _record(self, lines: list[str], at: int, first: int, last: bool) -> tuple[int, list[str] | None]:
        """Return (lines used, cells); 0 lines: more are needed to tell. ``first`` is the number of the first line."""
        row, open_quote = self._strict(lines[at])
        if row is not None:
            if ' "' in lines[at] and any(cell.startswith(' "') for cell in row):  # a text, or how cells are parted
                return 1, self._spaced(lines[at], row)
            return 1, row
        if open_quote and (found := self._over_lines(lines, at, first, last)) is not None:
            return found
        if (row := self._otherwise(lines[at])) is not None:
            return 1, row
        self._ledger.changed["stray quotes kept as they are"] += 1
        return 1, lines[at].split(self._dialect.delimiter)

    def _over_lines(self, lines: list[str], at: int, first: int, last: bool) -> tuple[int, list[str] | None] | None:
        """Return what :meth:`_record` does of a line that leaves a quote open; None where it is a line of its own."""
        span = SPAN if self._vain < PATIENCE + first + at else LONG
        end, mark = min(at + span, len(lines)), self._dialect.delimiter
        reader = csv.reader((lines[place] + "\n" for place in range(at, end)), delimiter=mark, strict=True)
        try:
            row = next(reader)  # takes the lines up to the one that ends the record, each of them once
        except csv.Error as error:  # what follows a closed quote stays wrong, whatever comes after it
            wanting = "end of data" in str(error) and end == len(lines) and not last and end - at < span
            self._vain += 0 if wanting else reader.line_num
            return (0, None) if wanting else None
        used = reader.line_num
        apart = self._could_be_records(lines[at : at + used])
        if (self.width or len(row)) != len(row) or (apart and (used > LONG or mark not in _IN_TEXTS)):
            self._vain += used
            return None
        if apart:
            self._ledger.note(JOINED, self.name, first + at)
        return used, row

    def _could_be_records(self, lines: list[str]) -> bool:
        """Return whether each of ``lines`` (of many: nearly each), its quotes taken as text, has a record's cells; of
        many it is seen how many those are, where that is not known."""
        cells, long = Counter(line.count(self._dialect.delimiter) + 1 for line in lines), len(lines) > LONG
        width = self.width or (cells.most_common(1)[0][0] if long else 1)
        return width > 1 and cells[width] >= len(lines) * (_NEARLY_ALL if long else 1)

    def _otherwise(self, line: str) -> list[str] | None:
        r"""Return the cells of a line whose quotes are escaped as ``\"`` (Spark does so) or come after a blank."""
        if self.width is None:
            return None
        if '\\"' in line and (row := self._strict(line.replace('\\"', '""'))[0]) is not None:
            self._ledger.changed['quotes escaped as \\"'] += 1
            return row
        return self._spaced(line, None)

    def _spaced(self, line: str, otherwise: list[str] | None) -> list[str] | None:
        """Return the cells of a line where blanks before quotes do not count; ``otherwise`` if it has none such."""
        if self.width is None or f'{self._dialect.delimiter} "' not in line:
            return otherwise
        row, _ = self._strict(line, blanks=True)
        if row is None or row == otherwise:
            return otherwise
        self._ledger.changed["quotes after a blank"] += 1
        return row

    def _strict(self, text: str, blanks: bool = False) -> tuple[list[str] | None, bool]:
        """Return (cells if ``text`` is one sound record, whether a quote was left open); ``blanks`` may come first."""
        mark = self._dialect.delimiter
        try:
            found = list(csv.reader([text], delimiter=mark, strict=True, skipinitialspace=blanks))
        except csv.Error as error:
            return None, "end of data" in str(error)
        sound = len(found) == 1 and (self.width is None or len(found[0]) == self.width)
        return (found[0] if sound else None), False


def _telling_width(lines: Sequence[str], delimiter: str) -> int | None:
    """Return the number of cells of the lines before the first quote, which are records; None where they are few."""
    before = itertools.takewhile(lambda line: '"' not in line, lines)
    found = Counter(line.count(delimiter) + 1 for line in before if line)
    width, count = next(iter(found.most_common(1)), (0, 0))
    # Lines of one cell may be a preamble.
    return width if width > 1 and count >= max(_TELLING, _NEARLY_ALL * found.total()) else None
