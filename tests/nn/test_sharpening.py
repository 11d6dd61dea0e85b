"""Sharpened entries of B: by hand, chosen where they help, left alone where they do not."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.sharpening import LADDERS, Sharpening, choose_sharpening, powered
from recbole_ktrec.nn.text_prior import no_prior


def one_each(rows: list[list[int]], n: int) -> sp.csr_matrix:
    matrix = sp.lil_matrix((len(rows), n), dtype=np.float32)
    for user, items in enumerate(rows):
        matrix[user, items] = 1
    return matrix.tocsr()


def test_entries_by_hand() -> None:
    matrix = np.array([[0, -4, 9], [1, 0, 4], [16, -1, 0]], dtype=np.float32)
    taken = np.array([1.0, 4.0, 16.0])
    Sharpening(0.5, 0.5, 1.0).apply(matrix, taken)
    expected = [[0, -2 / 2, 3 / 4], [1 / 4, 0, 2 / 4 / 4], [4 / 16, -1 / 2 / 16, 0]]
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)


def test_nothing_to_do_changes_nothing() -> None:
    matrix = np.random.default_rng(0).standard_normal((5, 5), dtype=np.float32)
    before = matrix.copy()
    Sharpening().apply(matrix, np.arange(1.0, 6.0))
    assert np.array_equal(matrix, before) and powered(matrix, 1.0) is matrix


def test_one_strong_neighbour_is_preferred_to_many_weak_ones_where_that_is_right() -> None:
    n = 12  # item 10 is near item 1 alone; item 11 is a little like everything
    matrix = np.zeros((n, n), dtype=np.float32)
    matrix[1, 10], matrix[1:5, 11] = 0.9, 0.24
    rows, wanted = one_each([[1, 2, 3, 4]] * 30, n), one_each([[10]] * 30, n)
    found, ndcg = choose_sharpening(Sample(rows, wanted), matrix, np.ones(n))
    assert found.power > 1 and ndcg == pytest.approx(1.0)
    plain, before = choose_sharpening(Sample(rows, wanted), matrix, np.ones(n), ([1.0], [0.0], [0.0]))
    assert plain == Sharpening() and before == pytest.approx(1 / np.log2(3))


def test_popular_items_are_discounted_only_where_that_helps() -> None:
    n, taken = 12, np.ones(12)
    taken[11] = 100
    matrix = np.zeros((n, n), dtype=np.float32)
    matrix[1, 10], matrix[1, 11] = 0.5, 0.6
    rows = one_each([[1]] * 30, n)
    found, ndcg = choose_sharpening(Sample(rows, one_each([[10]] * 30, n)), matrix, taken, ((1.0,), *LADDERS[1:]))
    assert found.popularity_discount > 0 and ndcg == pytest.approx(1.0)
    found, ndcg = choose_sharpening(Sample(rows, one_each([[11]] * 30, n)), matrix, taken, ((1.0,), *LADDERS[1:]))
    assert found == Sharpening() and ndcg == pytest.approx(1.0)


def test_a_gain_within_chance_is_not_taken() -> None:
    n = 12
    matrix = np.zeros((n, n), dtype=np.float32)
    matrix[1, 10], matrix[1:5, 11] = 0.9, 0.24
    rows = one_each([[1, 2, 3, 4]] * 30, n)
    mixed = one_each([[10]] * 16 + [[11]] * 14, n)  # 16 users gain what 14 lose
    assert choose_sharpening(Sample(rows, mixed), matrix, np.ones(n))[0] == Sharpening()


def test_a_fit_follows_the_given_numbers_and_says_what_it_chose(caplog: pytest.LogCaptureFixture) -> None:
    interactions = one_each([[1, 2], [2, 3], [1, 2, 3], [4, 5], [4, 5, 1]], 6)
    plain = Fit(interactions, no_prior(6), Options(5.0, 0.0, 0.0), None).run()
    given = Options(5.0, 0.0, 0.0, score_power=2.0, popularity_discount=0.5, history_discount=0.25)
    with caplog.at_level(logging.INFO):
        made = Fit(interactions, no_prior(6), given, None).run()
    taken = np.maximum(np.bincount(interactions.indices, minlength=6), 1.0)
    b = plain(sp.eye(6, format="csr", dtype=np.float32))
    expected = np.sign(b) * b**2 * taken**-0.5 * taken[:, None] ** -0.25
    np.testing.assert_allclose(made(sp.eye(6, format="csr", dtype=np.float32)), expected, atol=1e-6)
    assert "score_power 2, popularity_discount 0.5, history_discount 0.25" in caplog.text
