"""What a feature file says: which ids it describes, for the first time or again, and with how much text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recbole_ktrec.sources.values import READ_AS_MISSING, hashes


class Described:
    """The rows of one feature file, one entry a row.

    Attributes:
        texts: how many columns are text.
        compared: whether what the rows of one id say is compared (not where they are the interactions).
        hashes: 64-bit hashes of the ids.
        counts: characters of text (words cannot be counted where blanks do not part them); "nan", which the models read
            as missing, has none.
        first: whether it is the row of its id that may stay: the first with text, the first of all where none has any.
        early: whether that row comes later.
        differs: whether that row came before with another text (other values, in a file without texts).
        keep: whether the row stays.
    """

    def __init__(self, texts: int) -> None:
        self.texts, self.compared = texts, True
        self.hashes = np.empty(0, np.int64)
        self.counts = np.empty(0, np.int32)
        self.first = self.keep = self.early = self.differs = np.empty(0, bool)
        self._ids, self._characters = self.hashes, self.counts
        self._parts: tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]] = ([], [], [])

    def add(self, ids: np.ndarray, texts: Sequence[Sequence[str]], rows: Sequence[str]) -> None:
        """Take in some rows: the hashes of their ids, their text columns, and the rows as written."""
        counts = np.zeros(len(ids), dtype=np.int32)
        for column in texts:
            counts += np.fromiter((0 if cell in READ_AS_MISSING else len(cell) for cell in column), np.int32, len(ids))
        values = list(map("\t".join, zip(*texts, strict=True))) if texts else rows
        for part, array in zip(self._parts, (ids, counts, hashes(values)), strict=True):
            part.append(array)

    def close(self) -> None:
        """Say that all rows are in."""
        self.hashes, self.counts = joined(self._parts[0], np.int64), joined(self._parts[1], np.int32)
        values = joined(self._parts[2], np.int64)
        if not self.compared:
            values = np.zeros_like(values)
        self._parts = ([], [], [])
        self.first = np.zeros(len(self.hashes), dtype=bool)
        self._ids, places, codes = np.unique(self.hashes, return_index=True, return_inverse=True)
        if self.texts:
            told = np.flatnonzero(self.counts)
            ids, first = np.unique(self.hashes[told], return_index=True)
            places[np.searchsorted(self._ids, ids)] = told[first]
        self.first[places] = True
        self.early = np.arange(len(codes)) < places[codes]
        self.differs = (values != values[places][codes]) & ~self.early
        self._characters = self.counts[places]
        self.keep = self.first

    def knows(self, ids: np.ndarray) -> np.ndarray:
        """Return for each hash whether it is described."""
        return np.isin(ids, self._ids)

    def characters(self, ids: np.ndarray) -> np.ndarray:
        """Return for each hash the number of characters of its text, 0 for one that is not described."""
        found = np.zeros(len(ids), dtype=np.int32)
        if len(self._ids):
            places = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
            same = self._ids[places] == ids
            found[same] = self._characters[places[same]]
        return found


def joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    """Return arrays as one (an empty one of ``kind`` for none)."""
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)
