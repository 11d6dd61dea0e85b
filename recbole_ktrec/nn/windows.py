"""Items that a user took close to each other count more as a pair than items that are far apart in the history.

EASE counts every pair of a history alike, ``G = X' W X``. Here the user also stands as windows of so many consecutive
interactions, cut twice, the second time half a window later:

    G = sum_u w_u (c x_u x_u' + (1 - c) / 2 sum_cuts sum_windows x_w x_w')

An item still counts once with itself; a pair at distance d counts about ``c + (1 - c) max(0, 1 - d / length)``. All
that is needed are more rows, so every form of the inverse takes them. Only the order of what is known is looked at, not
where the gaps are: held-out interactions leave none.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

#: Lengths that are tried; 0 is EASE. The last two only where the second is better: each takes another G.
WINDOWS = (0, 15, 5, 50)
#: c, the share of a pair that does not depend on the distance.
_WHOLE = 0.3
_CUTS = 2


def with_windows(
    interactions: sp.csr_matrix, weights: np.ndarray, places: sp.csr_matrix, length: int
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Return the rows of users and windows, float32 ``[n_rows, n_items]``, and what each counts, ``[n_rows]``.

    Args:
        interactions: X, binary ``[n_users, n_items]``.
        weights: diagonal of W, ``[n_users]``.
        places: of the interactions from the end of each history, ``[n_users, n_items]``, see
            :func:`recbole_ktrec.nn.recency.places_from_the_end`.
        length: of a window, in interactions, 1 or more.
    """
    users = np.repeat(np.arange(places.shape[0]), np.diff(places.indptr))
    place = places.data.astype(np.int64) - 1
    rows, counts = [interactions], [np.float32(_WHOLE) * weights]
    for cut in range(_CUTS):
        window = (place + cut * length // _CUTS) // length
        most = window.max(initial=0) + 1
        keys, row = np.unique(users * most + window, return_inverse=True)
        ones = np.ones(len(row), dtype=np.float32)
        rows.append(sp.csr_matrix((ones, (row, places.indices)), (len(keys), places.shape[1])))
        counts.append(np.float32((1 - _WHOLE) / _CUTS) * weights[keys // most])
    return sp.csr_matrix(sp.vstack(rows, format="csr"), dtype=np.float32), np.concatenate(counts)
