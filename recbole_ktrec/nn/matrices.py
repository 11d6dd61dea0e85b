"""B dense, or sparse as :mod:`recbole_ktrec.nn.nearest` makes it: what both are asked for."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

Matrix: TypeAlias = np.ndarray | sp.csr_matrix


def product(rows: sp.csr_matrix, matrix: Matrix) -> np.ndarray:
    """Return ``rows @ matrix``, dense."""
    found = rows @ matrix
    return np.asarray(found if isinstance(matrix, np.ndarray) else found.toarray())


def norm(matrix: Matrix) -> float:
    """Return the Frobenius norm."""
    return float(np.linalg.norm(matrix if isinstance(matrix, np.ndarray) else matrix.data))
