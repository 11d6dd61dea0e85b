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
            same time stands in the order that it is given in (RecBole rounds times, see
            :mod:`recbole_ktrec.compat.exact_times`).
    """
    order = np.lexsort((times, items, users))  # stable
    last = np.r_[(np.diff(users[order]) != 0) | (np.diff(items[order]) != 0), True][: len(users)]
    kept = np.sort(order[last])
    kept = kept[np.lexsort((times[kept], users[kept]))]
    users, items = users[kept], items[kept]
    until = np.searchsorted(users, users, side="right")  # where the user's interactions end
    places = (until - np.arange(len(users))).astype(np.float32)
    return sp.csr_matrix((places, (users, items)), shape)


def decayed(places: sp.csr_matrix, decay: float) -> sp.csr_matrix:
    """Return the weights ``exp(-decay (place - 1))`` of the interactions, in the form of ``places``."""
    weights = np.maximum(np.exp(-decay * (places.data - 1)), _LEAST).astype(np.float32)
    return sp.csr_matrix((weights, places.indices, places.indptr), places.shape)


def in_order(places: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return user and item of the interactions, user by user, the oldest of each first: ``[n]`` each."""
    users = np.repeat(np.arange(places.shape[0]), np.diff(places.indptr))
    order = np.lexsort((-places.data, users))
    return users, places.indices[order]


def one_clock(users: np.ndarray, times: np.ndarray) -> bool:
    """Return whether times can be compared between users: not where each user's own steps are counted from one start.

    Args:
        users, times: of the interactions, ``[n]`` each.
    """
    if not len(users):
        return False
    order = np.lexsort((times, users))
    first = times[order][np.append(True, np.diff(users[order]) != 0)]
    return len(first) == 1 or len(np.unique(first)) > 1
