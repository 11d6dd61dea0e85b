"""Atomic files that RecBole reads with pandas' default quoting: a cell that begins with a quote takes lines with it.

Rows are then missing without a word (a title such as ``"Ghost in the Shell`` is enough), which is refused here, line
and column named. A file that begins with a byte-order mark, as spreadsheets write it, is read without it.
"""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

_MARK = b"\xef\xbb\xbf"


def compare_with_lines(module: ModuleType) -> bool:
    """Let ``Dataset._load_feat`` refuse to lose rows."""
    from pandas.errors import ParserError

    plain = module.Dataset._load_feat

    @functools.wraps(plain)
    def _load_feat(self: Any, filepath: str, source: Any) -> Any:
        config, said = self.config, self.config["encoding"]
        try:
            config["encoding"] = _without_mark(Path(filepath), said)
            table = plain(self, filepath, source)
        except ParserError:
            if config["field_separator"] == "\t":
                _check(Path(filepath), 0, said or "utf-8")
            raise
        finally:
            config["encoding"] = said
        if table is not None and config["field_separator"] == "\t":
            _check(Path(filepath), len(table), said or "utf-8")
        return table

    module.Dataset._load_feat = _load_feat
    return True


def _without_mark(path: Path, encoding: str | None) -> str | None:
    if (encoding or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8") or not path.is_file():
        return encoding
    with path.open("rb") as handle:
        return "utf-8-sig" if handle.read(len(_MARK)) == _MARK else encoding


def _check(path: Path, read: int, encoding: str) -> None:
    """Raise DataError if line by line ``path`` has other than ``read`` rows and each line is a row of its own."""
    from recbole_ktrec.atomic import iter_atomic, open_quote
    from recbole_ktrec.errors import DataError

    if _ends(path) == read + 1:
        return
    try:
        rows = sum(1 for _ in iter_atomic(path, encoding=encoding))
    except DataError:  # cells with line breaks in quotes, which RecBole reads as they are meant
        return
    if rows == read:
        return
    line, column = open_quote(path, encoding) or (0, "")
    where = f", line {line}: a cell in [{column}] begins with a quote that it does not close" if line else ""
    count = f"{read:,} of {rows:,} rows" if read else f"none of the {rows:,} rows"
    raise DataError(
        f"[{path}]{where}: RecBole would read {count}. Put each cell with a quote into quotes and "
        'double those in it ("" for "), as ktrec convert does.'
    )


def _ends(path: Path) -> int:
    """Return the number of lines of ``path``."""
    count, last = 0, b"\n"
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            count, last = count + block.count(b"\n"), block[-1:]
    return count + (last != b"\n")
