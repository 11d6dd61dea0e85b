"""From raw values to the cells of a row: parsed, checked against the source's limits, cleaned; damage reported."""

from __future__ import annotations

import itertools
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ktrec.sources.cleaning import Cleaner
from recbole_ktrec.sources.ledger import DAYS, EARLY, Ledger
from recbole_ktrec.sources.notices import AFTER, BEFORE, NO_CODE, NO_NUMBER, OFF_SCALE, ROUNDED
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER, Batch, Column, Source, Table
from recbole_ktrec.sources.values import (
    date,
    flat,
    float_list,
    hashes,
    ids,
    is_code,
    numbers,
    rounded,
    whole_number,
    written,
)

#: Cells that are no numbers of which it is seen whether they are dates.
FIRST = 5
#: How codes begin.
_ZEROS = frozenset(f"0{digit}" for digit in range(10))
STATED_BEFORE, STATED_AFTER = "date before --since", "date after --until"


@dataclass
class Cells:
    """The sound rows of a batch.

    Attributes:
        written: for each column of the table, the cells as text.
        arrays: the hashes of users and items (int64), ratings and times (float64).
        file, lines: where the rows come from.
    """

    written: list[Sequence[str]]
    arrays: dict[str, np.ndarray]
    file: str
    lines: Sequence[int]


def columns_of(table: Table, ledger: Ledger, rules: Rules, source: Source) -> Iterator[Cells]:
    """Yield the sound rows of ``table`` batch by batch; the others go to ``ledger``."""
    cleaner = Cleaner(rules.clean, rules.boilerplate, source.page_code, ledger.changed)
    for batch in table.read(ledger):
        work = _Batch(batch, ledger, rules, cleaner)
        for column, values in zip(table.columns, batch.columns, strict=True):
            work.column(column, values)
        if table.kind == "inter":
            work.limits(source)
        yield work.sound()


