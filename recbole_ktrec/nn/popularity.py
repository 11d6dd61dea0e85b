"""What is taken in general, beside what a history says.

    score = x B + w n

``x B`` sums what each item of the history says: of a short one that is little, and n, how often an item is taken, ranks
better. w is the same for all users, so the longer a history the less n counts beside it, as in an estimate with a
prior. EASE is w = 0, which stays unless held-out interactions are ranked better beyond one standard error.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import Score
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import plain_or_uphill

_logger = logging.getLogger(__name__)
#: What is tried: standard deviations of ``w n`` over the items to one of the scores of histories.
WEIGHTS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 12.8)
#: Histories whose scores tell that deviation.
_ASKED = 256


def popularity(counts: np.ndarray, rows: sp.csr_matrix, score: Score) -> np.ndarray:
    """Return n with the standard deviation of scores over known items: float32 ``[n_items]``, 0 for unknown ones.

    Where histories say nothing (one item a user, and no text) it is 1.

    Args:
        counts: n, ``[n_items]``.
        rows: histories ``[m, n_items]``, weighted as they are to count, some of which are scored.
        score: gives their scores.
    """
    known, rows = counts > 0, rows[np.diff(rows.indptr) > 0]
    spread = float(counts[known].std()) if known.any() else 0.0
    if not spread or not rows.nnz:
        return np.zeros(len(counts), dtype=np.float32)
    scores = score(rows[:: -(-rows.shape[0] // _ASKED)])[:, known]
    return np.asarray(counts * ((float(scores.std()) or 1.0) / spread), dtype=np.float32)


def weighted(
    given: float | None, sample: Sample | None, rows: sp.csr_matrix, counts: np.ndarray, score: Score
) -> tuple[float, np.ndarray | None]:
    """Return w and ``w n`` ``[n_items]``, None for the latter where w is 0.

    Args:
        given: w, or None to choose it on ``sample``; without one it is 0.
        rows, counts, score: see :func:`popularity`; the histories of ``sample`` stand for ``rows``.
    """
    if given == 0 or (given is None and sample is None):
        return 0.0, None
    unit = popularity(counts, rows if sample is None else sample.rows, score)
    weight = choose_weight(sample, unit, score) if given is None and sample is not None else float(given or 0)
    _logger.info(f"KTEASE: popularity_weight {weight:g}")
    return weight, np.float32(weight) * unit if weight else None


def choose_weight(sample: Sample, unit: np.ndarray, score: Score, weights: Sequence[float] = WEIGHTS) -> float:
    """Return w, in units of :func:`popularity`.

    Args:
        sample: held-out interactions with known items.
        unit: what :func:`popularity` gave.
        score: gives the scores.
    """
    scores = sample.gather(lambda rows: (score(rows),))[0]
    taken = unit[sample.candidates]
    return plain_or_uphill(weights, lambda weight: sample.ndcg_by_user(scores + np.float32(weight) * taken))
