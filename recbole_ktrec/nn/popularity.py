"""What is taken in general, beside what a history says.

    score = x B + w n

``x B`` sums what each item of the history says: of a short one that is little, and n, how often an item is taken, ranks
better. w is the same for all users, so the longer a history the less n counts beside it, as in an estimate with a
prior. EASE is w = 0, which stays unless held-out interactions are ranked better beyond one standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import plain_or_uphill

#: What is tried: standard deviations of ``w n`` over the items to one of the scores of histories.
WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 12.8)
#: Histories whose scores tell that deviation.
_ASKED = 256


def popularity(counts: np.ndarray, rows: sp.csr_matrix, score: Callable[[sp.csr_matrix], np.ndarray]) -> np.ndarray:
    """Return n with the standard deviation of scores over known items: float32 ``[n_items]``, 0 for unknown ones.

    Args:
        counts: n, ``[n_items]``.
        rows: histories ``[m, n_items]``, some of which are scored.
        score: histories -> scores of that shape.
    """
    known, step = counts > 0, -(-rows.shape[0] // _ASKED)
    spread = float(counts[known].std()) if known.any() else 0.0
    if not spread or not rows.nnz:
        return np.zeros(len(counts), dtype=np.float32)
    return np.asarray(counts * (score(rows[::step])[:, known].std() / spread), dtype=np.float32)


def choose_weight(
    sample: Sample, unit: np.ndarray, score: Callable[[sp.csr_matrix], np.ndarray], weights: Sequence[float] = WEIGHTS
) -> float:
    """Return w, in units of :func:`popularity`.

    Args:
        sample: held-out interactions with known items.
        unit: what :func:`popularity` gave.
        score: histories ``[m, n_items]`` -> scores of that shape.
    """
    scores = sample.gather(lambda rows: (score(rows),), sample.rows)[0]
    taken = unit[sample.candidates]
    return plain_or_uphill(weights, lambda weight: sample.ndcg_by_user(scores + np.float32(weight) * taken))
