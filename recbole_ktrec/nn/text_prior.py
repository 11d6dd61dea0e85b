"""What texts say about pairs of items before anybody has interacted: a sparse matrix of alike items."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

#: Numbers of a block of similarities: 64 MiB.
_BLOCK = 1 << 24


def _similarities(
    rows: np.ndarray, vectors: np.ndarray, words: sp.csr_matrix | None, lexical_weight: float, power: float
) -> np.ndarray:
    """Return ``max(0, cos)^power`` of the vectors plus the weighted cosine of the words: ``[rows, n]``."""
    alike = np.maximum(vectors[rows] @ vectors.T, 0)
    if power != 1:
        alike **= np.float32(power)
    if words is not None and lexical_weight:
        alike += lexical_weight * (words[rows] @ words.T).toarray()
    return alike


def text_neighbours(
    vectors: np.ndarray,
    words: sp.csr_matrix | None = None,
    count: int = 500,
    lexical_weight: float = 0.3,
    power: float = 1.0,
    columns: np.ndarray | None = None,
) -> sp.csc_matrix:
    """Return the prior: column j holds how alike the ``count`` nearest items are to item j, zero elsewhere.

    Args:
        vectors: rows of length 1 or 0, float32 ``[n, dim]``.
        words: rows of length 1 or 0, ``[n, features]``, see :func:`recbole_ktrec.nn.lexical.tf_idf`.
        count: neighbours of an item; the memory is ``8 * n * count`` bytes.
        lexical_weight: weight of the words beside the vectors.
        power: the cosine of the vectors is raised to it; above 1, close items count for more.
        columns: ids ``[c]`` of the items whose columns are wanted; all by default.

    Returns:
        float32 ``[n, n]`` (or ``[n, c]``), zero where an item meets itself, values positive.
    """
    n = len(vectors)
    columns = np.arange(n) if columns is None else columns
    count, wanted = min(count, n - 1), len(columns)
    step = max(1, _BLOCK // max(n, 1))
    index, value = np.empty((wanted, count), dtype=np.int32), np.empty((wanted, count), dtype=np.float32)
    for start in tqdm(range(0, wanted, step), desc="text neighbours", disable=n * step < 2 * _BLOCK, leave=False):
        rows = slice(start, min(start + step, wanted))
        alike = _similarities(columns[rows], vectors, words, lexical_weight, power)
        alike[np.arange(len(alike)), columns[rows]] = 0
        best = np.argpartition(alike, n - count, axis=1)[:, n - count :]
        index[rows], value[rows] = best, np.take_along_axis(alike, best, axis=1)
    prior = sp.csc_matrix((value.ravel(), index.ravel(), np.arange(wanted + 1) * count), shape=(n, wanted))
    prior.eliminate_zeros()
    prior.sort_indices()
    return prior


def no_prior(n_items: int) -> sp.csc_matrix:
    """Return a prior that says nothing: KTEASE is then EASE."""
    return sp.csc_matrix((n_items, n_items), dtype=np.float32)
