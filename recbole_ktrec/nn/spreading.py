"""What goes over the entries of B once it is solved: shares for text neighbours, and the columns of cold items."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import times_sparse
from recbole_ktrec.nn.cold_items import LEAST_SUM, ColdItems
from recbole_ktrec.nn.matrices import heaviest, row_blocks


def spread_over_neighbours(prior: sp.csc_matrix, known: np.ndarray, most: int | None = None) -> sp.csr_matrix:
    """Return ``[n_items, n_items]``: row j hands item j on to its known text neighbours, shares summing to 1 (or 0).

    Args:
        most: so many of them, the nearest; None takes all.
    """
    near = sp.csr_matrix(prior.T.tocsr() @ sp.diags(known.astype(np.float32))).power(4)
    near = near if most is None else heaviest(near, most)
    total = np.maximum(near.sum(axis=1).A1, LEAST_SUM)
    return sp.csr_matrix(sp.diags((1 / total).astype(np.float32)) @ near, dtype=np.float32)


def widen(matrix: np.ndarray, spread: sp.csr_matrix, weight: float) -> None:
    """Replace B by ``B + weight * spread B``, in place."""
    towards = sp.csc_matrix(spread.T)
    for some in row_blocks(len(matrix)) if weight else ():
        block = np.ascontiguousarray(matrix[:, some])
        matrix[:, some] += np.float32(weight) * times_sparse(block.T, towards).T


def fill_cold(matrix: np.ndarray, cold: ColdItems) -> None:
    """Write the columns of cold items into B, in place."""
    for some in row_blocks(len(matrix)) if len(cold.columns) else ():
        block = matrix[some]
        rows = sp.csr_matrix(
            (np.ones(len(block), dtype=np.float32), np.arange(some.start, some.stop), np.arange(len(block) + 1)),
            shape=(len(block), len(matrix)),
        )
        cold.fill(rows, block)


def popular_cold(popular: np.ndarray, cold: ColdItems) -> None:
    """Write what ``popular`` ``[n_items]`` gives to cold items, which take a part of their neighbours' scores."""
    popular[cold.columns] = cold.scale * cold.smooth * (popular @ cold.near)
