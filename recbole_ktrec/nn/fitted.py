"""What a fit of KTEASE leaves to score with: the dense form keeps B, the low-rank form what B is made of.

Histories are given as they are to count: weighted with ``decay``, see :mod:`recbole_ktrec.nn.recency`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import Inverse, parts
from recbole_ktrec.nn.cold_items import ColdItems, raised
from recbole_ktrec.nn.tuning import Choice


@dataclass(frozen=True)
class Dense:
    """B itself: ``scores = rows B``, those of the items ``cold`` raised to ``power``."""

    matrix: np.ndarray
    cold: np.ndarray | None = None
    power: float = 1.0
    decay: float = 0.0

    def __call__(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = np.asarray(rows @ self.matrix)
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
class Factored:
    """What B is made of, for catalogues whose B does not fit; ``prior`` is ``D K``."""

    inverse: Inverse
    prior: sp.csc_matrix
    pulled: np.ndarray
    spread: sp.csr_matrix
    choice: Choice
    cold: ColdItems
    decay: float = 0.0

    def warm(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return the scores before cold items are filled in: ``[m, n_items]``."""
        eta = self.choice.neighbour_weight
        wider = sp.csr_matrix(rows + np.float32(eta) * (rows @ self.spread)) if eta else rows
        return parts(self.inverse, self.prior, self.pulled, wider)(self.choice.prior_weight)

    def __call__(self, rows: sp.csr_matrix) -> np.ndarray:
        scores = self.warm(rows)
        self.cold.fill(rows, scores)
        return scores
