"""What comes next: directed item-item weights, for histories whose order matters.

EASE asks which items go together, whatever came first. Here what was taken after interaction t is predicted from the
history until then, as SLIT does (the transition half of SLIST; Choi et al., WWW 2021, arXiv:2103.16104):

    minimise  sum_t w_u ||y_t - s_t C||^2 + lambda ||D^1/2 C||^2        C = (S' W S + lambda D)^-1 S' W Y

s_t holds the history weighted as it is when scores are made (:mod:`recbole_ktrec.nn.recency`), y_t what comes next: the
k-th item after t counts exp(-(k - 1)), so that what is asked for a step later is not unheard of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import DenseInverse, Design, times_sparse
from recbole_ktrec.nn.matrices import Matrix, norm, product, row_blocks
from recbole_ktrec.nn.nearest import NearestItems
from recbole_ktrec.nn.recency import in_order
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.text_prior import no_prior
from recbole_ktrec.nn.tuning import plain_or_better

#: Weights of C beside B that are tried, C being scaled to the size of B.
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
#: Interactions before and after t that are looked at, at most, and the least weight that one of them has.
_MOST, _LEAST = 30, 0.02
_FUTURE_DECAY = 1.0
#: Interactions of which the neighbours are gathered at a time.
_INTERACTIONS = 200_000


def _apart(users: np.ndarray, items: np.ndarray, decay: float, step: int, n: int) -> sp.csr_matrix:
    """Return row t: the items before (``step`` -1) or after (1) interaction t, weighted by how far: ``[n_inter, n]``.

    The k-th counts ``exp(-decay (k - 1))``. It is made of some interactions at a time: what is on the way takes several
    times as much memory as the result.
    """
    starts = range(0, max(len(users), 1), _INTERACTIONS)
    return sp.vstack([_some_apart(users, items, decay, step, n, start) for start in starts], format="csr")


def _some_apart(users: np.ndarray, items: np.ndarray, decay: float, step: int, n: int, start: int) -> sp.csr_matrix:
    some = np.arange(start, min(start + _INTERACTIONS, len(users)))
    reach = _MOST if decay <= 0 else min(_MOST, 1 + int(-np.log(_LEAST) / decay))
    rows, columns, weights = [], [], []
    for distance in range(1, reach + 1):
        other = some + step * distance
        inside = (other >= 0) & (other < len(users))
        row, there = some[inside], other[inside]
        valid = users[row] == users[there]
        rows.append(row[valid] - start)
        columns.append(items[there[valid]])
        weights.append(np.full(int(valid.sum()), np.exp(-decay * (distance - 1)), dtype=np.float32))
    parts = np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix(parts, (len(some), n))


@dataclass(frozen=True)
class Successions:
    """What came before and after each interaction.

    Attributes:
        before: the rows s_t of the module, w of each interaction's user, and D.
        later: the rows y_t, ``[n_interactions, n_items]``.
    """

    before: Design
    later: sp.csr_matrix

    @classmethod
    def of(cls, places: sp.csr_matrix, user_design: Design, decay: float) -> Successions:
        """Read the histories.

        Args:
            places: of the interactions from the end of each history, ``[n_users, n_items]``, see
                :func:`recbole_ktrec.nn.recency.places_from_the_end`.
            user_design: of whole histories, which has w and D.
            decay: of the histories.
        """
        n = places.shape[1]
        users, items = in_order(places)
        own = sp.csr_matrix((np.ones(len(users), dtype=np.float32), items, np.arange(len(users) + 1)), (len(users), n))
        later = own + np.float32(np.exp(-_FUTURE_DECAY)) * _apart(users, items, _FUTURE_DECAY, 1, n)
        rows = _apart(users, items, decay, -1, n)
        return cls(Design(rows, user_design.weights[users], user_design.penalties), sp.csr_matrix(later))

    def weights(self, regularisation: float) -> np.ndarray:
        """Return C of the module, float32 ``[n_items, n_items]``, its diagonal 0; lambda is above 0."""
        weighted = sp.csr_matrix(sp.diags(self.before.weights) @ self.later)
        cross = sp.csc_matrix(self.before.rows.T @ weighted, dtype=np.float32)
        matrix = DenseInverse(self.before, regularisation).matrix
        for some in row_blocks(len(matrix)):
            matrix[some] = times_sparse(matrix[some], cross)
        matrix[np.diag_indices(len(matrix))] = 0
        return matrix

    def nearest(self, regularisation: float, most: int) -> sp.csr_matrix:
        """Return C with ``most`` entries a column, see :mod:`recbole_ktrec.nn.nearest`."""
        prior = no_prior(self.later.shape[1])
        return NearestItems(self.before, prior, most, self.later).solve(regularisation, 0.0)


def add_successors(
    matrix: Matrix, successors: Matrix, known: np.ndarray, weight: float | None, sample: Sample | None
) -> tuple[Matrix, float]:
    """Return B + C and the weight of C, which is scaled to the size of B (Frobenius norm); B is gone.

    Args:
        matrix, successors: B and C, ``[n_items, n_items]`` each.
        known: bool ``[n_items]``, items with interactions: that there are others must not count.
        weight: None is chosen on ``sample``: 0 unless more is better beyond a standard error; 0 without a sample.
        sample: held-out interactions, their histories as B reads them.
    """
    successors *= np.float32(norm(matrix, known) / max(norm(successors, known), 1e-9))
    if weight is None:
        weight = 0.0 if sample is None else _chosen(sample, matrix, successors)
    if not weight:
        return matrix, weight
    if not isinstance(matrix, np.ndarray):
        return sp.csr_matrix(matrix + np.float32(weight) * successors), weight
    for some in row_blocks(len(matrix)):
        matrix[some] += np.float32(weight) * successors[some]
    return matrix, weight


def _chosen(sample: Sample, matrix: Matrix, successors: Matrix) -> float:
    def both(some: sp.csr_matrix) -> tuple[np.ndarray, ...]:
        return product(some, matrix), product(some, successors)

    own, more = sample.gather(both)
    return plain_or_better(WEIGHTS, lambda weight: sample.ndcg_by_user(own + np.float32(weight) * more))[1]
