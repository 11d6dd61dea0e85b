"""Atomic files, RecBole's data format: a typed header ``name:type``, then one row a line, cells parted by tabs.

RecBole reads them with pandas and its default quoting, so a cell that begins with a quote would swallow the lines
after it. The writer therefore quotes every cell that holds a quote (doubling it); the reader takes such cells, and
also the stray unbalanced quotes of files made by others, strictly one line at a time.
"""

from __future__ import annotations

import contextlib
import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from recbole_ktrec.errors import ConfigError, DataError, counted, nearest

#: RecBole's four types of a column (``recbole.utils.enum_type.FeatureType``).
TYPES = ("token", "token_seq", "float", "float_seq")
#: Last word of the name of a ``token`` column that holds text all the same (``title``, ``movie_title``).
TEXT_NAMES = frozenset(
    "title name description desc caption headline abstract summary overview plot text content genre genres category "
    "categories brand tags keywords".split()
)
#: What would break a line or a cell for RecBole's reader (a NUL stops Python 3.10's csv module).
_BREAKS = re.compile("[\t\n\r\x00]")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class Field(NamedTuple):
    """One column: its name and one of :data:`TYPES`."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name}:{self.type}"


def parse_header(line: str, path: str | Path = "") -> list[Field]:
    """Read ``user_id:token<TAB>...`` into fields; a :class:`DataError` names the cell that is not ``name:type``."""
    fields = []
    for cell in line.lstrip("\ufeff").rstrip("\r\n").split("\t"):
        name, colon, kind = cell.rpartition(":")
        if not colon or not name or kind not in TYPES:
            known = ", ".join(TYPES)
            raise DataError(
                f"[{path}], line 1: [{cell}] is not [name:type] with a type of {known}.{nearest(kind, TYPES)}"
            )
        fields.append(Field(name, kind))
    doubled = {field.name for field in fields if sum(field.name == other.name for other in fields) > 1}
    if doubled:
        raise DataError(f"[{path}], line 1: the column [{min(doubled)}] occurs twice.")
    return fields


def escape(cell: str) -> str:
    """Return ``cell`` as it is written: tabs and line ends become blanks, a cell with a quote is quoted."""
    cell = _BREAKS.sub(" ", cell)
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell


def unescape(cell: str) -> str:
    """Undo :func:`escape`'s quoting; a cell with stray quotes is returned as it stands."""
    return cell[1:-1].replace('""', '"') if cell.startswith('"') and _QUOTED.fullmatch(cell) else cell


class AtomicWriter:
    """Write rows to ``path`` as they come; the file appears under its name only when all went well.

    Args:
        path: the file to write, such as ``dataset/toys/toys.item``; its folder is made.
        fields: the columns, in order.

    A killed or failed run leaves at most ``<name>.partial`` beside, never a short file under the real name.
    """

    def __init__(self, path: str | Path, fields: Sequence[Field]) -> None:
        self.path = Path(path)
        self.fields = parse_header("\t".join(map(str, fields)), path)
        self.rows = 0
        self._partial = self.path.with_name(self.path.name + ".partial")
        self._handle: TextIO | None = None

    def __enter__(self) -> AtomicWriter:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = self._partial.open("w", encoding="utf-8", newline="\n", errors="replace")
        self._handle.write("\t".join(map(str, self.fields)) + "\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._handle is not None
        self._handle.close()
        if kind is None:
            os.replace(self._partial, self.path)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, row: Sequence[str]) -> None:
        """Write one row of ``len(fields)`` cells."""
        self.write_rows([row])

    def write_rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Write many rows; a row with another number of cells is a :class:`DataError`."""
        assert self._handle is not None, "use the writer in a with statement"
        lines: list[str] = []
        for row in rows:
            if len(row) != len(self.fields):
                raise DataError(f"[{self.path}], row {self.rows + len(lines) + 1}: {_counts(self.fields, row)}")
            lines.append("\t".join(map(escape, row)))
        if lines:
            self._handle.write("\n".join(lines) + "\n")
            self.rows += len(lines)


def encoding_of(config: Any) -> str:
    """Return the encoding of a data set's files by RecBole's ``encoding``; the plugin's own is UTF-8 everywhere."""
    return str(config["encoding"] or "utf-8")


