"""Items that a user took close to each other count more as a pair than items that are far apart in the history.

EASE counts every pair of a history alike, ``G = X' W X``. Here the user also stands as windows of so many consecutive
interactions, cut twice, the second time half a window later:

    G = sum_u w_u (c x_u x_u' + (1 - c) / 2 sum_cuts sum_windows x_w x_w')

An item still counts once with itself; a pair at distance d counts about ``c + (1 - c) max(0, 1 - d / length)``. All
that is needed are more rows, so every form of the inverse takes them. Only the order of what is known is looked at, not
where the gaps are: held-out interactions leave none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import Design

#: Lengths that are tried; 0 is EASE. The last two only where the second is better: each takes another G.
WINDOWS = (0, 15, 5, 50)
#: c, the share of a pair that does not depend on the distance.
_WHOLE = 0.3
_CUTS = 2


def with_windows(users: Design, places: sp.csr_matrix, length: int) -> Design:
    """Return the design of users and their windows.

    Args:
        users: the design of users alone, its rows binary.
        places: of the interactions from the end of each history, ``[n_users, n_items]``, see
            :func:`recbole_ktrec.nn.recency.places_from_the_end`.
        length: of a window, in interactions, 1 or more.
    """
    user = np.repeat(np.arange(places.shape[0]), np.diff(places.indptr))
    place = places.data.astype(np.int64) - 1
    rows, weights = [users.rows], [np.float32(_WHOLE) * users.weights]
    for cut in range(_CUTS):
        window = (place + cut * length // _CUTS) // length
        most = window.max(initial=0) + 1
        keys, row = np.unique(user * most + window, return_inverse=True)
        ones = np.ones(len(row), dtype=np.float32)
        rows.append(sp.csr_matrix((ones, (row, places.indices)), (len(keys), places.shape[1])))
        weights.append(np.float32((1 - _WHOLE) / _CUTS) * users.weights[keys // most])
    stacked = sp.csr_matrix(sp.vstack(rows, format="csr"), dtype=np.float32)
    return replace(users, rows=stacked, weights=np.concatenate(weights))
