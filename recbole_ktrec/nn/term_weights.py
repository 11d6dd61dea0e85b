"""Which terms the items of one user share: term weights that are learned from interactions.

A brand, a series or a material tells which items go together, ``for``, ``set`` or ``new`` does not, and how rare a term
is does not say which is which. For every term t, how often two items that hold it were taken by one user, against how
often they would be if everybody drew from the popularity of items (the lift of association rules, Brin et al., SIGMOD
1997; pointwise mutual information):

    observed_t = sum_u c_ut^2 - n_ut,    c_ut: items with t that u took
    expected_t = (sum_u n_u (n_u - 1)) * ((sum_{i with t} n_i)^2 - sum_{i with t} n_i^2) / (sum_i n_i)^2
    lift_t     = log((observed_t + k) / (expected_t + k))

A term then counts ``max(.1, 1 + lift_t)`` times its inverse document frequency. Terms that say nothing of what users
take together get a tenth, those without evidence what TF-IDF gives them. Runs of characters are terms too: with a
weight of their own the parts of compounds, plurals and model numbers are of use.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.lexical import idf, term_counts, weighted_rows, words_and_grams
from recbole_ktrec.nn.matrices import row_blocks

#: k: pairs of items that everything is thought to have been seen as often as expected.
_PAIRS = 2.0
_LEAST = 0.1
#: Heaviest terms of an item: the others of a long text cost most and say least.
_TERMS = 64
#: (User, term) numbers that are held at a time, about: 400 MB.
_HELD = 1 << 25


def lift(interactions: sp.csr_matrix, counts: sp.csr_matrix) -> np.ndarray:
    """Return the lift of each term, see the module: float64 ``[terms]``.

    Args:
        interactions: X, binary ``[n_users, n_items]``.
        counts: which item holds which term, ``[n_items, terms]``; only what is not zero matters.
    """
    holds = sp.csr_matrix((np.ones(counts.nnz, dtype=np.float32), counts.indices, counts.indptr), counts.shape)
    lengths = np.diff(interactions.indptr).astype(np.float64)
    taken = np.bincount(interactions.indices, minlength=interactions.shape[1]).astype(np.float64)
    of_term, own = taken @ holds, taken**2 @ holds
    observed = _squares(interactions, holds) - of_term
    expected = (lengths @ (lengths - 1)) * (of_term**2 - own) / max(float(taken.sum()) ** 2, 1.0)
    return np.asarray(np.log((observed + _PAIRS) / (np.maximum(expected, 0) + _PAIRS)))


def _squares(interactions: sp.csr_matrix, holds: sp.csr_matrix) -> np.ndarray:
    """Return ``sum_u c_ut^2`` ``[terms]``, some users at a time."""
    per_user = interactions.nnz * holds.nnz / max(holds.shape[0], 1) / max(interactions.shape[0], 1)
    step = max(1, int(_HELD / max(per_user, 1)))
    total = np.zeros(holds.shape[1])
    for some in row_blocks(interactions.shape[0], step):
        counted = interactions[some] @ holds
        total += np.bincount(counted.indices, counted.data.astype(np.float64) ** 2, minlength=holds.shape[1])
    return total


def learned_terms(texts: Sequence[str | None], interactions: sp.csr_matrix) -> sp.csr_matrix:
    """Return rows of length 1 of words, word pairs and runs of characters, weighted as the module says.

    Args:
        texts: one an item; None for an item without a text, whose row stays zero.
        interactions: X, binary ``[n_users, n_items]``, of the training part.

    Returns:
        float32 ``[n_items, terms]``.
    """
    counts = term_counts(texts, words_and_grams)
    weights = idf(counts) * np.maximum(1 + lift(interactions, counts), _LEAST)
    return weighted_rows(counts, weights, _TERMS)
