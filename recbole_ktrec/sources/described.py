"""What a feature file says: which ids it describes, for the first time or again, and with how many words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np


class Described:
    """The rows of one feature file, one entry a row.

    Attributes:
        hashes: 64-bit hashes of the ids.
        counts: words of text, parted by blanks.
        first: whether the id comes for the first time.
        keep: whether the row stays.
    """

    def __init__(self) -> None:
        self.hashes = np.empty(0, np.int64)
        self.counts = np.empty(0, np.int32)
        self.first = self.keep = np.empty(0, bool)
        self._ids, self._words = self.hashes, self.counts
        self._parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])

    def add(self, ids: np.ndarray, texts: Sequence[Sequence[str]]) -> None:
        """Take in some rows: the hashes of their ids, and their text columns."""
        counts = np.zeros(len(ids), dtype=np.int32)
        for column in texts:
            counts += np.fromiter(map(str.count, column, repeat(" ")), np.int32, len(ids))
            counts += np.fromiter(map(bool, column), bool, len(ids))
        self._parts[0].append(ids)
        self._parts[1].append(counts)

    def close(self) -> None:
        """Say that all rows are in."""
        self.hashes, self.counts = joined(self._parts[0], np.int64), joined(self._parts[1], np.int32)
        self._parts = ([], [])
        self.first = np.zeros(len(self.hashes), dtype=bool)
        self._ids, places = np.unique(self.hashes, return_index=True)
        self.first[places] = True
        self._words = self.counts[places]
        self.keep = self.first

    def words(self, ids: np.ndarray) -> np.ndarray:
        """Return for each hash the number of words of its text, 0 for one that is not described."""
        found = np.zeros(len(ids), dtype=np.int32)
        if len(self._ids):
            places = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
            same = self._ids[places] == ids
            found[same] = self._words[places[same]]
        return found


def joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    """Return arrays as one (an empty one of ``kind`` for none)."""
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)
