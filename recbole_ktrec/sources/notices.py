"""What a finished conversion warns of: ids that match nothing, another encoding, much that was damaged."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from recbole_ktrec.atomic import unescape
from recbole_ktrec.sources.ledger import DAYS, Ledger
from recbole_ktrec.sources.records import JOINED
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.tables import ITEM, PART_NAMES, RATING, USER
from recbole_ktrec.sources.values import hashes, whole_number

EXAMPLES = 3
#: Statistics that are left out where they are 0.
UNDESCRIBED, UNTAKEN = "interactions_with_items_not_in_the_item_file", "described_items_without_interactions"
NO_RATING = ("rating is not a number", "missing rating")
#: How the ledger calls such cells, after the name of their column.
NO_NUMBER = " that is no number, left empty"
NO_CODE = " that is a code, written as a number"
ROUNDED = " that lost digits"
#: How it calls what cannot be.
BEFORE, AFTER, OFF_SCALE = "date before the platform existed", "date in the future", "rating off the scale of"
#: Rows damaged from which on the accounts alone are not loud enough.
SHARE = 0.1


def unmatched_ids(
    kind: str,
    codes: np.ndarray,
    known: np.ndarray,
    inter: tuple[Path, int],
    described: tuple[Path, int],
    ids: tuple[np.ndarray, np.ndarray] | None,
) -> Iterator[str]:
    """Warn of users or items with interactions that their file does not hold.

    Args:
        kind: ``item`` or ``user``.
        codes: for each interaction that was written, the code of its item (user).
        known: for each code, whether the file holds it.
        inter, described: the files as written, each with the place of the id's column.
        ids: the hashes of the ids in both, where the source is a table; None for others.
    """
    taken = np.unique(codes)
    count = int((~known[taken]).sum())
    if not count:
        return
    rows = np.flatnonzero(~known[codes])
    first = np.sort(rows[np.unique(codes[rows], return_index=True)[1]])[:EXAMPLES]
    here, there = list(_cells(*inter, first.tolist())), list(_cells(*described, range(EXAMPLES)))
    remedy = "" if ids is None else _as_whole("inter", kind, here, ids[1]) or _as_whole(kind, kind, there, ids[0])
    if count == len(taken):
        beside = f" beside {_listed(there)} there" if there else ""
        yield (
            f"none of the {count:,} {kind}s with interactions is in the {kind} file, such as {_listed(here)}{beside}: "
            f"ids match where they are spelt alike, letter case and zeros included{remedy}"
        )
    else:
        told = f"{count:,} of the {len(taken):,} {kind}s with interactions {'is' if count == 1 else 'are'} not in the"
        yield f"{told} {kind} file: {_listed(here)}{remedy}"


def _as_whole(table: str, kind: str, cells: Iterable[str], others: np.ndarray) -> str:
    """Return how the ids of ``table`` are read as whole numbers, where some of ``cells`` then are in the other file."""
    for cell in cells:
        whole = str(whole_number(cell))
        if whole != cell and np.isin(hashes([whole]), others).any():
            name = f"{PART_NAMES[table]}.{ITEM if kind == 'item' else USER}"
            return f": --column {name}=NAME:whole reads {cell} as {whole}"
    return ""


def _cells(path: Path, at: int, rows: Iterable[int]) -> Iterator[str]:
    """Yield a cell of some rows (ascending) of an atomic file, as far as it has them."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        place = -1  # of the header
        for row in rows:
            for line in itertools.islice(lines, row - place, row - place + 1):
                yield unescape(line.rstrip("\n").split("\t")[at])
            place = row + 1


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"[{name}]" for name in names)


def unloaded(statistics: Mapping[str, float]) -> Iterator[str]:
    """Say which items RecBole does not load, and which interactions it leaves out once it loads the others."""
    if count := statistics.get(UNTAKEN):
        yield f"Items of the item file that nobody took: {count:,}. RecBole does not load them unless load_col"
        yield "has item: [item_id]; `ktrec recommend --new-items` lists them with KTRec and KTEASE all the same."
    if count := statistics.get(UNDESCRIBED):
        yield f"Interactions with items that the item file lacks: {count:,}."
        yield "With load_col: {item: [item_id]} RecBole leaves them out."


def undecoded(ledger: Ledger, stated: bool) -> Iterator[str]:
    """Warn of rows that are in another encoding; ``stated``: the source is a table, whose encoding can be said."""
    for encoding, rows in ledger.undecoded.items():
        part = PART_NAMES[ledger.kind]
        remedy = f": say how it is written, {written(ledger.kind)}" if stated else ""
        yield f"{rows:,} of {ledger.rows_in:,} rows of the {part} were left out, since they are not {encoding}{remedy}"


def written(kind: str) -> str:
    """Return the option that says in which encoding a file is written."""
    return f"such as --encoding {PART_NAMES[kind]}=cp1252"


def damage(ledger: Ledger) -> Iterator[str]:
    """Warn where a large share of a table was damaged, but for what :func:`undecoded` tells."""
    told = {f"not {encoding}" for encoding in ledger.undecoded}
    reasons = {reason: rows for reason, rows in ledger.dropped.most_common() if reason in ledger.examples.keys() - told}
    rows = sum(reasons.values())
    if rows and rows >= SHARE * ledger.rows_in:
        shown = "; ".join(f"{count:,} x {reason} ({ledger.examples[reason][0]})" for reason, count in reasons.items())
        text = f"{rows:,} of {ledger.rows_in:,} rows of the {PART_NAMES[ledger.kind]} were left out as damaged: {shown}"
        yield f"{text}{without_ratings(reasons)}{as_dates(ledger)}"


