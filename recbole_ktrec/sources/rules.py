"""The rules that drop interactions: row by row (scale, dates, threshold) and over all rows (duplicates, k-core)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources.values import DAY


@dataclass(frozen=True)
class Rules:
    """What to clean and drop; every rule reports how many rows or cells it took.

    Attributes:
        clean: text rules to apply (:data:`recbole_ktrec.sources.cleaning.RULES`).
        boilerplate: regular expressions to cut out of texts.
        plausible: drop ratings off the source's scale and dates before its platform existed.
        scale: lowest and highest rating, in the place of the source's.
        since, until: Unix times; events before and after are dropped.
        threshold: drop ratings below.
        implicit: leave the rating column out (and keep rows without a rating).
        duplicates: ``exact`` drops rows equal in all columns; ``first`` and ``last`` keep one row for each user and
            item, by time; ``keep`` keeps all.
        max_per_day: drop users who have more events on one day (UTC).
        user_core, item_core: drop users with fewer different items and items with fewer users, until none is left.
        items: ``all``, or only the ``interacted`` ones in the item file (users likewise).
        require_text: drop interactions with items that have no text.
    """

    clean: tuple[str, ...] = ("entities", "tags", "control", "unicode", "space")
    boilerplate: tuple[str, ...] = ()
    plausible: bool = True
    scale: tuple[float, float] | None = None
    since: float | None = None
    until: float | None = None
    threshold: float | None = None
    implicit: bool = False
    duplicates: Literal["keep", "exact", "first", "last"] = "exact"
    max_per_day: int | None = None
    user_core: int = 0
    item_core: int = 0
    items: Literal["all", "interacted"] = "all"
    require_text: bool = False

    def __post_init__(self) -> None:
        if self.duplicates not in ("keep", "exact", "first", "last"):
            raise ConfigError(f"[duplicates] = [{self.duplicates}] is none of keep, exact, first, last.")
        if self.items not in ("all", "interacted"):
            raise ConfigError(f"[items] = [{self.items}] is neither all nor interacted.")
        if self.scale and self.scale[0] > self.scale[1]:
            raise ConfigError(f"[scale] = {list(self.scale)}: the lowest rating comes first.")
        if min(self.user_core, self.item_core) < 0 or (self.max_per_day is not None and self.max_per_day < 1):
            raise ConfigError("[user_core], [item_core] and [max_per_day] count interactions: no negative numbers.")


@dataclass
class Interactions:
    """All interactions as numbers: a few arrays of one entry a row, in the order of the input.

    Attributes:
        users, items: codes, int32.
        times: Unix times, float64, or None.
        hashes: a 64-bit hash of the whole row as written.
        keep: whether the row is still in.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray | None
    hashes: np.ndarray
    keep: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.keep = np.ones(len(self.users), dtype=bool)


def apply(rows: Interactions, rules: Rules, with_text: np.ndarray | None) -> Iterator[tuple[str, int]]:
    """Take rows out of ``rows.keep`` by rule; yield (reason, rows taken).

    Args:
        with_text: for each item code, whether the item has text (for ``require_text``).
    """
    if rules.duplicates == "exact":
        yield "exact duplicate", drop_equal(rows)
    elif rules.duplicates != "keep":
        yield f"same user and item (the {rules.duplicates} stays)", drop_repeated(rows, rules.duplicates == "last")
    if rules.require_text and with_text is not None:
        yield "item without text", _drop(rows, ~with_text[rows.items])
    if rules.max_per_day is not None and rows.times is not None:
        reason = f"user with more than {rules.max_per_day} events on a day"
        yield reason, _drop(rows, busy_users(rows, rules.max_per_day)[rows.users])
    if rules.user_core > 1 or rules.item_core > 1:
        yield f"outside the {rules.user_core}/{rules.item_core}-core", core(rows, rules.user_core, rules.item_core)


def drop_equal(rows: Interactions) -> int:
    """Drop every row that repeats an earlier one in all its cells (same user, item and hash)."""
    ordered = np.sort(rows.hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(repeated):
        return 0
    places = np.searchsorted(repeated, rows.hashes).clip(max=len(repeated) - 1)
    few = np.flatnonzero(repeated[places] == rows.hashes)
    few = few[np.lexsort((few, rows.hashes[few], rows.items[few], rows.users[few]))]
    users, items, hashes = rows.users[few], rows.items[few], rows.hashes[few]
    equal = (users[1:] == users[:-1]) & (items[1:] == items[:-1]) & (hashes[1:] == hashes[:-1])
    return _drop_at(rows, few[1:][equal])


def drop_repeated(rows: Interactions, last: bool) -> int:
    """Keep one row for each user and item: the first or last by time (by place where there is no time)."""
    keys = (rows.items, rows.users) if rows.times is None else (rows.times, rows.items, rows.users)
    order = np.lexsort(keys)
    users, items = rows.users[order], rows.items[order]
    same = (users[1:] == users[:-1]) & (items[1:] == items[:-1])
    return _drop_at(rows, order[:-1][same] if last else order[1:][same])


def distinct_pairs(rows: Interactions) -> int:
    """Return how many different pairs of user and item are kept."""
    return int(_first_of_pairs(rows).sum())


def _first_of_pairs(rows: Interactions) -> np.ndarray:
    """Return which kept rows are the first of their user and item."""
    kept = np.flatnonzero(rows.keep)
    pairs = rows.users[kept].astype(np.int64) * (int(rows.items.max(initial=0)) + 1) + rows.items[kept]
    first = np.zeros(len(rows.keep), dtype=bool)
    first[kept[np.unique(pairs, return_index=True)[1]]] = True
    return first


def busy_users(rows: Interactions, limit: int) -> np.ndarray:
    """Return for each user code whether the user has more than ``limit`` events on one day (UTC)."""
    assert rows.times is not None
    users, days = rows.users[rows.keep], np.floor(rows.times[rows.keep] / DAY)
    busy = np.zeros(int(rows.users.max(initial=-1)) + 1, dtype=bool)
    order = np.lexsort((days, users))
    users, days = users[order], days[order]
    starts = np.flatnonzero(np.concatenate([[True], (users[1:] != users[:-1]) | (days[1:] != days[:-1])]))
    counts = np.diff(np.append(starts, len(users))) if len(users) else np.zeros(0)
    busy[users[starts[counts > limit]] if len(users) else []] = True
    return busy


def core(rows: Interactions, user_core: int, item_core: int) -> int:
    """Drop users and items with too few interactions until all that are left have enough (the k-core).

    A user and an item count once however often they meet: who reads the result may keep the first of them alone.
    """
    before, once = int(rows.keep.sum()), _first_of_pairs(rows)
    while True:
        counted = rows.keep & once
        few_users = np.bincount(rows.users[counted], minlength=rows.users.max(initial=-1) + 1) < user_core
        taken = _drop(rows, few_users[rows.users])
        counted = rows.keep & once
        few_items = np.bincount(rows.items[counted], minlength=rows.items.max(initial=-1) + 1) < item_core
        if not taken + _drop(rows, few_items[rows.items]):
            return before - int(rows.keep.sum())


def _drop(rows: Interactions, gone: np.ndarray) -> int:
    taken = int(np.count_nonzero(rows.keep & gone))
    rows.keep &= ~gone
    return taken


def _drop_at(rows: Interactions, places: np.ndarray) -> int:
    rows.keep[places] = False
    return len(places)