def check_separator(config: Any) -> None:
    """Refuse another ``field_separator`` than the tab, which RecBole alone would read.

    Raises:
        ConfigError: the message says what to do.
    """
    if (given := config["field_separator"]) not in (None, "\t"):
        raise ConfigError(
            f"field_separator [{given}]: recbole_ktrec reads the files of a data set with tabs alone: write them so."
        )


def read_header(path: str | Path, encoding: str = "utf-8") -> list[Field]:
    """Return the fields of an atomic file."""
    with reading(path, encoding) as handle:
        return parse_header(handle.readline(), path)


def iter_atomic(
    path: str | Path, columns: Sequence[str] | None = None, encoding: str = "utf-8"
) -> Iterator[tuple[str, ...]]:
    """Yield the rows of an atomic file as tuples of strings, in the order of ``columns`` (default: all).

    Raises:
        DataError: the file is missing or not in ``encoding``, a column is unknown, a line has too many or few cells.
    """
    with reading(path, encoding) as handle:
        fields = parse_header(handle.readline(), path)
        chosen = _positions(path, fields, columns)
        for number, line in enumerate(handle, 2):
            line = line.rstrip("\r\n")
            if line or len(fields) == 1:
                cells = _cells(line, fields, path, number)
                yield tuple([cells[position] for position in chosen])


def check_atomic(path: str | Path, encoding: str = "utf-8") -> int:
    """Read an atomic file through and return how many rows it has.

    RecBole takes a short or a long row without a word, and names neither file nor row of a number that is none.

    Raises:
        DataError: as :func:`iter_atomic`, and where a cell of a ``float`` column is no number or there is no row.
    """
    floats = [(at, field.name) for at, field in enumerate(read_header(path, encoding)) if field.type == "float"]
    count = 0
    for count, row in enumerate(iter_atomic(path, encoding=encoding), 1):
        for at, name in floats:
            try:
                float(row[at] or 0)
            except ValueError:
                raise DataError(f"[{path}], row {count}: [{row[at]}] in [{name}] is not a number.") from None
    if not count:
        raise DataError(f"[{path}] has no row.")
    return count


def _positions(path: str | Path, fields: Sequence[Field], columns: Sequence[str] | None) -> list[int]:
    names = [field.name for field in fields]
    for name in columns or ():
        if name not in names:
            raise DataError(f"[{path}] has no column [{name}], only {', '.join(names)}.{nearest(name, names)}")
    return list(range(len(names))) if columns is None else [names.index(name) for name in columns]


def _cells(line: str, fields: Sequence[Field], path: str | Path, number: int) -> list[str]:
    cells = line.split("\t")
    if len(cells) != len(fields):  # a tab inside a quoted cell, as pandas writes it
        with contextlib.suppress(csv.Error):
            quoted = next(csv.reader([line], delimiter="\t"), [])
            if len(quoted) == len(fields):
                return quoted
        raise DataError(f"[{path}], line {number}: {_counts(fields, cells)}")
    return [unescape(cell) for cell in cells] if '"' in line else cells


def _counts(fields: Sequence[Field], cells: Sequence[str]) -> str:
    return f"{counted(len(cells), 'cell')} where the header has {len(fields)}."


@contextlib.contextmanager
def reading(path: str | Path, encoding: str) -> Iterator[TextIO]:
    """Open for reading; a missing file or a byte that is not in ``encoding`` becomes a :class:`DataError`."""
    try:
        with open(path, encoding=encoding, newline="\n") as handle:
            yield handle
    except OSError as error:
        raise DataError(f"[{path}] cannot be read: {error.strerror or error}.") from error
    except LookupError as error:
        raise DataError(f"[{path}]: unknown encoding [{encoding}].") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"[{path}], line {_bad_line(path, encoding)}: not {encoding}; name the file's encoding, such as cp1252."
        ) from error


def _bad_line(path: str | Path, encoding: str) -> int:
    """Return the number of the first line that does not decode (read again: the text layer decodes in blocks)."""
    with open(path, "rb") as handle:
        for number, line in enumerate(handle, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return 0
