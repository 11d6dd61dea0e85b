"""The accounts of one table: every row that came in went out or was dropped, by reason."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from recbole_ktrec.errors import DataError

EXAMPLES = 5
#: March 1973, as seconds since 1970: smaller numbers count from something else, are of another unit, or are no times.
EARLY = 1e8

#: 1970 to 2058 as the day numbers of a workbook, which count from 1900.
DAYS = (25_569.0, 58_000.0)


class Ledger:
    """Count the rows of one table; damaged ones are also listed with file, line and reason.

    Args:
        kind: ``inter``, ``item`` or ``user``.
        strict: stop with a :class:`DataError` at the first damaged row.
        listing: an open file that takes a line ``table, file, line, reason`` for each damaged row.
    """

    def __init__(self, kind: str, strict: bool = False, listing: TextIO | None = None) -> None:
        self.kind, self.strict, self._listing = kind, strict, listing
        self.rows_in = 0
        self.rows_out = 0
        self.dropped: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}  # of damage
        self.noted: dict[str, list[str]] = {}  # of rows that a rule took
        self.early = 0  # times before EARLY
        self.days = 0  # of them, those within DAYS
        self.dates: dict[str, tuple[str, str]] = {}  # column of numbers -> where it is read from, an ISO date there
        self.absent: dict[str, str] = {}  # column -> that no object of its file has the key, and which it has
        self.values: dict[str, Counter[str]] = {}  # column that chooses rows, or could -> how often its values come
        self.remarks: list[str] = []  # what the reader warns of
        self.undecoded: Counter[str] = Counter()  # encoding -> rows that are not written in it

    def reject(self, reason: str, file: str, line: int) -> None:
        """Drop a damaged row that counts as read already (:meth:`damaged` counts it, too)."""
        if self.strict:
            raise DataError(f"[{file}], line {line}: {reason}.")
        self.dropped[reason] += 1
        _add(self.examples, reason, file, line)
        if self._listing is not None:
            self._listing.write(f"{self.kind}\t{file}\t{line}\t{reason}\n")

    def damaged(self, reason: str, file: str, line: int) -> None:
        """Count a record that could not even be taken apart, and drop it."""
        self.rows_in += 1
        self.reject(reason, file, line)

    def rule(self, reason: str, rows: int, places: Iterable[str] = ()) -> None:
        """Drop ``rows`` sound rows by a rule; ``places``: where the first of them stand, as ``file:line``."""
        if rows:
            self.dropped[reason] += rows
            if noted := list(itertools.islice(places, EXAMPLES)):
                self.noted[reason] = noted

    def note(self, change: str, file: str, line: int) -> None:
        """Count what was changed, or read in one of two ways, and where it stands."""
        self.changed[change] += 1
        _add(self.noted, change, file, line)

    @property
    def damage(self) -> int:
        """How many rows were damaged."""
        return sum(self.dropped[reason] for reason in self.examples)

    def check(self) -> None:
        """Fail if a row is unaccounted for (a fault of the converter, not of the data)."""
        missing = self.rows_in - self.rows_out - sum(self.dropped.values())
        if missing:
            raise AssertionError(f"{self.kind}: {missing} of {self.rows_in} rows are unaccounted for")

    def as_dict(self) -> dict[str, object]:
        """Return the accounts for ``conversion.json``."""
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "dropped": dict(self.dropped.most_common()),
            "changed": dict(self.changed.most_common()),
            "examples": {**self.examples, **self.noted},
        }

    def lines(self) -> Iterable[str]:
        """Yield the accounts as lines of a table for people."""
        yield f"{'.' + self.kind:<8}{'rows in':<52}{self.rows_in:>12,}"
        for reason, rows in self.dropped.most_common():
            places = self.examples.get(reason) or self.noted.get(reason)
            where = f" (first: {places[0]})" if places else ""
            yield f"{'':<8}{'- ' + reason + where:<52}{-rows:>12,}"
        yield f"{'':<8}{'rows out':<52}{self.rows_out:>12,}"
        for rule, cells in self.changed.most_common():
            yield f"{'':<8}{'  changed cells: ' + rule:<52}{cells:>12,}"


def _add(examples: dict[str, list[str]], reason: str, file: str, line: int) -> None:
    places = examples.setdefault(reason, [])
    if len(places) < EXAMPLES:
        places.append(f"{file}:{line}")


def open_listing(path: Path) -> TextIO:
    """Open the list of damaged rows for writing, with its header."""
    handle = path.open("w", encoding="utf-8", newline="\n", errors="replace")
    handle.write("table\tfile\tline\treason\n")
    return handle
