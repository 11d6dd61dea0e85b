"""Matrices dense and sparse: what both are asked for, and rows cut to their largest entries."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
import torch

#: B, dense or as :mod:`recbole_ktrec.nn.nearest` makes it.
Matrix: TypeAlias = np.ndarray | sp.csr_matrix
#: Histories ``[m, n_items]`` -> scores of all items, of that shape.
Score: TypeAlias = Callable[[sp.csr_matrix], np.ndarray]
#: Rows of a matrix of all pairs of items that are computed at a time.
ROWS = 512
_THREADS = 4


def row_blocks(n: int, rows: int = ROWS) -> list[slice]:
    """Return the slices that cut ``n`` rows into so many at a time."""
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]


def each_block(work: Callable[[slice], None], n: int, rows: int = ROWS) -> None:
    """Do ``work`` for the slices of :func:`row_blocks`, in threads: scipy multiplies in one, and lets others run.

    There are as many as torch takes, four at most, as each holds a block of its own.
    """
    blocks = row_blocks(n, rows)
    threads = min(torch.get_num_threads(), _THREADS, len(blocks))
    if threads < 2:
        for some in blocks:
            work(some)
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, blocks):
            pass


def unit_length(rows: np.ndarray) -> np.ndarray:
    """Return ``rows`` ``[n, dim]`` at length 1; rows of zeros stay zero."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def product(rows: sp.csr_matrix, matrix: Matrix) -> np.ndarray:
    """Return ``rows @ matrix``, dense."""
    found = rows @ matrix
    return np.asarray(found if isinstance(matrix, np.ndarray) else found.toarray())


def norm(matrix: Matrix, items: np.ndarray) -> float:
    """Return the Frobenius norm of the rows and columns of ``items``, bool ``[n]``."""
    if isinstance(matrix, np.ndarray):
        parts = (matrix[some][items[some]][:, items] for some in row_blocks(len(matrix)))
        return float(np.sqrt(sum(float((part**2).sum(dtype=np.float64)) for part in parts)))
    rows = np.repeat(items, np.diff(matrix.indptr))
    return float(np.linalg.norm(matrix.data[rows & items[matrix.indices]]))


def heaviest(rows: sp.csr_matrix, most: int) -> sp.csr_matrix:
    """Return ``rows`` with the ``most`` largest entries of each."""
    kept = np.ones(rows.nnz, dtype=bool)
    for row in np.flatnonzero(np.diff(rows.indptr) > most):
        start, end = rows.indptr[row], rows.indptr[row + 1]
        kept[start + np.argpartition(-rows.data[start:end], most)[most:]] = False
    ends = np.append(0, np.cumsum(kept))[rows.indptr]
    return sp.csr_matrix((rows.data[kept], rows.indices[kept], ends), rows.shape)
