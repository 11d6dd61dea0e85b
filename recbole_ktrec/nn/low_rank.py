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

from recbole_ktrec.nn.closed_form import Design, ScoreParts, times_sparse
from recbole_ktrec.nn.matrices import row_blocks
from recbole_ktrec.nn.progress import progress_bar

#: Users whose scores are made at a time.
_USERS = 256


def leading_eigenpairs(
    interactions: sp.csr_matrix, weights: np.ndarray, rank: int, rounds: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues of ``X' W X`` ``[rank]`` and their vectors ``[n_items, rank]``, float32.

    Randomised subspace iteration (Halko, Martinsson and Tropp 2011).
    """
    n = interactions.shape[1]
    width = min(rank + 16, n)  # more than asked for, as the paper advises: the last ones wanted come out exact, too
    scaled = sp.csr_matrix(sp.diags(np.sqrt(weights)) @ interactions, dtype=np.float32)
    transposed = scaled.T.tocsr()
    basis = np.random.default_rng(0).standard_normal((n, width), dtype=np.float32)
    for _ in progress_bar(range(rounds), desc="leading directions", disable=n * width < 1 << 24):
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


class LowRank:
    """What P is made of that does not depend on lambda.

    Args:
        design: X, W and D.
        rank: number of leading directions, of all items at most.
    """

    def __init__(self, design: Design, rank: int) -> None:
        self.shrink = np.asarray(design.penalties**-0.5, dtype=np.float32)
        scaled = sp.csr_matrix(design.rows @ sp.diags(design.penalties**-0.5), dtype=np.float32)
        self.values, self.vectors = leading_eigenpairs(scaled, design.weights, min(rank, scaled.shape[1]))
        self.weighted = sp.csr_matrix(sp.diags(design.weights) @ scaled, dtype=np.float32)
        self.columns = scaled.T.tocsr()
        self._squares = self.columns.multiply(self.columns) @ design.weights

    def gains(self, regularisation: float) -> tuple[np.float32, np.ndarray]:
        """Return c of the module, and what the leading directions count beyond it, ``[rank]``."""
        slope = np.float32(_line(float(self.values[-1]), regularisation))
        return slope, self.values / (self.values + regularisation) - slope * self.values

    def diagonal(self, regularisation: float) -> np.ndarray:
        """Return diag(P), ``[n_items]``."""
        slope, gains = self.gains(regularisation)
        explained = slope * self._squares + np.einsum("ik,k,ik->i", self.vectors, gains, self.vectors)
        # Rounding and the line may leave nothing: an item cannot be explained wholly by others.
        left = np.maximum(1 - explained, 1e-3) / regularisation
        return np.asarray(left * self.shrink**2, dtype=np.float32)

    def on(self, prior: sp.csc_matrix) -> tuple[np.ndarray, np.ndarray]:
        """Return what :meth:`prior_diagonal` is made of: of the line ``[n_items]``, of V ``[n_items, rank]``."""
        linear = np.zeros(prior.shape[1], dtype=np.float32)
        turned = np.zeros((prior.shape[1], len(self.values)), dtype=np.float32)
        for some in row_blocks(prior.shape[1] if prior.nnz else 0):
            part = sp.csr_matrix(prior[:, some].T.tocsr() @ sp.diags(self.shrink))
            linear[some] = part.multiply(self.columns[some] @ self.weighted).sum(axis=1).A1
            turned[some] = (part @ self.vectors) * self.vectors[some]
        return linear * self.shrink, turned * self.shrink[:, None]

    def prior_diagonal(self, parts: tuple[np.ndarray, np.ndarray], regularisation: float) -> np.ndarray:
        """Return ``diag(lambda P K)``, ``[n_items]``, from the parts that :meth:`on` gives."""
        slope, gains = self.gains(regularisation)
        return np.asarray(-slope * parts[0] - parts[1] @ gains, dtype=np.float32)


class LowRankInverse:
    """P by the formula of the module.

    Args:
        low_rank: what it is made of.
        regularisation: lambda, above 0.
    """

    def __init__(self, low_rank: LowRank, regularisation: float) -> None:
        self.low_rank, self.regularisation = low_rank, regularisation
        self.slope, self.gains = low_rank.gains(regularisation)
        self._diagonal = low_rank.diagonal(regularisation)  # asked for with every few users

    def times(self, rows: sp.csr_matrix) -> np.ndarray:
        low = self.low_rank
        rows = sp.csr_matrix(rows @ sp.diags(low.shrink))
        result = ((rows @ low.vectors) * self.gains) @ low.vectors.T
        result += self.slope * ((rows @ low.columns) @ low.weighted).toarray()
        np.subtract(rows.toarray(), result, out=result)
        result *= low.shrink / np.float32(self.regularisation)
        return np.asarray(result)

    def diagonal(self) -> np.ndarray:
        return self._diagonal

    def prior_diagonal(self, prior: sp.csc_matrix) -> np.ndarray:
        return self.low_rank.prior_diagonal(self.low_rank.on(prior), self.regularisation)


class LowRankScores:
    """Scores of held-out users for one lambda after the other: what takes the time is made once.

    With the rows ``x`` of the users, S = D^-1/2 and ``D K`` in the columns of the candidates,

        lambda x P D K = x D K - c (x S G) S D K - (x S V) diag(h - c s) (V' S D K)

    whose first two products do not depend on lambda; the third is of the rank of V.

    Args:
        low_rank: what P is made of.
        prior: ``D K``, ``[n_items, n_items]``.
        rows: of the users, ``[m, n_items]``.
        candidates: ids of the items that are scored, ``[c]``.
    """

    def __init__(self, low_rank: LowRank, prior: sp.csc_matrix, rows: sp.csr_matrix, candidates: np.ndarray) -> None:
        self.low_rank, self.candidates = low_rank, candidates
        self.own = rows[:, candidates]
        self.prior_parts = low_rank.on(prior)
        shrink = sp.diags(low_rank.shrink)
        scaled, pull = sp.csr_matrix(rows @ shrink), sp.csc_matrix(shrink @ prior[:, candidates], dtype=np.float32)
        self.turned = scaled @ low_rank.vectors
        self.turned_pull = np.asarray((pull.T @ low_rank.vectors).T)
        self.pull = (scaled @ pull).toarray()
        shape = rows.shape[0], len(candidates)
        self.linear, self.linear_pull = np.empty(shape, dtype=np.float32), np.empty(shape, dtype=np.float32)
        for some in row_blocks(rows.shape[0], _USERS):
            near = ((scaled[some] @ low_rank.columns) @ low_rank.weighted).toarray()
            self.linear[some], self.linear_pull[some] = near[:, candidates], times_sparse(near, pull)

    def at(self, regularisation: float) -> ScoreParts:
        """Return the scores with lambda, ``[m, c]`` each, as :func:`recbole_ktrec.nn.closed_form.parts` does."""
        low, (slope, gains) = self.low_rank, self.low_rank.gains(regularisation)
        diagonal = low.diagonal(regularisation)
        pulled = (low.prior_diagonal(self.prior_parts, regularisation) / diagonal)[self.candidates]
        turned = self.turned * gains
        explained = self.linear * -slope - turned @ low.vectors[self.candidates].T
        explained *= low.shrink[self.candidates] / np.float32(regularisation)
        explained += self.own.multiply(low.shrink[self.candidates] ** 2 / np.float32(regularisation)).toarray()
        base = self.own.toarray() - explained / diagonal[self.candidates]
        pull = self.pull - slope * self.linear_pull - turned @ self.turned_pull - explained * pulled
        return ScoreParts(base, pull)
