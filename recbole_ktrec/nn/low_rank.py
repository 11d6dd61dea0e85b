"""An inverse of KTEASE to choose with: exact on the leading directions of the Gram matrix, linear on the rest.

With ``G = X' W X`` and ``h(s) = s / (s + lambda)``, ``lambda P = I - h(G)``. On the leading eigenvectors V of G, h is
applied as it is; below their smallest eigenvalue t it is replaced by the line ``c s`` that fits it best on [0, t]:

    h(G) = c G + V diag(h(s) - c s) V'

With penalties D, all this is done for ``X D^-1/2``, and ``P = D^-1/2 P' D^-1/2``.
Nothing of size ``n_items^2`` is made: G is applied as ``X' W X``. Cost of a user: ``n_items * rank``.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

_ROWS = 512


def scaled_items(interactions: sp.csr_matrix, penalties: np.ndarray) -> sp.csr_matrix:
    """Return ``X D^-1/2``."""
    return sp.csr_matrix(interactions @ sp.diags(penalties**-0.5), dtype=np.float32)


def leading_eigenpairs(
    interactions: sp.csr_matrix, weights: np.ndarray, rank: int, seed: int = 0, rounds: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues of ``X' W X`` ``[rank]`` and their vectors ``[n_items, rank]``, float32.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011).
    """
    n = interactions.shape[1]
    width = min(rank + 16, n)
    scaled = sp.csr_matrix(sp.diags(np.sqrt(weights)) @ interactions, dtype=np.float32)
    transposed = scaled.T.tocsr()
    basis = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)
    for _ in tqdm(range(rounds), desc="leading directions", disable=n * width < 1 << 24, leave=False):
        basis, _ = np.linalg.qr(transposed @ (scaled @ basis))
    projected = scaled @ basis
    values, turn = np.linalg.eigh((projected.T @ projected).astype(np.float64))
    order = np.argsort(values)[::-1][:rank]
    return np.maximum(values[order], 0).astype(np.float32), (basis @ turn[:, order].astype(np.float32))


def _line(largest: float, regularisation: float) -> float:
    """Return c so that ``c s`` fits ``s / (s + lambda)`` best (least squares) on [0, largest]."""
    if largest <= 0:  # nothing is left for the line to fit
        return 1 / regularisation
    s = np.linspace(0, largest, 101)[1:]
    return float((s * s / (s + regularisation)).sum() / (s * s).sum())


class LowRankInverse:
    """P by the formula of the module.

    Args:
        interactions: X, ``[n_users, n_items]``.
        weights: diagonal of W, ``[n_users]``.
        regularisation: lambda, above 0.
        eigenpairs: of :func:`scaled_items`, see :func:`leading_eigenpairs`; they do not depend on lambda.
        penalties: diagonal of D, ``[n_items]``; all 1 by default.
    """

    def __init__(
        self,
        interactions: sp.csr_matrix,
        weights: np.ndarray,
        regularisation: float,
        eigenpairs: tuple[np.ndarray, np.ndarray],
        penalties: np.ndarray | None = None,
    ) -> None:
        self.regularisation, self.interactions, self.weights = regularisation, interactions, weights
        self.penalties = np.ones(interactions.shape[1], dtype=np.float32) if penalties is None else penalties
        self._shrink = np.asarray(self.penalties**-0.5, dtype=np.float32)
        values, self.vectors = eigenpairs
        self.slope = np.float32(_line(float(values[-1]), regularisation))
        self.gains = values / (values + regularisation) - self.slope * values
        scaled = scaled_items(interactions, self.penalties)
        self._weighted = sp.csr_matrix(sp.diags(weights) @ scaled, dtype=np.float32)
        self._columns = scaled.T.tocsr()
        self._diagonal = self._explain_diagonal()

    def times(self, rows: sp.csr_matrix) -> np.ndarray:
        rows = sp.csr_matrix(rows @ sp.diags(self._shrink))
        result = ((rows @ self.vectors) * self.gains) @ self.vectors.T
        result += self.slope * ((rows @ self._columns) @ self._weighted).toarray()
        np.subtract(rows.toarray(), result, out=result)
        result *= self._shrink / np.float32(self.regularisation)
        return np.asarray(result)

    def _explain_diagonal(self) -> np.ndarray:
        squares = self._columns.multiply(self._columns) @ self.weights
        explained = self.slope * squares + np.einsum("ik,k,ik->i", self.vectors, self.gains, self.vectors)
        # Rounding and the line may leave nothing: an item cannot be explained wholly by others.
        left = np.maximum(1 - explained, 1e-3) / self.regularisation
        return np.asarray(left * self._shrink**2, dtype=np.float32)

    def diagonal(self) -> np.ndarray:
        return self._diagonal

    def prior_diagonal(self, prior: sp.csc_matrix) -> np.ndarray:
        result = np.zeros(self.interactions.shape[1], dtype=np.float32)
        if not prior.nnz:
            return result
        for start in range(0, len(result), _ROWS):
            stop = min(start + _ROWS, len(result))
            part = sp.csr_matrix(prior[:, start:stop].T.tocsr() @ sp.diags(self._shrink))
            linear = part.multiply(self._columns[start:stop] @ self._weighted).sum(axis=1).A1
            turned = (part @ self.vectors) * self.gains
            result[start:stop] = -self.slope * linear - (turned * self.vectors[start:stop]).sum(axis=1)
        return result * self._shrink
