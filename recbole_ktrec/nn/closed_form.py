"""KTEASE: an item-item model in closed form that is pulled towards what the texts say.

EASE (Steck 2019) minimises ``||X - X B||^2 + lambda ||B||^2`` with a zero diagonal; here the penalty is
``lambda ||D^1/2 (B - kappa K)||^2``, K a sparse prior of alike items, D a diagonal: items that many took are held
back more (as in EDLAE, Steck 2020, whose D is affine in their counts). With ``P = (X' W X + lambda D)^-1`` and
``p = diag P``:

    B = -P diag(1/p + kappa q) + kappa lambda P D K   off the diagonal,   q = diag(lambda P D K) / p.

``D K`` is what the functions below take as the prior. So kappa needs no new solution, and everything is scored from
``x P``, whatever form P has (dense or low rank).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import each_block, row_blocks

#: Dense rows that meet a sparse matrix at once: these stay in the processor's cache, 512 took twice as long.
_CACHED = 128


def user_weights(interactions: sp.csr_matrix, power: float) -> np.ndarray:
    """Return ``|N(u)|^-power`` scaled to 1 in the mean over interactions: float32 ``[n_users]``.

    A user who took much says less about each pair of items; the scale leaves lambda's meaning as it is in EASE. One who
    took nothing has no part in it.
    """
    return _power_of_counts(np.diff(interactions.indptr), -power)


def item_penalties(interactions: sp.csr_matrix, power: float) -> np.ndarray:
    """Return diag(D), ``n_i^power`` for an item that n_i took, scaled to 1 in the mean over interactions.

    Returns:
        float32 ``[n_items]``; an item without interactions counts as one with one.
    """
    return _power_of_counts(np.bincount(interactions.indices, minlength=interactions.shape[1]), power)


def _power_of_counts(counts: np.ndarray, power: float) -> np.ndarray:
    """Return ``counts^power`` (0 counts as 1), scaled to 1 in the mean over what is counted: float32 ``[n]``."""
    taken = counts.astype(np.float64)
    raised = np.maximum(taken, 1) ** power
    return np.asarray(raised / np.average(raised, weights=np.maximum(taken, 1e-9)), dtype=np.float32)


@dataclass(frozen=True)
class Design:
    """What the regression of items on items is made of: X, W and D of the module.

    Attributes:
        rows: X, float32 ``[n_rows, n_items]``: users, and what else items are counted together in.
        weights: diagonal of W, float32 ``[n_rows]``.
        penalties: diagonal of D, float32 ``[n_items]``.
    """

    rows: sp.csr_matrix
    weights: np.ndarray
    penalties: np.ndarray

    @classmethod
    def of(cls, interactions: sp.csr_matrix, user_power: float, item_power: float) -> Design:
        """Weigh users and items, see :class:`recbole_ktrec.nn.fit_options.Options`."""
        return cls(interactions, user_weights(interactions, user_power), item_penalties(interactions, item_power))

    def gram(self) -> np.ndarray:
        """Return ``X' W X``, dense float32 ``[n_items, n_items]``, made block by block."""
        n = self.rows.shape[1]
        result = np.empty((n, n), dtype=np.float32)
        columns = self.rows.T.tocsr()
        weighted = sp.csr_matrix(sp.diags(self.weights) @ self.rows)
        for some in row_blocks(n):
            result[some] = (columns[some] @ weighted).toarray()
        return result


class Inverse(Protocol):
    """``P = (X' W X + lambda D)^-1`` in some form."""

    regularisation: float

    def times(self, rows: sp.csr_matrix) -> np.ndarray:
        """Return ``rows P``: float32 ``[m, n_items]``."""

    def diagonal(self) -> np.ndarray:
        """Return diag(P): ``[n_items]``."""

    def prior_diagonal(self, prior: sp.csc_matrix) -> np.ndarray:
        """Return ``diag(lambda P K)`` of ``prior`` K: ``[n_items]``."""


