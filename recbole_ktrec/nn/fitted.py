"""What a fit of KTEASE leaves to score with: the dense form keeps B, the sparse form a B with few entries a column.

A checkpoint keeps it as plain matrices (:func:`as_matrices`), and nothing of these classes.

Histories are given as they are to count: weighted with ``decay``, see :mod:`recbole_ktrec.nn.recency`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.cold_items import ColdItems, raised
from recbole_ktrec.nn.matrices import product


def with_popular(scores: np.ndarray, popular: np.ndarray | None) -> np.ndarray:
    """Add ``popular`` ``[n_items]``, if there is one, to ``scores`` ``[m, n_items]``, in place."""
    if popular is not None:
        scores += popular
    return scores


def without_popular(fitted: Dense | Sparse | Kernel) -> Dense | Sparse | Kernel:
    """Return what scores histories alone: the average history is what is taken in general already."""
    return fitted if isinstance(fitted, Kernel) else replace(fitted, popular=None)


@dataclass(frozen=True)
class Dense:
    """B itself: ``scores = rows B + popular``, those of the items ``cold`` raised to ``power``."""

    matrix: np.ndarray
    cold: np.ndarray | None = None
    power: float = 1.0
    decay: float = 0.0
    popular: np.ndarray | None = None

    def __call__(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = with_popular(np.asarray(rows @ self.matrix), self.popular)
        if self.cold is not None and self.power != 1:
            scores[:, self.cold] = raised(scores[:, self.cold], self.power)
        return scores


@dataclass(frozen=True)
class Kernel:
    """The prior alone, nothing learned from interactions: ``scores = rows K``."""

    prior: sp.csc_matrix
    decay: float = 0.0

    @functools.cached_property
    def _by_row(self) -> sp.csr_matrix:
        return self.prior.tocsr()  # once: a product of rows with columns would convert it for every batch

    def __call__(self, rows: sp.csr_matrix) -> np.ndarray:
        return np.asarray((rows @ self._by_row).toarray())


@dataclass(frozen=True)
class Sparse:
    """B of :mod:`recbole_ktrec.nn.nearest`: ``scores = (rows + eta rows spread) B + popular``, cold items filled in.

    Attributes:
        matrix: B, ``[n_items, n_items]``.
        spread: row j hands item j on to its text neighbours.
        neighbour_weight: eta.
        popular: what is taken in general, see :mod:`recbole_ktrec.nn.popularity`: ``[n_items]``, or None.
    """

    matrix: sp.csr_matrix
    spread: sp.csr_matrix
    neighbour_weight: float
    cold: ColdItems
    decay: float = 0.0
    popular: np.ndarray | None = None

    def wider(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        """Return histories with a share of each item handed on to its text neighbours."""
        eta = np.float32(self.neighbour_weight)
        return sp.csr_matrix(rows + eta * (rows @ self.spread)) if eta else rows

    def warm(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the scores before cold items are filled in: ``[m, n_items]``."""
        return with_popular(product(self.wider(rows), self.matrix), self.popular)

    def __call__(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = self.warm(rows)
        self.cold.fill(rows, scores)
        return scores


def as_matrices(fitted: Dense | Sparse | Kernel) -> dict[str, Any]:
    """Return arrays, sparse matrices and numbers from which :func:`scores_from` makes the same scores."""
    if isinstance(fitted, Dense):
        return dict(vars(fitted))
    if isinstance(fitted, Kernel):
        return {"kernel": fitted.prior, "decay": fitted.decay}
    return {
        "sparse": fitted.matrix,
        "spread": fitted.spread,
        "neighbour_weight": fitted.neighbour_weight,
        "cold": vars(fitted.cold),
        "decay": fitted.decay,
        "popular": fitted.popular,
    }


def scores_from(weights: dict[str, Any]) -> Dense | Sparse | Kernel:
    """Return what :func:`as_matrices` was made of."""
    decay = weights["decay"]
    if "matrix" in weights:
        return Dense(weights["matrix"], weights["cold"], weights["power"], decay, weights.get("popular"))
    if "kernel" in weights:
        return Kernel(weights["kernel"], decay)
    cold = ColdItems(**weights["cold"])
    matrices = weights["sparse"], weights["spread"], weights["neighbour_weight"]
    return Sparse(*matrices, cold, decay, weights.get("popular"))


def count_items(weights: dict[str, Any]) -> int:
    """Return the size of the catalogue that the matrices are for."""
    return next(int(weights[name].shape[0]) for name in ("matrix", "kernel", "sparse") if name in weights)
