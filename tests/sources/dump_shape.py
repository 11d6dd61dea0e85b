"""The shape of a dump of a source, how its lines are written, and some columns of what it becomes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Dump:
    """Raw files, and the rows of each table that they become.

    Attributes:
        files: name -> content.
        inter, item, user: the rows expected, or None where no such table is made.
        damage: the files whose lines may be damaged one by one in the fuzz test.
        options: the source's own options.
        header: lines at the top of those files that must stay sound.
    """

    files: dict[str, str | bytes]
    inter: list[list[str]]
    item: list[list[str]] | None = None
    user: list[list[str]] | None = None
    damage: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    header: int = 0


def lines(*rows: object) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def columns(rows: list[list[str]], *names: str) -> list[tuple[str, ...]]:
    """Return some columns of an atomic file, given row by row with its header."""
    at = [[cell.split(":")[0] for cell in rows[0]].index(name) for name in names]
    return [tuple(row[place] for place in at) for row in rows[1:]]


def literals(*rows: object) -> str:
    return "".join(f"{row!r}\n" for row in rows)