class DenseInverse:
    """P itself, by Cholesky factorisation in place: one matrix of ``4 n^2`` bytes.

    Args:
        design: X, W and D.
        regularisation: lambda, above 0.
    """

    def __init__(self, design: Design, regularisation: float) -> None:
        self.regularisation = regularisation
        self.matrix = design.gram()
        self.matrix[np.diag_indices(len(self.matrix))] += np.float32(regularisation) * np.float32(design.penalties)
        # LAPACK reads columns: the lower triangle of the transposed view is the upper one of the array.
        factor, info = scipy.linalg.lapack.spotrf(self.matrix.T, lower=1, clean=0, overwrite_a=1)
        if info:
            raise ValueError(f"X'WX + {regularisation} D is not positive definite (LAPACK spotrf: {info})")
        inverse, _ = scipy.linalg.lapack.spotri(factor, lower=1, overwrite_c=1)
        self.matrix = inverse.T
        _mirror(self.matrix)

    def copy(self) -> DenseInverse:
        """Return one whose matrix may be overwritten (see :func:`item_weights`)."""
        other = copy.copy(self)
        other.matrix = self.matrix.copy()
        return other

    def times(self, rows: sp.csr_matrix) -> np.ndarray:
        return np.asarray(rows @ self.matrix)

    def diagonal(self) -> np.ndarray:
        return np.asarray(self.matrix.diagonal())

    def prior_diagonal(self, prior: sp.csc_matrix) -> np.ndarray:
        result = np.empty(len(self.matrix), dtype=np.float32)
        for some in row_blocks(len(result)):
            part = prior[:, some].T.tocsr()
            result[some] = part.multiply(self.matrix[some]).sum(axis=1).A1
        return self.regularisation * result


def _mirror(matrix: np.ndarray) -> None:
    """Copy the upper triangle onto the lower one, in place."""
    for some in row_blocks(len(matrix)):
        matrix[some.stop :, some] = matrix[some, some.stop :].T
        block = matrix[some, some]
        block[:] = np.triu(block) + np.triu(block, 1).T


@dataclass(frozen=True)
class ScoreParts:
    """Scores of some users, linear in kappa: ``base + kappa * pull``, float32 ``[m, n_items]`` each."""

    base: np.ndarray
    pull: np.ndarray

    def __call__(self, kappa: float) -> np.ndarray:
        return self.base + np.float32(kappa) * self.pull


def parts(
    inverse: Inverse, prior: sp.csc_matrix, pulled: np.ndarray, rows: sp.csr_matrix, columns: np.ndarray | None = None
) -> ScoreParts:
    """Return the scores of the users ``rows`` ``[m, n_items]``.

    Args:
        prior: ``D K``.
        pulled: q of the module's formula, see :func:`pull_diagonal`.
        columns: ids ``[c]`` of the items that scores are wanted of, to which ``prior`` and ``pulled`` belong then; all
            by default.
    """
    explained = inverse.times(rows)
    some = slice(None) if columns is None else columns
    here = explained if columns is None else explained[:, columns]
    base = rows[:, some].toarray() - here / inverse.diagonal()[some]
    pull = times_sparse(inverse.regularisation * explained, prior) - here * pulled
    return ScoreParts(base, pull)


def pull_diagonal(inverse: Inverse, prior: sp.csc_matrix) -> np.ndarray:
    """Return ``q = diag(lambda P K) / diag(P)``: ``[n_items]``."""
    return np.asarray(inverse.prior_diagonal(prior) / inverse.diagonal(), dtype=np.float32)


def times_sparse(dense: np.ndarray, sparse: sp.csc_matrix) -> np.ndarray:
    """Return ``dense sparse`` as a C-ordered array, float32 ``[m, n_columns]``."""
    columns = sparse.T.tocsr()
    result = np.empty((len(dense), sparse.shape[1]), dtype=np.float32)

    def fill(some: slice) -> None:
        result[some] = (columns @ np.ascontiguousarray(dense[some].T)).T

    each_block(fill, len(dense), _CACHED)
    return result


def item_weights(inverse: DenseInverse, prior: sp.csc_matrix, pulled: np.ndarray, kappa: float) -> np.ndarray:
    """Return B, float32 ``[n_items, n_items]``; it takes the place of ``inverse.matrix``, which is gone afterwards."""
    matrix = inverse.matrix
    column = 1 / inverse.diagonal() + np.float32(kappa) * pulled
    for some in row_blocks(len(matrix)):
        block = matrix[some]
        if kappa:
            alike = times_sparse(block, prior)
            alike *= np.float32(kappa * inverse.regularisation)
            block[:] = alike - block * column
        else:
            block *= -column
    matrix[np.diag_indices(len(matrix))] = 0
    del inverse.matrix
    return matrix
