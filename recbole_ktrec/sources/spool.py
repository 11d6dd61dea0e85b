"""Rows as finished lines on disk, before it is known which of them stay: memory holds no text."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recbole_ktrec.atomic import Field, escape

LINES = 1 << 16


class Spool:
    """An atomic file in the making; :meth:`finish` leaves out the rows that fell to a rule.

    Args:
        path: of the temporary file; it becomes the result if no row goes.
        fields: the columns.
    """

    def __init__(self, path: Path, fields: Sequence[Field]) -> None:
        self.path, self.fields = path, list(fields)
        self._handle = path.open("w", encoding="utf-8", newline="\n", errors="replace")
        self._handle.write("\t".join(map(str, self.fields)) + "\n")

    def add(self, columns: Sequence[Sequence[str]]) -> list[str]:
        """Append rows given column by column; return them as lines (without newline)."""
        safe = [self._safe(field, cells) for field, cells in zip(self.fields, columns, strict=True)]
        lines = list(map("\t".join, zip(*safe, strict=True)))
        if lines:
            self._handle.write("\n".join(lines) + "\n")
        return lines

    @staticmethod
    def _safe(field: Field, cells: Sequence[str]) -> Sequence[str]:
        if field.type == "float":
            return cells
        whole = "".join(cells)
        if not any(mark in whole for mark in '"\t\n\r\x00'):
            return cells
        return list(map(escape, cells))

    def close(self) -> None:
        """Close the file; it may be closed already."""
        self._handle.close()

    def finish(self, target: Path, keep: np.ndarray) -> None:
        """Write the rows with ``keep`` (bool, one a row) to ``target`` and remove the spool."""
        self.close()
        if keep.all():
            os.replace(self.path, target)
            return
        flags = iter(keep.tolist())
        with (
            self.path.open(encoding="utf-8", newline="\n") as lines,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            out.write(next(lines))
            while block := list(itertools.islice(lines, LINES)):
                out.writelines(itertools.compress(block, flags))
        self.path.unlink()
