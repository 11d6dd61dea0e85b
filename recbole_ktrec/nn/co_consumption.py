"""Which directions of the text space the items of one user share: a metric of text that can be carried to other data.

Within-class covariance normalisation with users as classes (Hatch et al. 2006; linear discriminant analysis of
speaker vectors, Dehak et al. 2011). With whitened texts T of unit length and users weighted by 1 / (|N(u)| - 1):

    between = sum_u w_u sum_{i != j in N(u)} t_i t_j'       total = sum_u sum_{i in N(u)} t_i t_i'

(both over trace(total) / d). The eigenvalues of total^-1/2 between total^-1/2 say how far items of one user agree in a
direction; the metric stretches a direction by them, and is shrunk towards the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import row_blocks, unit_length

#: Users whose text sums are held at a time.
_USERS = 65536
#: Agreement that every direction is given at least, as a share of the largest.
_FLOOR = 0.02
#: Share of the largest variance below which a direction has none: it is rounding (a source of fewer texts than d).
_NOTHING = 1e-4


@dataclass(frozen=True)
class Statistics:
    """Scatter of the texts that users took together.

    Attributes:
        between: of pairs of items of one user, ``[d, d]``, symmetric.
        total: of items, ``[d, d]``, trace d; zero if nobody took two items.
        interactions: how many they are from.
    """

    between: np.ndarray
    total: np.ndarray
    interactions: float


def co_consumption(interactions: sp.csr_matrix, vectors: np.ndarray) -> Statistics:
    """Return the statistics of a data set.

    Args:
        interactions: X, binary ``[n_users, n_items]``.
        vectors: T, rows of length 1, or 0 where there is no text: such items are left out; ``[n_items, d]``.
    """
    width = vectors.shape[1]
    readable = (vectors != 0).any(axis=1).astype(np.float32)
    kept = sp.csr_matrix(interactions @ sp.diags(readable))
    kept.eliminate_zeros()
    kept = kept[np.flatnonzero(np.diff(kept.indptr) > 1)]
    weights = (1 / (np.diff(kept.indptr) - 1)).astype(np.float32)
    sums = np.zeros((width, width))
    for some in row_blocks(kept.shape[0], _USERS):
        block = kept[some] @ vectors
        sums += block.T @ (block * weights[some, None])
    weighted, counts = (kept.T @ weights), np.asarray(kept.sum(axis=0)).ravel()
    between = sums - vectors.T @ (vectors * weighted[:, None])
    total = (vectors.T @ (vectors * counts[:, None])).astype(np.float64)
    scale = width / max(np.trace(total), 1e-12)
    between = (between + between.T) * (scale / 2)
    return Statistics(between.astype(np.float32), (total * scale).astype(np.float32), float(kept.nnz))


def pooled(parts: Sequence[Statistics], weights: Sequence[float] | None = None) -> Statistics:
    """Return the weighted mean of statistics; by default each part counts the same, whatever its size."""
    shares = np.full(len(parts), 1 / len(parts)) if weights is None else np.asarray(weights) / np.sum(weights)
    between = sum(share * part.between for share, part in zip(shares, parts, strict=True))
    total = sum(share * part.total for share, part in zip(shares, parts, strict=True))
    return Statistics(
        np.asarray(between, dtype=np.float32),
        np.asarray(total, dtype=np.float32),
        float(sum(part.interactions for part in parts)),
    )


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    values, basis = np.linalg.eigh((matrix + matrix.T) / 2)
    values = np.maximum(values, 1e-6 * values[-1])
    return np.asarray((basis * values**exponent) @ basis.T)


def _whitener(total: np.ndarray) -> np.ndarray:
    """Return ``total^-1/2``; a direction in which the texts do not differ has their mean variance: nothing is known."""
    values, basis = np.linalg.eigh((total + total.T) / 2)
    nothing = values < _NOTHING * values[-1]
    values[nothing] = values[~nothing].mean()
    return np.asarray((basis * values**-0.5) @ basis.T)


def metric(statistics: Statistics, exponent: float = 0.5, strength: float = 1.0) -> np.ndarray:
    """Return the symmetric map L, float32 ``[d, d]``: texts are alike by the cosine of ``t L``.

    Args:
        exponent: how much more a direction counts on which users agree; 0 only whitens.
        strength: from 0, the identity, to 1, the metric as the statistics have it.
    """
    width = len(statistics.total)
    if strength == 0 or np.trace(statistics.total) <= 0:
        return np.eye(width, dtype=np.float32)
    half = _whitener(statistics.total.astype(np.float64))
    values, basis = np.linalg.eigh(half @ statistics.between @ half)
    if values[-1] <= 0:
        return np.eye(width, dtype=np.float32)
    gains = (np.maximum(values, 0) / values[-1] + _FLOOR) ** exponent
    squared = half @ (basis * gains) @ basis.T @ half
    return _power(squared * (width / np.trace(squared)), strength / 2).astype(np.float32)


def mapped(vectors: np.ndarray, matrix: np.ndarray | None) -> np.ndarray:
    """Return the rows of ``vectors`` ``[n, d]`` through L, of length 1 again; rows of zeros stay zero."""
    if matrix is None:
        return vectors
    return np.asarray(unit_length(vectors @ matrix), dtype=np.float32)
