"""Scores that are asked for again and again: made once, as far as memory allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Remembered:
    """The rows of scores that do not change.

    Args:
        make: users ``[m]`` -> their scores of all items, float32 ``[m, n_items]``.
        n_users, n_items: how many there are.
        most: bytes that the rows may take; those of other users are made each time.
    """

    def __init__(self, make: Callable[[np.ndarray], np.ndarray], n_users: int, n_items: int, most: int) -> None:
        self._make, self._used = make, 0
        self._place = np.full(n_users, -1, dtype=np.int64)
        self._rows = np.empty((min(n_users, most // (4 * n_items)), n_items), dtype=np.float32)  # touched as it fills

    def __call__(self, users: np.ndarray) -> np.ndarray:
        """Return the scores of ``users`` ``[m]``, a copy of what is kept: ``[m, n_items]``."""
        room = len(self._rows) - self._used
        if len(new := np.unique(users[self._place[users] < 0])[:room]):
            self._rows[self._used : self._used + len(new)] = self._make(new)
            self._place[new] = self._used + np.arange(len(new))
            self._used += len(new)
        kept = self._place[users] >= 0
        if kept.all():
            return np.asarray(self._rows[self._place[users]])
        scores = np.empty((len(users), self._rows.shape[1]), dtype=np.float32)
        scores[kept], scores[~kept] = self._rows[self._place[users[kept]]], self._make(users[~kept])
        return scores
