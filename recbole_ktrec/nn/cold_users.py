"""Users of whom nothing is known: they stand as the average of what is taken, of late if that ranks better.

How much of the interactions, counted from the last, makes that average is chosen on held-out interactions of such
users: all of it (popularity, as the fit sees it) unless less is better beyond a standard error.

B has no diagonal, as an item says nothing new of a user who has taken it. Who has taken nothing is another matter:
there the average itself, how often each item is taken, counts as much as what B makes of it.

Items that nobody has taken were put on the scale of users with a history; the average of everybody is a history of
another kind, and may lift hundreds of them to the top. So they stay below all others for such users, unless held-out
interactions of such users show that they are wanted, beyond a standard error.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.cold_demand import by_cold_item
from recbole_ktrec.nn.matrices import Score
from recbole_ktrec.nn.samples import FEWEST, Sample
from recbole_ktrec.nn.tuning import plain_or_better, proven

#: Shares of the interactions that are tried.
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05)
#: How far up from the bottom items that nobody took are let; the least keeps their order.
LIFTS = (0.001, 0.25, 0.5, 1.0)


def with_popularity(scores: np.ndarray, average: sp.csr_matrix, known: np.ndarray, lift: float = 1.0) -> np.ndarray:
    """Return scores of users without a history, one half how often items are taken: float32 ``[m, n_items]``.

    Args:
        scores: of the average history, ``[m, n_items]``.
        average: that history, ``[1, n_items]``; it gets the spread of the scores.
        known: bool ``[n_items]``, items with interactions.
        lift: of the others, from the lowest score of a known item (0) to the score that they have (1).
    """
    if not known.any():
        return scores
    taken = average.toarray()
    spread = np.float32(scores[:, known].std() / max(float(taken[:, known].std()), 1e-9))
    mixed = (scores + spread * taken) / 2
    lowest = mixed[:, known].min(axis=1, keepdims=True)
    return np.asarray(np.where(known, mixed, lowest + lift * (scores - lowest)), dtype=np.float32)


def choose_unknown(
    sample: Sample, average: Callable[[float], sp.csr_matrix], score: Score, shares: Sequence[float] = SHARES
) -> tuple[float, float]:
    """Return what users without a history stand for: (share of the interactions, the latest ones; lift of new items).

    Args:
        sample: held-out interactions; its users with a history decide nothing.
        average: share -> the mean history ``[1, n_items]``.
        score: gives the scores.
    """
    unknown = sample.without_history()
    if unknown is None or unknown.rows.shape[0] < FEWEST:
        return shares[0], LIFTS[0]
    known = average(shares[0]).toarray()[0] > 0
    scored = functools.cache(lambda share: score(average(share)))

    def by_user(share: float, lift: float) -> np.ndarray:
        scores = with_popularity(scored(share), average(share), known, lift)[:, unknown.candidates]
        return unknown.ndcg_by_user(np.repeat(scores, unknown.rows.shape[0], axis=0))

    # One new item that many took must not lift all of them.
    same = by_cold_item(unknown.wanted.numpy(), ~known[unknown.candidates])
    lift = proven({lift: by_user(shares[0], lift) for lift in LIFTS}, LIFTS[0], same)
    return plain_or_better(shares, lambda share: by_user(share, lift))[1], lift
