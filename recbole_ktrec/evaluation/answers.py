"""Right and wrong answers to "would this user take this item?": the pairs that are asked, and the threshold.

Scores of different models are not comparable: a sigmoid, a dot product, a count. So every model's scores pass through
the same one-dimensional logistic fit on the validation pairs (Platt, 1999), and an answer is yes at probability .5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression


def draw_negatives(users: np.ndarray, known: np.ndarray, n_items: int, seed: int | Sequence[int]) -> np.ndarray:
    """Draw one item for each entry of ``users`` that this user has no interaction with, in any part.

    Args:
        users: user positions, shape (n,), one entry for each held-out positive.
        known: sorted, unique codes ``user * n_items + item`` of all interactions of all parts.
        n_items: size of the catalogue; items are positions 0 .. n_items - 1.
        seed: seed of the draw.

    Returns:
        Item positions, shape (n,); -1 where the user has taken the whole catalogue.
    """
    rng = np.random.default_rng(seed)
    drawn = np.full(len(users), -1, dtype=np.int64)
    taken = np.bincount(known // n_items, minlength=int(users.max(initial=0)) + 1)
    todo = np.flatnonzero(taken[users] < n_items)
    while len(todo):
        drawn[todo] = rng.integers(0, n_items, len(todo))
        todo = todo[_contains(known, users[todo] * n_items + drawn[todo])]
    return drawn


def _contains(ordered: np.ndarray, codes: np.ndarray) -> np.ndarray:
    place = np.searchsorted(ordered, codes)
    return (place < len(ordered)) & (ordered[np.minimum(place, len(ordered) - 1)] == codes)


class Calibration:
    """A logistic fit of labels on one score: probability = sigmoid(slope * score + offset).

    Args:
        scores: finite scores of the validation pairs, shape (n,).
        labels: 1 for a positive, 0 for a negative, shape (n,).
    """

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        self.mean, self.scale = float(scores.mean()), float(scores.std()) or 1.0
        if labels.min() == labels.max():
            self.slope, self.offset = 0.0, 20.0 if labels.max() > 0 else -20.0
            return
        fit = LogisticRegression(C=1e6).fit(self._standard(scores)[:, None], labels)
        self.slope, self.offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])

    def _standard(self, scores: np.ndarray) -> np.ndarray:
        return (np.asarray(scores, dtype=np.float64) - self.mean) / self.scale

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities for raw ``scores`` (n,)."""
        return 1 / (1 + np.exp(-np.clip(self.slope * self._standard(scores) + self.offset, -500, 500)))


def right_answers(probability: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return 1 where the answer at ``probability >= .5`` is the label, else 0; shape (n,)."""
    return ((probability >= 0.5) == (labels > 0)).astype(np.float64)
