"""How much the interactions of a history count by how recent they are: the last 1, the k-th last exp(-decay (k - 1)).

The item-item statistics stay as they are; only what a user's scores are made from is weighted, so that one solution
serves every decay. Where held-out interactions are no later than the others (a random split), nothing is gained, and
all interactions count the same.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

DECAYS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
#: An old interaction stays one: what has no weight would be a candidate again.
_LEAST = 1e-6


def places_from_the_end(
    users: np.ndarray, items: np.ndarray, times: np.ndarray, shape: tuple[int, int]
) -> sp.csr_matrix:
    """Return for each interaction how many of that user's are later, plus 1: float32 ``shape``, users x items.

    Args:
        users, items, times: of the interactions, ``[n]`` each. Of repeats the last one counts; what happened at the
            same time has the same place.
    """
    order = np.lexsort((times, items, users))
    users, items, times = users[order], items[order], times[order]
    last = np.r_[(users[1:] != users[:-1]) | (items[1:] != items[:-1]), True][: len(users)]
    users, items, times = users[last], items[last], times[last]
    order = np.lexsort((times, users))
    users, items, times = users[order], items[order], times[order]
    until = np.searchsorted(users, users, side="right")  # where the user's interactions end
    new = np.r_[True, (users[1:] != users[:-1]) | (times[1:] != times[:-1])][: len(users)]
    group = np.cumsum(new) - 1
    tied = np.r_[np.flatnonzero(new), len(users)][group + 1] if len(users) else group  # where those of that time end
    return sp.csr_matrix(((until - tied + 1).astype(np.float32), (users, items)), shape)


def decayed(places: sp.csr_matrix, decay: float) -> sp.csr_matrix:
    """Return the weights ``exp(-decay (place - 1))`` of the interactions, in the form of ``places``."""
    weights = np.maximum(np.exp(-decay * (places.data - 1)), _LEAST).astype(np.float32)
    return sp.csr_matrix((weights, places.indices, places.indptr), places.shape)
