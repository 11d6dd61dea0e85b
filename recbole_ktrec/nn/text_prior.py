"""What texts say about pairs of items before anybody has interacted: a sparse matrix of alike items."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

#: Numbers of a block of similarities: 64 MiB.
_BLOCK = 1 << 24


def shrunk_whitening(vectors: np.ndarray, has_text: np.ndarray, power: float, shrink: float = 0.1) -> np.ndarray:
    """Return ``normalise((x - mean) C^-power)``, C being the covariance plus a share of its mean eigenvalue.

    Without the share, a catalogue of fewer items than dimensions is whitened until every item is unlike every other.

    Args:
        vectors: float32 ``[n, dim]``.
        has_text: bool ``[n]``; the other rows take no part and stay zero.
        power: .5 whitens fully, 0 only centres.
        shrink: share of the mean eigenvalue that is added to each (Ledoit and Wolf 2004 choose it by formula).
    """
    result = np.zeros(vectors.shape, dtype=np.float32)
    if not has_text.any():
        return result
    centred = vectors[has_text] - vectors[has_text].mean(axis=0, dtype=np.float64)
    values, basis = np.linalg.eigh(centred.T @ centred / len(centred))
    values = np.maximum(values, 0) + max(shrink * float(values.mean()), 1e-9)
    moved = centred @ ((basis * values**-power) @ basis.T)
    result[has_text] = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return result


def _similarities(rows: slice, vectors: np.ndarray, words: sp.csr_matrix | None, lexical_weight: float) -> np.ndarray:
    """Return ``max(0, cos)^2`` of the vectors plus ``lexical_weight`` times cos^2 of the words: ``[rows, n]``."""
    alike = np.maximum(vectors[rows] @ vectors.T, 0)
    alike *= alike
    if words is not None and lexical_weight:
        shared = (words[rows] @ words.T).toarray()
        shared *= shared
        alike += lexical_weight * shared
    return alike


def text_neighbours(
    vectors: np.ndarray, words: sp.csr_matrix | None = None, count: int = 100, lexical_weight: float = 0.3
) -> sp.csc_matrix:
    """Return the prior: column j holds how alike the ``count`` nearest items are to item j, zero elsewhere.

    Args:
        vectors: rows of length 1 or 0, float32 ``[n, dim]``.
        words: rows of length 1 or 0, ``[n, features]``, see :func:`recbole_ktrec.nn.lexical.tf_idf`.
        count: neighbours of an item; the memory is ``8 * n * count`` bytes.
        lexical_weight: weight of the words beside the vectors.

    Returns:
        float32 ``[n, n]``, diagonal zero, values positive.
    """
    n = len(vectors)
    count = min(count, n - 1)
    step = max(1, _BLOCK // max(n, 1))
    index, value = np.empty((n, count), dtype=np.int32), np.empty((n, count), dtype=np.float32)
    for start in tqdm(range(0, n, step), desc="text neighbours", disable=n * step < 2 * _BLOCK, leave=False):
        rows = slice(start, min(start + step, n))
        alike = _similarities(rows, vectors, words, lexical_weight)
        alike[np.arange(len(alike)), np.arange(rows.start, rows.stop)] = 0
        best = np.argpartition(alike, n - count, axis=1)[:, n - count :]
        index[rows], value[rows] = best, np.take_along_axis(alike, best, axis=1)
    prior = sp.csc_matrix((value.ravel(), index.ravel(), np.arange(n + 1) * count), shape=(n, n))
    prior.eliminate_zeros()
    prior.sort_indices()
    return prior


def no_prior(n_items: int) -> sp.csc_matrix:
    """Return a prior that says nothing: KTEASE is then EASE."""
    return sp.csc_matrix((n_items, n_items), dtype=np.float32)
