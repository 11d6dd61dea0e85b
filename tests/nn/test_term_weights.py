"""Term weights that are learned from what users take together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn import term_weights
from recbole_ktrec.nn.lexical import term_counts
from recbole_ktrec.nn.term_weights import learned_terms, lift

TEXTS = [None, "lego city", "lego star", "ball city", "ball star", "lego ball"]


def taken(rows: list[list[int]]) -> sp.csr_matrix:
    made = np.zeros((len(rows), len(TEXTS)), dtype=np.float32)
    for user, items in enumerate(rows):
        made[user, items] = 1
    return sp.csr_matrix(made)


HISTORIES = taken([[1, 2, 5], [1, 2], [3, 4], [3, 4, 5], [1], []])


def by_hand(interactions: sp.csr_matrix, holds: np.ndarray) -> np.ndarray:
    """Return the lift from every ordered pair of items of every user, and from every pair of draws."""
    rows = [np.flatnonzero(row) for row in interactions.toarray()]
    pairs = [pair for items in rows for pair in itertools.permutations(items, 2)]
    popular = interactions.toarray().sum(axis=0)
    share = {(i, j): popular[i] * popular[j] for i in range(len(holds)) for j in range(len(holds)) if i != j}
    found = []
    for term in holds.T > 0:
        seen = sum(term[i] and term[j] for i, j in pairs)
        chance = sum(value for (i, j), value in share.items() if term[i] and term[j]) / popular.sum() ** 2
        found.append(np.log((seen + 2) / (len(pairs) * chance + 2)))
    return np.array(found)


@pytest.mark.parametrize("held", [1, 1 << 25])
def test_lift_is_observed_over_expected_pairs(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(term_weights, "_HELD", held)
    counts = term_counts(TEXTS)
    np.testing.assert_allclose(lift(HISTORIES, counts), by_hand(HISTORIES, counts.toarray()), rtol=1e-6)


def test_what_users_take_together_weighs_more_than_what_they_do_not() -> None:
    rows = learned_terms(TEXTS, HISTORIES)
    alike = (rows @ rows.T).toarray()
    assert alike[1, 2] > 2 * alike[1, 3]  # both share one word with item 1: [lego] sells together, [city] does not
    np.testing.assert_allclose(alike.diagonal(), [0, 1, 1, 1, 1, 1], atol=1e-5)


def test_without_interactions_rarity_decides() -> None:
    nobody = sp.csr_matrix((3, len(TEXTS)), dtype=np.float32)
    assert not lift(nobody, term_counts(TEXTS)).any()
    assert np.isfinite(learned_terms(TEXTS, nobody).data).all()


def test_no_texts_link_nothing() -> None:
    assert learned_terms([None] * len(TEXTS), HISTORIES).nnz == 0
