"""The work of one conversion: tables in, accounts kept, rules applied, atomic files out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from recbole_ktrec.atomic import Field
from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import notices
from recbole_ktrec.sources import rules as dropping
from recbole_ktrec.sources.cells import Cells, columns_of
from recbole_ktrec.sources.described import Described, joined
from recbole_ktrec.sources.ledger import Ledger, open_listing
from recbole_ktrec.sources.rules import Interactions, Rules
from recbole_ktrec.sources.spool import Spool
from recbole_ktrec.sources.tables import ITEM, PART_NAMES, RATING, TIME, USER, Column, Source, Table
from recbole_ktrec.sources.values import hashes

#: Rows that name a user and an item which an earlier row names, too: a statistic, left out where there are none.
REPEATS = "rows_that_repeat_a_user_and_item"
#: What a repeated id says, as in its first row or not, in a file without texts and in one with them.
SAID = (("the same values", "other values"), ("the same text", "another text"))


class Conversion:
    """The state of one run: a ledger and a spool for each table, and what is known of users and items.

    Ids are kept as 64-bit hashes: twelve bytes less a row than any string, and no dictionary to look them up in.
    """

    def __init__(self, source: Source, rules: Rules, staging: Path, name: str, strict: bool) -> None:
        self.source, self.rules = source, rules
        self._staging, self._name, self._strict = staging, name, strict
        self._listing = open_listing(staging / "damaged.tsv")
        self._spools: dict[str, Spool] = {}
        self._ids: dict[str, np.ndarray] = {}  # user_id, item_id -> hashes; a code is a place in it
        self._described: dict[str, Described] = {}
        self._places: dict[str, list[tuple[str, np.ndarray]]] = {}  # file and lines of the rows described
        self._empty: dict[str, list[str]] = {}  # kind -> columns without a value so far
        self._rows: Interactions | None = None
        self._files: set[str] = set()  # of the interactions
        self.ledgers: list[Ledger] = []
        self.fields: dict[str, list[Field]] = {}

    def close(self) -> None:
        """Let go of the files that are open."""
        self._listing.close()
        for spool in self._spools.values():
            spool.close()

    def run(self, tables: Sequence[Table]) -> None:
        """Read, clean and write the ``tables``, interactions first.

        Raises:
            DataError: a file cannot be used, or no interaction is left.
        """
        for table in tables:
            ledger = Ledger(table.kind, self._strict, self._listing)
            self.ledgers.append(ledger)
            fields = [Field(column.name, column.type) for column in self._shown(table)]
            self.fields[table.kind] = fields
            self._empty[table.kind] = [field.name for field in fields]
            self._spools[table.kind] = Spool(self._staging / f"{table.kind}.spool", fields)
            if table.kind == "inter":
                self._interactions(table, ledger)
            else:
                self._describe(table, ledger)
        self._drop()
        self._finish()

    def _shown(self, table: Table) -> list[Column]:
        hidden = (RATING,) if self.rules.implicit and table.kind == "inter" else ()
        return [column for column in table.columns if column.name not in hidden]

    def _interactions(self, table: Table, ledger: Ledger) -> None:
        parts: dict[str, list[np.ndarray]] = {USER: [], ITEM: [], TIME: [], "line": []}
        shown = [table.columns.index(column) for column in self._shown(table)]
        for cells in columns_of(table, ledger, self.rules, self.source):
            lines = self._spools["inter"].add([cells.written[i] for i in shown])
            parts["line"].append(hashes(lines))
            self._files.add(cells.file)
            self._note(table, cells)
            for key in (USER, ITEM, TIME):
                if key in cells.arrays:
                    parts[key].append(cells.arrays[key])
        times = joined(parts.pop(TIME), np.float64) if parts[TIME] else None
        users, items = self._coded(USER, parts.pop(USER)), self._coded(ITEM, parts.pop(ITEM))
        self._rows = Interactions(users, items, times, joined(parts.pop("line"), np.int64))

    def _coded(self, key: str, parts: list[np.ndarray]) -> np.ndarray:
        found = joined(parts, np.int64)
        parts.clear()
        codes, self._ids[key] = pd.factorize(found)
        return codes.astype(np.int32)

    def _describe(self, table: Table, ledger: Ledger) -> None:
        key = ITEM if table.kind == "item" else USER
        texts = [i for i, column in enumerate(table.columns) if column.name in self.source.text_fields]
        described = self._described[table.kind] = Described(len(texts))
        places: list[tuple[str, np.ndarray]] = []
        for cells in columns_of(table, ledger, self.rules, self.source):
            rows = self._spools[table.kind].add(cells.written)
            described.add(cells.arrays[key], [cells.written[i] for i in texts], rows)
            places.append((cells.file, np.asarray(cells.lines, np.int64)))
            described.compared &= cells.file not in self._files
            self._note(table, cells)
        described.close()
        self._places[table.kind] = places

    def _note(self, table: Table, cells: Cells) -> None:
        """Take the columns in which there is a value from those that are empty."""
        if empty := self._empty[table.kind]:
            filled = {
                c.name for c, each in zip(table.columns, cells.written, strict=True) if c.name in empty and any(each)
            }
            self._empty[table.kind] = [name for name in empty if name not in filled]

    def _drop(self) -> None:
        rows, ledger = self._rows, self.ledgers[0]
        assert rows is not None
        with_text = None
        if "item" in self._described:
            with_text = self._described["item"].characters(self._ids[ITEM]) > 0
        elif self.rules.require_text:
            raise DataError("No item file was found, so no item has text: leave [require_text] out.")
        for reason, taken in dropping.apply(rows, self.rules, with_text):
            ledger.rule(reason, taken)
        rows.hashes = np.empty(0, np.int64)
        if not rows.keep.any():
            hint = notices.without_ratings(ledger.dropped) + notices.as_dates(ledger)
            hint += notices.implausible([ledger], self.rules)
            raise DataError(f"No interaction is left of {_reasons(ledger)}{hint}.")

    def _finish(self) -> None:
        assert self._rows is not None
        for ledger in self.ledgers:
            keep = self._rows.keep if ledger.kind == "inter" else self._kept(ledger)
            ledger.rows_out = int(keep.sum())
            ledger.check()
            if not ledger.rows_out:
                raise DataError(f"No row of the {PART_NAMES[ledger.kind]} is left of {_reasons(ledger)}.")
            self._spools[ledger.kind].finish(self._staging / f"{self._name}.{ledger.kind}", keep)

    def _kept(self, ledger: Ledger) -> np.ndarray:
        """Return which rows of a feature file stay: one of each id, and only interacted ones if so wished."""
        described = self._described[ledger.kind]
        keep = described.first.copy()
        key = ITEM if ledger.kind == "item" else USER
        self._repeated(described, ledger, key)
        if self.rules.items == "interacted":
            seen = np.isin(described.hashes, self._ids[key][self._taken(key)])
            ledger.rule(f"{ledger.kind} without interactions", int((keep & ~seen).sum()))
            keep &= seen
        described.keep = keep
        return keep

    def _repeated(self, described: Described, ledger: Ledger, key: str) -> None:
        """Count the rows that go for another of their id; of those that say something else the first are named."""
        ledger.rule(f"{key} without text, which it has further down (that row stays)", int(described.early.sum()))
        stays = "(the first with text stays)" if described.early.any() else "(the first stays)"
        same = int((~described.first & ~described.early & ~described.differs).sum())
        places = self._places.pop(ledger.kind)
        if not described.compared:
            ledger.rule(f"{key} seen before {stays}", same)
            return
        what, other = SAID[described.texts > 0]
        ledger.rule(f"{key} seen before with {what} {stays}", same)
        lines = (f"{file}:{line}" for file, lines in places for line in lines)
        differing = itertools.compress(lines, described.differs)
        ledger.rule(f"{key} seen before with {other} {stays}", int(described.differs.sum()), differing)

    def _taken(self, key: str) -> np.ndarray:
        """Return the codes of the users or items that have interactions left."""
        assert self._rows is not None
        return np.unique((self._rows.users if key == USER else self._rows.items)[self._rows.keep])

    def statistics(self) -> dict[str, float]:
        """Return users, items, interactions, density, repeats, and how much text the items have."""
        assert self._rows is not None
        users, taken, rows = len(self._taken(USER)), self._taken(ITEM), int(self._rows.keep.sum())
        found: dict[str, float] = {"users": users, "items": len(taken), "interactions": rows}
        found["density"] = rows / (users * len(taken))
        if repeats := rows - dropping.distinct_pairs(self._rows):
            found[REPEATS] = repeats
        return {**found, **self._of_items(taken)} if "item" in self._described else found

    def _of_items(self, taken: np.ndarray) -> dict[str, float]:
        """Return what the item file says of the items, of which ``taken`` (codes) have interactions."""
        assert self._rows is not None
        described, known = self._described["item"], self._described["item"].knows(self._ids[ITEM])
        lengths = described.counts[described.keep]
        told = described.characters(self._ids[ITEM][taken]) > 0
        some = {
            "items_not_in_the_item_file": int((~known[taken]).sum()),
            notices.UNDESCRIBED: int((~known[self._rows.items[self._rows.keep]]).sum()),
            notices.UNTAKEN: int((~np.isin(described.hashes[described.keep], self._ids[ITEM][taken])).sum()),
        }
        return {
            **{key: count for key, count in some.items() if count},
            "items_described": len(lengths),
            "items_with_text": int((lengths > 0).sum()),
            "share_of_items_with_interactions_that_have_text": float(told.mean()),
            "mean_characters_of_text": float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 0.0,
        }

    def warnings(self, stated: bool) -> list[str]:
        """Return what the user should not miss; ``stated``: the source is a table, whose mapping can be changed."""
        found = [text for ledger in self.ledgers for text in notices.undecoded(ledger, stated)]
        found += [text for ledger in self.ledgers for text in notices.damage(ledger)]
        found += [text for ledger in self.ledgers for text in notices.sheets(ledger)]
        found += [text for ledger in self.ledgers for text in notices.joined(ledger)]
        found += [text for ledger in self.ledgers for text in notices.rounded(ledger)]
        found += [text for ledger in self.ledgers for text in notices.early(ledger)]
        found += [text for ledger in self.ledgers for text in notices.days(ledger)]
        found += [text for ledger in self.ledgers for text in ledger.remarks]
        if stated:
            found += [text for ledger in self.ledgers for text in notices.empty(ledger, self._empty[ledger.kind])]
            found += [text for ledger in self.ledgers for text in notices.no_numbers(ledger)]
            found += [text for ledger in self.ledgers for text in notices.codes(ledger)]
        return found + [text for kind in self._described for text in self._unmatched(kind, stated)]

    def _unmatched(self, kind: str, stated: bool) -> Iterator[str]:
        assert self._rows is not None
        key = ITEM if kind == "item" else USER
        codes = (self._rows.items if kind == "item" else self._rows.users)[self._rows.keep]
        inter, described = (self._staging / f"{self._name}.{each}" for each in ("inter", kind))
        at, there = ([field.name for field in self.fields[each]].index(key) for each in ("inter", kind))
        known = self._described[kind].knows(self._ids[key])
        ids = (self._ids[key], self._described[kind].hashes) if stated else None
        yield from notices.unmatched_ids(kind, codes, known, (inter, at), (described, there), ids)


def _reasons(ledger: Ledger) -> str:
    """Return how many rows came in, and what took most of them."""
    reasons = "; ".join(f"{count:,} x {reason}" for reason, count in ledger.dropped.most_common(5))
    return f"{ledger.rows_in:,} ({reasons or 'the files hold none'})"
