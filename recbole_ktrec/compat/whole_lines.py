"""Atomic files that RecBole reads with pandas' default quoting: a cell that begins with a quote takes lines with it.

Rows are then missing without a word (a title such as ``"Ghost in the Shell`` is enough), which is refused here, line
and column named. A file that begins with a byte-order mark, as spreadsheets write it, is read without it, and a cell
may be longer than the 131,072 characters at which Python's csv stops.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from types import ModuleType
from typing import Any

_MARK = b"\xef\xbb\xbf"
#: Characters of a cell, as in :mod:`recbole_ktrec.sources.records`.
_LONGEST = 1 << 26


def compare_with_lines(module: ModuleType) -> bool:
    """Let ``Dataset._load_feat`` refuse to lose rows."""
    plain = module.Dataset._load_feat

    @functools.wraps(plain)
    def _load_feat(self: Any, filepath: str, source: Any) -> Any:
        config, said = self.config, self.config["encoding"]
        path, by_tabs = Path(filepath), config["field_separator"] == "\t"
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
        try:
            config["encoding"] = _without_mark(path, said)
            table = plain(self, filepath, source)
        except ValueError:  # pandas' ParserError is one, too
            if by_tabs:
                _refuse_quotes(path, said or "utf-8")
                _refuse_words(path, said or "utf-8")
            raise
        finally:
            config["encoding"] = said
        if table is not None and by_tabs:
            _check(path, len(table), said or "utf-8")
        return table

    module.Dataset._load_feat = _load_feat
    return True


def _without_mark(path: Path, encoding: str | None) -> str | None:
    if (encoding or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8") or not path.is_file():
        return encoding
    with path.open("rb") as handle:
        return "utf-8-sig" if handle.read(len(_MARK)) == _MARK else encoding


def _check(path: Path, read: int, encoding: str) -> None:
    """Raise DataError if RecBole has ``read`` other rows than ``path`` has lines, each line being a row of its own."""
    from recbole_ktrec.atomic import iter_atomic
    from recbole_ktrec.errors import DataError, counted

    if _ends(path) == read + 1:
        return
    _refuse_quotes(path, encoding)
    try:
        rows = sum(1 for row in iter_atomic(path, encoding=encoding) if any(row) or len(row) > 1)
    except DataError:  # lines that are no rows: cells with line breaks in quotes, which RecBole reads as they are meant
        return
    if rows != read:
        why = "a cell holds a carriage return" if read > rows else "look for quotes and empty cells"
        raise DataError(f"[{path}] has {counted(rows, 'row')}, and RecBole reads {read:,}: {why}.")


def _refuse_quotes(path: Path, encoding: str) -> None:
    from recbole_ktrec.errors import DataError

    if found := _open_quote(path, encoding):
        line, column = found
        raise DataError(
            f"[{path}], line {line}: a cell in [{column}] begins with a quote that does not end it, so that RecBole "
            'would lose rows. Put each cell with a quote into quotes and double those in it ("" for "), as ktrec '
            "convert does."
        )


def _refuse_words(path: Path, encoding: str) -> None:
    """Raise DataError for the first word in a column of numbers, of which pandas tells no line."""
    from recbole_ktrec.atomic import parse_header, reading
    from recbole_ktrec.errors import DataError

    with reading(path, encoding) as handle:
        fields = parse_header(handle.readline(), path)
        for number, line in enumerate(handle, 2):
            for cell, field in zip(line.rstrip("\r\n").split("\t"), fields, strict=False):
                if field.type == "float" and not _is_number(cell):
                    raise DataError(f"[{path}], line {number}: [{cell}] in [{field.name}] is not a number.")


def _is_number(cell: str) -> bool:
    from pandas._libs.parsers import STR_NA_VALUES  # what pandas reads as missing

    try:
        return cell.strip() in STR_NA_VALUES or float(cell) is not None
    except ValueError:
        return False


def _open_quote(path: Path, encoding: str) -> tuple[int, str] | None:
    """Return line and column of the first cell whose quote takes the lines after it along; None if there is none.

    A cell that is meant to hold line breaks is none: the line after its first is no row of its own.
    """
    from recbole_ktrec.atomic import parse_header, reading

    with reading(path, encoding) as handle:
        fields = parse_header(handle.readline(), path)
        open_at: tuple[int, str] | None = None
        for number, line in enumerate(handle, 2):
            line = line.rstrip("\r\n").replace("\r", " ")
            if open_at and len(line.split("\t")) == len(fields):
                return open_at
            column, broken = _unclosed(line)
            open_at = None if column is None else (number, fields[min(column, len(fields) - 1)].name)
            if broken:
                return open_at
        return open_at


def _unclosed(line: str) -> tuple[int | None, bool]:
    """Return the position of the cell of ``line`` whose quote is not closed, and whether more stands behind its end."""
    try:
        next(csv.reader([line], delimiter="\t", strict=True), [])
    except csv.Error as error:
        cells = next(csv.reader([line], delimiter="\t"), [""])
        if "unexpected end" in str(error):
            return len(cells) - 1, False
        return next(at for at, cell in enumerate(line.split("\t")) if cell.startswith('"')), True
    return None, False


def _ends(path: Path) -> int:
    """Return the number of lines of ``path``; carriage returns end those of a file without any line feed."""
    feeds, returns, last = 0, 0, b""
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            feeds, returns, last = feeds + block.count(b"\n"), returns + block.count(b"\r"), block[-1:]
    return (feeds or returns) + (last not in (b"", b"\n" if feeds else b"\r"))