def implausible(ledgers: Iterable[Ledger], rules: Rules) -> str:
    """Return how damaged rows are kept whose dates or ratings cannot be; a scale that was asked for holds."""
    kept = (BEFORE, AFTER, *[OFF_SCALE] * (rules.scale is None))
    rows = sum(count for each in ledgers for reason, count in each.dropped.items() if reason.startswith(kept))
    return f"; --no-plausible keeps those whose date or rating is thought impossible ({rows:,})" if rows else ""


def empty(ledger: Ledger, columns: Sequence[str]) -> Iterator[str]:
    """Warn of columns that hold no value in any row: what they are read from may be spelt otherwise."""
    if ledger.rows_out and columns:
        absent = "; ".join(ledger.absent[name] for name in columns if name in ledger.absent)
        told = (
            f"no row of the {PART_NAMES[ledger.kind]} has a value for {_listed(columns)}: see what they are read from"
        )
        yield f"{told} ({absent})" if absent else told


def sheets(ledger: Ledger) -> Iterator[str]:
    """Warn of sheets left out that have some of the columns: the others may be spelt otherwise there."""
    part = PART_NAMES[ledger.kind]
    yield from (f"{part}: {reason}" for reason in ledger.changed if ", which has only " in reason)


def early(ledger: Ledger) -> Iterator[str]:
    """Warn where some times, not all, are before 1973: 0 stands for unknown there, or units are mixed."""
    if 0 < ledger.early < ledger.rows_out:
        yield (
            f"{ledger.early:,} of the {ledger.rows_out:,} times of the {PART_NAMES[ledger.kind]} are before March "
            "1973: 0 may stand for unknown, or they are in two units (--since 1990-01-01 leaves these rows out)"
        )


def days(ledger: Ledger) -> Iterator[str]:
    """Warn where all times are what a workbook counts days by: they are read as seconds."""
    if 0 < ledger.rows_out <= ledger.early == ledger.days:
        yield (
            f"all times of the {PART_NAMES[ledger.kind]} are numbers from {DAYS[0]:,.0f} to {DAYS[1]:,.0f}, as a "
            "workbook numbers days (45,000 is 2023-03-15), and are taken for seconds since 1970, all of one day: if "
            "they are days, format that column as dates in the workbook"
        )


def joined(ledger: Ledger) -> Iterator[str]:
    """Warn of records over several lines that could each be a record, of which the first would have opened a quote."""
    if count := ledger.changed[JOINED]:
        yield (
            f"{JOINED}: {count:,} in the {PART_NAMES[ledger.kind]} (first: {ledger.noted[JOINED][0]}). If rows are "
            "missing, a quote opens there that is part of the text: a mapping file says quoted: false, or put such "
            "cells into quotes and double those in them"
        )


def _changed(ledger: Ledger, how: str) -> Iterator[tuple[str, str, str]]:
    """Yield (column, so many cells of it, what keeps them as written) of what the ledger calls ``how``."""
    part = PART_NAMES[ledger.kind]
    for reason, cells in ledger.changed.items():
        name, end, _ = reason.partition(how)
        if end:
            remedy = f"--column {part}.{name}=NAME:token keeps all of it as it is written"
            yield name, f"{cells:,} cells of the column [{name}] of the {part}", remedy


def no_numbers(ledger: Ledger) -> Iterator[str]:
    """Warn of columns that were taken for numbers and hold others, too: these cells are empty now."""
    for name, cells, remedy in _changed(ledger, NO_NUMBER):
        if name != RATING or ledger.kind != "inter":  # without ratings, as was asked for
            also = f"NAME:comma reads 16,99 €{as_dates(ledger, name)}"
            yield f"{cells} are no numbers and were left empty: {remedy}, {also}"


def codes(ledger: Ledger) -> Iterator[str]:
    """Warn of columns that were taken for numbers and hold codes, too: 02198 is 2198 now."""
    for _, cells, remedy in _changed(ledger, NO_CODE):
        yield f"{cells} are codes such as 007 and were written as numbers: {remedy}"


def rounded(ledger: Ledger) -> Iterator[str]:
    """Warn of ids that a workbook or pandas wrote with fewer digits than they have: different ones may be one now."""
    for change, cells in ledger.changed.items():
        name, end, _ = change.partition(ROUNDED)
        if end:
            yield (
                f"{cells:,} cells of [{name}] of the {PART_NAMES[ledger.kind]} are numbers that lost their last digits "
                f"(first: {ledger.noted[change][0]}), as a workbook writes 4006381333931 as 4.00638E+12 and pandas "
                "long ids beside missing ones: different ones may be one now. Write that file anew, with ids as text"
            )


def without_ratings(reasons: Iterable[str]) -> str:
    """Return what can be done where rows fall for their ratings, else an empty string."""
    if not any(reason.startswith(NO_RATING) for reason in reasons):
        return ""
    return ". --column rating=NAME:comma reads 4,5; --implicit leaves ratings out and keeps such rows"


def as_dates(ledger: Ledger, only: str = "") -> str:
    """Return how columns that were read as numbers (``only``: one of them) are read as the ISO dates they hold."""
    where = f"in the mapping of the {PART_NAMES[ledger.kind]}"
    return "".join(
        f". [{cell}] is an ISO date: if all are, write {name}: {{from: {origin}, date: iso}} {where}"
        for name, (origin, cell) in ledger.dates.items()
        if name == (only or name)
    )
