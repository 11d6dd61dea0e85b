"""Users of whom nothing is known: they stand as the average of what is taken, of late if that ranks better.

How much of the interactions, counted from the last, makes that average is chosen on held-out interactions of such
users: all of it (popularity, as the fit sees it) unless less is better beyond a standard error.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import plain_or_better

#: Shares of the interactions that are tried.
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05)
#: Fewer held-out users without a history than this choose nothing.
FEWEST = 20


def choose_recent(
    sample: Sample, average: Callable[[float], sp.csr_matrix], score: Callable[[sp.csr_matrix], np.ndarray]
) -> float:
    """Return the share of the interactions, the latest ones, that users without a history stand for.

    Args:
        sample: held-out interactions; its users with a history decide nothing.
        average: share -> the mean history ``[1, n_items]``.
        score: histories ``[m, n_items]`` -> scores of that shape.
    """
    asked = np.diff(sample.rows.indptr) == 0
    if int(asked.sum()) < FEWEST:
        return SHARES[0]
    unknown = Sample(sample.rows[asked], sample.positives[asked])

    def by_user(share: float) -> np.ndarray:
        scores = score(average(share))[:, unknown.candidates]
        return unknown.ndcg_by_user(np.repeat(scores, int(asked.sum()), axis=0))

    return plain_or_better(SHARES, by_user)[1]