class _Batch:
    def __init__(self, batch: Batch, ledger: Ledger, rules: Rules, cleaner: Cleaner) -> None:
        self._batch, self._ledger = batch, ledger
        self._rules, self._cleaner = rules, cleaner
        self._written: list[Sequence[str]] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._damage: dict[int, str] = {}  # row -> the first thing that is wrong with it
        self._ruled: dict[str, np.ndarray] = {}

    def column(self, column: Column, values: Sequence[object]) -> None:
        if column.name in (USER, ITEM) and column.required:
            self._ids(column, values)
        elif column.type == "float":
            self._floats(column, values)
        elif column.type == "float_seq":
            self._float_lists(column, values)
        else:
            self._texts(column, values)

    def _ids(self, column: Column, values: Sequence[object]) -> None:
        values = self._parse(column, values)
        names, wrong = ids(values)
        for row, reason in wrong.items():
            self._damage.setdefault(row, reason.format(column.name))
        for row in rounded(values, names):
            self._ledger.note(f"{column.name}{ROUNDED}", self._batch.file, self._batch.lines[row])
        self._arrays[column.name] = hashes(names)
        self._written.append(names)

    def _parse(self, column: Column, values: Sequence[object]) -> Sequence[object]:
        """Return the values as the column reads them; ids that are written anew so are counted."""
        if column.parse is None:
            return values
        found = _parsed(column.parse, values)
        if column.parse is whole_number and (anew := sum(map(operator.is_not, values, found))):
            self._ledger.changed[f"{column.name} written as 7.0 and read as 7"] += anew
        return found

    def _floats(self, column: Column, values: Sequence[object]) -> None:
        found, wrong = numbers(values, column.parse)
        self._dates(column, list(itertools.islice(wrong.values(), FIRST)))
        optional = not column.required or (column.name == RATING and self._rules.implicit)
        if wrong and optional:
            self._ledger.changed[f"{column.name}{NO_NUMBER}"] += len(wrong)
        for row in wrong if not optional else ():
            kind = "date" if column.name == TIME and column.parse else "number"
            self._damage.setdefault(row, f"{column.name} is not a {kind}")
        if not optional:
            for row in np.flatnonzero(np.isnan(found)).tolist():
                self._damage.setdefault(row, f"missing {column.name}")
        if column.divide != 1.0:
            found = found / column.divide
        if column.name == RATING and column.unrated is not None:
            self._unrated(found, column.unrated)
        if column.name in (RATING, TIME):
            self._arrays[column.name] = found
        elif column.parse is None:
            self._codes(column, [values[row] for row in np.flatnonzero(found == np.floor(found)).tolist()])
        self._written.append(written(found))

    def _dates(self, column: Column, wrong: Sequence[object]) -> None:
        """Note a column of a mapping that is read as numbers where the first that are none are ISO dates."""
        of_numbers = column.origin and column.parse is None and column.name != RATING
        if wrong and of_numbers and not numbers(wrong, date())[1]:
            self._ledger.dates.setdefault(column.name, (column.origin, flat(wrong[0])))

    def _codes(self, column: Column, values: Sequence[object]) -> None:
        """Count what is a code and no number: a column is taken for numbers by its first rows."""
        likely = [each for each in values if type(each) is str and (each[:2] in _ZEROS or len(each) > 15)]
        if codes := sum(map(is_code, likely)):
            self._ledger.changed[f"{column.name}{NO_CODE}"] += codes

    def _unrated(self, found: np.ndarray, mark: float) -> None:
        rows = found == mark
        if self._rules.implicit:  # a row counts without a rating, unless a threshold asks for one
            found[rows] = np.nan
        else:
            self._ruled[f"not rated ({mark:g})"] = rows

    def _float_lists(self, column: Column, values: Sequence[object]) -> None:
        found = [float_list(value) for value in (values if column.parse is None else _parsed(column.parse, values))]
        if wrong := sum(cell is None for cell in found):
            self._ledger.changed[f"{column.name}{NO_NUMBER}"] += wrong
        self._written.append([cell or "" for cell in found])

    def _texts(self, column: Column, values: Sequence[object]) -> None:
        join, values = column.join, self._parse(column, values)
        texts = [value if type(value) is str else flat(value, join) for value in values]
        clean = self._cleaner.column(texts)
        for row in (row for row, cell in enumerate(clean) if not cell) if column.required else ():
            self._damage.setdefault(row, f"missing {column.name}")
        self._written.append(clean)

    def limits(self, source: Source) -> None:
        """Check ratings and times against the scale and the life of the platform, then the threshold."""
        rules, plausible = self._rules, self._rules.plausible
        scale = rules.scale or (source.scale if plausible else None)
        rating, times = self._arrays.get(RATING), self._arrays.get(TIME)
        unrated: Any = next((rows for name, rows in self._ruled.items() if name.startswith("not rated")), False)
        if rating is not None and scale is not None:
            reason = f"{OFF_SCALE} {scale[0]:g} to {scale[1]:g}"
            self._implausible(((rating < scale[0]) | (rating > scale[1])) & ~np.asarray(unrated), reason)
        if times is not None:
            self._periods(times, source.since if plausible else None, _tomorrow() if plausible else None)
        if rating is not None and rules.threshold is not None:
            self._ruled[f"rating below {rules.threshold:g}"] = ~(rating >= rules.threshold)

    def _periods(self, times: np.ndarray, since: float | None, until: float | None) -> None:
        """Hold times against what the user asked for, a rule, or else against what can be, whose breach is damage."""
        if self._rules.since is not None:
            self._ruled[STATED_BEFORE] = times < self._rules.since
        elif since is not None:
            self._implausible(times < since, BEFORE)
        else:
            self._ledger.early += int((times < EARLY).sum())
            self._ledger.days += int(((times >= DAYS[0]) & (times < DAYS[1])).sum())
        if self._rules.until is not None:
            self._ruled[STATED_AFTER] = times > self._rules.until
        elif until is not None:
            self._implausible(times > until, AFTER)

    def _implausible(self, rows: np.ndarray, reason: str) -> None:
        for row in np.flatnonzero(rows).tolist():
            self._damage.setdefault(row, reason)

    def sound(self) -> Cells:
        """Report what is damaged, count what a rule takes, and return the rest."""
        keep = np.ones(len(self._batch), dtype=bool)
        for row, reason in sorted(self._damage.items()):
            self._ledger.reject(reason, self._batch.file, self._batch.lines[row])
            keep[row] = False
        for reason, rows in self._ruled.items():
            self._ledger.rule(reason, int((rows & keep).sum()))
            keep &= ~rows
        if keep.all():
            return Cells(self._written, self._arrays, self._batch.file, self._batch.lines)
        chosen: list[Sequence[str]] = [list(itertools.compress(cells, keep)) for cells in self._written]
        arrays = {name: array[keep] for name, array in self._arrays.items()}
        return Cells(chosen, arrays, self._batch.file, list(itertools.compress(self._batch.lines, keep)))


def _parsed(parse: Callable[[object], object], values: Sequence[object]) -> list[object]:
    """Apply ``parse`` where there is a value; what it refuses becomes missing."""
    found: list[object] = []
    for value in values:
        try:
            found.append(None if value is None else parse(value))
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
            found.append(None)
    return found


def _tomorrow() -> float:
    return time.time() + 86_400.0
