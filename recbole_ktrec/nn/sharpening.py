"""The entries of B after the fit: sharpened, and discounted by how popular both items are.

    B_ji <- n_j^-h sign(B_ji) |B_ji|^p n_i^-d

Least squares weighs an item by how often it is taken; the top of a list asks for the best few. A power p above 1 lets
one strong neighbour in the history count for more than many weak ones; d and h take some of the weight of popular items
away, as what is recommended and as what it is recommended for. EASE is p = 1, d = h = 0. The three numbers are chosen
by NDCG@10 on held-out interactions; the plain entries stay unless they are beaten by more than one standard error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import Matrix, product, row_blocks
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import proven

#: Rows of B that are copied and raised at a time.
_USED = 4096
#: What is tried of p, d and h, the plain number first.
LADDERS = ((1.0, 1.25, 1.5), (0.0, -0.05, 0.05, 0.1, 0.2, 0.3), (0.0, 0.1, 0.2))


def powered(values: np.ndarray, power: float) -> np.ndarray:
    """Return ``sign(x) |x|^power``."""
    return values if power == 1 else np.copysign(np.abs(values) ** np.float32(power), values)


def raised_entries(matrix: Matrix, power: float) -> Matrix:
    """Return B with its entries ``powered``."""
    if isinstance(matrix, np.ndarray):
        return powered(matrix, power)
    return sp.csr_matrix((powered(matrix.data, power), matrix.indices, matrix.indptr), matrix.shape)


@dataclass(frozen=True)
class Sharpening:
    """The three numbers of the module: p, d and h."""

    power: float = 1.0
    popularity_discount: float = 0.0
    history_discount: float = 0.0

    def __str__(self) -> str:
        discounts = f"popularity_discount {self.popularity_discount:g}, history_discount {self.history_discount:g}"
        return f"score_power {self.power:g}, {discounts}"

    def apply(self, matrix: Matrix, taken: np.ndarray) -> None:
        """Change B ``[n_items, n_items]`` in place; ``taken`` ``[n_items]`` is n, above 0."""
        column = (taken**-self.popularity_discount).astype(np.float32)
        row = (taken**-self.history_discount).astype(np.float32)
        if not isinstance(matrix, np.ndarray):
            entries = powered(matrix.data, self.power) * column[matrix.indices]
            matrix.data[:] = entries * np.repeat(row, np.diff(matrix.indptr))
            return
        for some in row_blocks(len(matrix)) if self != Sharpening() else ():
            block = matrix[some]
            block[:] = powered(block, self.power) * column * row[some, None]


def choose_sharpening(
    sample: Sample, matrix: Matrix, taken: np.ndarray, ladders: Sequence[Sequence[float]] = LADDERS
) -> tuple[Sharpening, float]:
    """Return what is best on ``sample``, and its NDCG@10.

    Args:
        matrix: B, ``[n_items, n_items]``.
        taken: n, ``[n_items]``, above 0.
        ladders: what is tried of p, d and h, the plain number first; one value alone is taken as it is.
    """
    powers, popularity_discounts, history_discounts = ladders
    tried: dict[Sharpening, np.ndarray] = {}

    def try_all(tried_powers: Sequence[float], history: float) -> None:
        weights = (taken**-history).astype(np.float32)
        scored = sample.gather(lambda some: _scores(some, weights, matrix, tried_powers))
        for power, scores in zip(tried_powers, scored, strict=True):
            for discount in popularity_discounts:
                column = (taken[sample.candidates] ** -discount).astype(np.float32)
                tried[Sharpening(power, discount, history)] = sample.ndcg_by_user(scores * column)

    try_all(powers, history_discounts[0])
    for history in history_discounts[1:]:
        best = max(tried, key=lambda one: float(tried[one].mean()))
        try_all([best.power], history)
    chosen = proven(tried, next(iter(tried)))
    return chosen, float(tried[chosen].mean())


def _scores(
    rows: sp.csr_matrix, weights: np.ndarray, matrix: Matrix, powers: Sequence[float]
) -> tuple[np.ndarray, ...]:
    """Return the scores of the histories ``rows`` with each power, their items weighted: ``[m, n_items]`` each."""
    used = np.unique(rows.indices)
    given = sp.csc_matrix(rows[:, used] @ sp.diags(weights[used]))
    found = tuple(np.zeros(rows.shape, dtype=np.float32) for _ in powers)
    for part in row_blocks(len(used), _USED):
        entries, some = matrix[used[part]], given[:, part].tocsr()
        for scores, power in zip(found, powers, strict=True):
            scores += product(some, raised_entries(entries, power))
    return found
