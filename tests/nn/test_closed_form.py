"""KTEASE without RecBole: answers worked out by hand, and the condition that the solution must meet."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import (
    DenseInverse,
    Design,
    item_penalties,
    item_weights,
    parts,
    pull_diagonal,
    user_weights,
)
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options, memory
from recbole_ktrec.nn.fitted import as_matrices, count_items, scores_from
from recbole_ktrec.nn.low_rank import LowRank, LowRankInverse, LowRankScores, leading_eigenpairs
from recbole_ktrec.nn.nearest import NearestItems
from recbole_ktrec.nn.sharpening import Sharpening
from recbole_ktrec.nn.spreading import spread_over_neighbours
from recbole_ktrec.nn.text_prior import no_prior
from tests.support import sample_from


def matrix(rows: list[list[int]]) -> sp.csr_matrix:
    return sp.csr_matrix(np.array(rows, dtype=np.float32))


def prior_of(n: int, *pairs: tuple[int, int, float]) -> sp.csc_matrix:
    row, column, value = zip(*pairs, strict=True)
    return sp.csc_matrix((np.array(value, dtype=np.float32), (row, column)), (n, n))


@pytest.fixture
def random_case() -> tuple[sp.csr_matrix, sp.csc_matrix]:
    draw = np.random.default_rng(0)
    interactions = sp.csr_matrix((draw.random((60, 25)) < 0.2).astype(np.float32))
    interactions[:, [0, 24]] = 0  # the padding item, and one that nobody took
    interactions.eliminate_zeros()
    alike = (draw.random((25, 25)) * (draw.random((25, 25)) < 0.3)).astype(np.float32)
    np.fill_diagonal(alike, 0)
    alike[0] = alike[:, 0] = 0
    alike[3:6, 24] = 0.5
    return interactions, sp.csc_matrix(alike)


def fitted(interactions: sp.csr_matrix, prior: sp.csc_matrix, lam: float, kappa: float) -> np.ndarray:
    inverse = DenseInverse(Design.of(interactions, 0.0, 0.0), lam)
    return item_weights(inverse, prior, pull_diagonal(inverse, prior), kappa)


def test_three_items_by_hand() -> None:
    # G + I = [[2 1 0] [1 3 1] [0 1 2]], its inverse [[5 -2 1] [-2 4 -2] [1 -2 5]] / 8.
    interactions = matrix([[1, 1, 0], [0, 1, 1]])
    plain = fitted(interactions, no_prior(3), 1.0, 0.0)
    np.testing.assert_allclose(plain, [[0, 0.5, -0.2], [0.4, 0, 0.4], [-0.2, 0.5, 0]], atol=1e-6)
    pulled = fitted(interactions, prior_of(3, (0, 2, 1.0)), 1.0, 1.0)
    np.testing.assert_allclose(pulled[:, 2], [0.4, 0.2, 0], atol=1e-6)
    np.testing.assert_allclose(pulled[:, :2], plain[:, :2], atol=1e-6)


def test_solution_meets_its_condition(random_case: tuple[sp.csr_matrix, sp.csc_matrix]) -> None:
    """The gradient ``G B - G + lambda (B - kappa K)`` is 0 off the diagonal, where B is free."""
    interactions, prior = random_case
    found = fitted(interactions, prior, 3.0, 0.4).astype(np.float64)
    statistics = (interactions.T @ interactions).toarray()
    gradient = statistics @ found - statistics + 3.0 * (found - 0.4 * prior.toarray())
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 1e-4
    assert np.diag(found).max() == 0


def test_solution_with_penalties_meets_its_condition(random_case: tuple[sp.csr_matrix, sp.csc_matrix]) -> None:
    """As above with ``lambda D``."""
    interactions, prior = random_case
    penalties = np.linspace(0.5, 3, 25).astype(np.float32)
    weighted = sp.csc_matrix(sp.diags(penalties) @ prior, dtype=np.float32)
    inverse = DenseInverse(Design(interactions, np.ones(60, dtype=np.float32), penalties), 3.0)
    found = item_weights(inverse, weighted, pull_diagonal(inverse, weighted), 0.4).astype(np.float64)
    statistics = (interactions.T @ interactions).toarray()
    gradient = statistics @ found - statistics + 3.0 * penalties[:, None] * (found - 0.4 * prior.toarray())
    np.fill_diagonal(gradient, 0)
    assert np.abs(gradient).max() < 1e-4


def test_without_prior_it_is_ease(random_case: tuple[sp.csr_matrix, sp.csc_matrix]) -> None:
    interactions, prior = random_case
    inverse = np.linalg.inv((interactions.T @ interactions).toarray() + 7 * np.eye(25))
    expected = inverse / -np.diag(inverse)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(fitted(interactions, prior, 7.0, 0.0), expected, atol=1e-6)


def test_item_without_interactions_falls_back_to_the_prior(
    random_case: tuple[sp.csr_matrix, sp.csc_matrix],
) -> None:
    interactions, prior = random_case
    options = Options(regularisation=5.0, prior_weight=0.2, neighbour_weight=0.0, cold_scale=0.3)
    scores = Fit(interactions, prior, options, None).run()(interactions)
    np.testing.assert_allclose(scores[:, 24], 0.3 * (interactions @ prior[:, 24].power(2)).toarray().ravel(), atol=1e-6)
    assert scores[:, 24].max() > 0


def test_scores_of_users_are_those_of_the_matrix(random_case: tuple[sp.csr_matrix, sp.csc_matrix]) -> None:
    interactions, prior = random_case
    inverse = DenseInverse(Design.of(interactions, 0.5, 0.0), 4.0)
    pulled = pull_diagonal(inverse, prior)
    direct = parts(inverse, prior, pulled, interactions)(0.3)
    through = np.asarray(interactions @ item_weights(inverse, prior, pulled, 0.3))
    # What a user took is never a candidate: there the diagonal makes the two differ.
    others = interactions.toarray() == 0
    np.testing.assert_allclose(direct[others], through[others], atol=1e-5)


def test_gram_in_blocks_is_the_product() -> None:
    interactions = sp.csr_matrix((np.random.default_rng(1).random((40, 1200)) < 0.05).astype(np.float32))
    weights = np.linspace(0.5, 2, 40).astype(np.float32)
    expected = interactions.T @ sp.diags(weights) @ interactions
    design = Design(interactions, weights, np.ones(1200, dtype=np.float32))
    np.testing.assert_allclose(design.gram(), expected.toarray(), rtol=1e-5)


def test_large_dense_inverse_crosses_blocks() -> None:
    interactions = sp.csr_matrix((np.random.default_rng(2).random((90, 1100)) < 0.02).astype(np.float32))
    inverse = DenseInverse(Design.of(interactions, 0.0, 0.0), 2.0).matrix
    expected = np.linalg.inv((interactions.T @ interactions).toarray() + 2 * np.eye(1100))
    np.testing.assert_allclose(inverse, expected, atol=1e-5)


def test_heavy_users_count_less_and_the_mean_stays_one() -> None:
    interactions = matrix([[1, 1, 1, 1], [1, 0, 0, 0]])
    weights = user_weights(interactions, 0.5)
    assert weights[1] == pytest.approx(2 * weights[0])
    assert (4 * weights[0] + weights[1]) / 5 == pytest.approx(1)
    np.testing.assert_allclose(user_weights(interactions, 0.0), 1)
    idle = matrix(
        [[1, 1, 1, 1], [1, 0, 0, 0], *[[0, 0, 0, 0]] * 5]
    )  # who took nothing does not change what lambda means
    np.testing.assert_array_equal(user_weights(idle, 0.5)[:2], weights)


def test_popular_items_are_held_back_more_and_the_mean_stays_one() -> None:
    interactions = matrix([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    penalties = item_penalties(interactions, 0.5)
    assert penalties[0] == pytest.approx(2 * penalties[1])
    assert penalties[2] == penalties[1]
    assert (4 * penalties[0] + penalties[1]) / 5 == pytest.approx(1)
    np.testing.assert_allclose(item_penalties(interactions, 0.0), 1)


@pytest.mark.parametrize(("rank", "power"), [(25, 0.0), (12, 0.0), (25, 0.5), (12, 0.5)])
def test_low_rank_is_near_the_dense_solution(
    random_case: tuple[sp.csr_matrix, sp.csc_matrix], rank: int, power: float
) -> None:
    interactions, prior = random_case
    design = Design.of(interactions, 0.5, power)
    dense, low_rank = DenseInverse(design, 20.0), LowRank(design, rank)
    low = LowRankInverse(low_rank, 20.0)
    tolerance = 1e-5 if rank == 25 else 2e-3
    np.testing.assert_allclose(low.times(interactions), dense.times(interactions), atol=tolerance)
    np.testing.assert_allclose(low.diagonal(), dense.diagonal(), atol=tolerance)
    np.testing.assert_allclose(low.prior_diagonal(prior), dense.prior_diagonal(prior), atol=20 * tolerance)
    # One lambda after the other, for some users and items alone, with the prior that the penalties make.
    some, pull = np.array([1, 2, 7, 20]), sp.csc_matrix(sp.diags(design.penalties) @ prior, dtype=np.float32)
    scores = LowRankScores(low_rank, pull, interactions[:9], some)
    for regularisation in (5.0, 20.0):
        inverse = LowRankInverse(low_rank, regularisation)
        pulled = pull_diagonal(inverse, pull)
        expected = parts(inverse, pull[:, some], pulled[some], interactions[:9], some)
        for part in ("base", "pull"):
            np.testing.assert_allclose(
                getattr(scores.at(regularisation), part), getattr(expected, part), atol=1e-4, rtol=1e-4
            )


def test_eigenpairs_are_those_of_the_gram_matrix(random_case: tuple[sp.csr_matrix, sp.csc_matrix]) -> None:
    interactions, _ = random_case
    values, vectors = leading_eigenpairs(interactions, np.ones(60, dtype=np.float32), 5, rounds=30)
    expected = np.linalg.eigvalsh((interactions.T @ interactions).toarray())[::-1][:5]
    np.testing.assert_allclose(values, expected, rtol=1e-3)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(5), atol=1e-4)


def checkerboard(users: int = 30, items: int = 16) -> tuple[sp.csr_matrix, np.ndarray]:
    """Even users like even items, odd ones odd items; each has one item withheld (item 0 is padding)."""
    dense = np.fromfunction(lambda u, i: (u + i) % 2 == 0, (users, items)).astype(np.float32)
    dense[:, 0] = 0
    withheld = np.array([[i for i in range(1, items) if (u + i) % 2 == 0][u // 2 % 7] for u in range(users)])
    dense[np.arange(users), withheld] = 0
    return sp.csr_matrix(dense), withheld


@pytest.mark.parametrize("nearest", [0, 4])
def test_checkerboard_gives_the_withheld_item_back(nearest: int) -> None:
    interactions, withheld = checkerboard()
    options = Options(regularisation=2.0, prior_weight=0.1, neighbour_weight=0.0, nearest_items=nearest)
    scores = Fit(interactions, no_prior(16), options, None).run()(interactions)
    scores[interactions.toarray() > 0] = -np.inf
    assert (scores.argmax(axis=1) == withheld).all()


@pytest.mark.parametrize("nearest", [0, 5])
def test_scores_survive_as_plain_matrices(random_case: tuple[sp.csr_matrix, sp.csc_matrix], nearest: int) -> None:
    interactions, prior = random_case
    options = Options(regularisation=5.0, prior_weight=0.2, neighbour_weight=0.1, nearest_items=nearest)
    first = Fit(interactions, prior, options, None).run()
    kept = as_matrices(first)
    assert count_items(kept) == 25
    np.testing.assert_array_equal(scores_from(kept)(interactions), first(interactions))


def test_with_all_other_items_the_sparse_form_is_the_dense_one(
    random_case: tuple[sp.csr_matrix, sp.csc_matrix],
) -> None:
    interactions, prior = random_case  # of fewer than 20 neighbours
    both = [
        Fit(interactions, prior, Options(5.0, 0.2, 0.3, 0.4, nearest_items=nearest), None).run()(interactions)
        for nearest in (0, 25)
    ]
    np.testing.assert_allclose(both[0], both[1], atol=2e-5)


def test_items_explain_those_they_were_taken_with_or_read_alike() -> None:
    """Items 1 and 2 are taken together, 3 is taken alone and reads like 1."""
    interactions = sp.csr_matrix(np.array([[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=np.float32))
    prior = prior_of(4, (1, 3, 0.5))
    design = Design.of(interactions, 0.0, 0.0)
    matrix = NearestItems(design, prior, 1).solve(2.0, 0.4)
    found = matrix.toarray()
    assert found[1, 2] == found[2, 1] == pytest.approx(2 / (2 + 2))  # taken twice together, lambda 2
    assert found[1, 3] == pytest.approx(2 * 0.4 * 0.5 / (2 + 2))  # by its text alone
    assert matrix.nnz == 3
    more = NearestItems(design, prior, 3).solve(2.0, 0.4).toarray()
    np.testing.assert_allclose(more[1:3, 3], np.linalg.solve([[4, 2], [2, 4]], [0.4, 0]), atol=1e-6)  # item 2 beside it
    assert not more[:, 0].any() and not more.diagonal().any()
    own = Sharpening(2.0, 1.0, 0.5)
    dense = found.copy()
    own.apply(matrix, np.full(4, 2, dtype=np.float32))
    own.apply(dense, np.full(4, 2, dtype=np.float32))
    np.testing.assert_allclose(matrix.toarray(), dense, atol=1e-7)


def test_neighbours_hand_on_shares() -> None:
    spread = spread_over_neighbours(prior_of(3, (0, 1, 1.0), (2, 1, 2.0)), np.array([True, True, True])).toarray()
    np.testing.assert_allclose(spread[1], [1 / 17, 0, 16 / 17])
    assert spread[0].sum() == spread[2].sum() == 0
    unknown = spread_over_neighbours(prior_of(3, (0, 1, 1.0), (2, 1, 2.0)), np.array([True, True, False])).toarray()
    np.testing.assert_allclose(unknown[1], [1, 0, 0])
    nearest = spread_over_neighbours(prior_of(3, (0, 1, 1.0), (2, 1, 2.0)), np.array([True, True, True]), 1).toarray()
    np.testing.assert_allclose(nearest[1], [0, 0, 1])


def test_what_is_left_open_is_chosen_on_held_out_interactions() -> None:
    """Only the text links the two items of a pair: a pull must be chosen, and finds the second of each."""
    users, n = 120, 41
    draw = np.random.default_rng(0)
    # Item k and its twin k + 20 have one text; nobody took both in training.
    taken = draw.integers(1, 21, users)
    ones, every = np.ones(users, dtype=np.float32), np.arange(users)
    interactions = sp.csr_matrix((ones, (every, taken)), (users, n))
    twins = [(k, k + 20, 1.0) for k in range(1, 21)] + [(k + 20, k, 1.0) for k in range(1, 21)]
    others = sp.csr_matrix((ones, (every, draw.integers(21, 41, users))), (users, n))
    training = sp.csr_matrix(sp.vstack([interactions, others]))
    sample = sample_from(training, every, every, taken + 20)
    fit = Fit(training, prior_of(n, *twins), Options(), sample)
    assert fit.choice().prior_weight > 0
    assert fit.choice().ndcg == pytest.approx(1)
    assert Fit(training, prior_of(n, *twins), Options(prior_weight=0.0), sample).choice().prior_weight == 0


def test_memory_grows_with_the_square_only_when_dense() -> None:
    assert memory(200_000, 100, 0) > 100 * 2**30
    assert memory(200_000, 100, 300, ordered=3_000_000) < 16 * 2**30
    assert memory(40_000, 100, 0) / memory(20_000, 100, 0) > 2
    assert memory(20_000, 100, 0, ordered=10) - memory(20_000, 100, 0) == 4 * 20_000**2 + 11_000
    assert memory(20_000, 100, 300, ordered=10) - memory(20_000, 100, 300) == 2 * 8 * 20_000 * 390 + 11_000
    assert memory(40_000, 100, 300) / memory(20_000, 100, 300) < 2
    assert memory(20_000, 100, 0, beside=1) - memory(20_000, 100, 0) == 4 * 20_000**2 + 8 * 20_000 * 100


def test_items_without_interactions_do_not_decide_the_numbers(
    random_case: tuple[sp.csr_matrix, sp.csc_matrix],
) -> None:
    interactions, prior = random_case  # nobody has taken item 24
    draw = np.random.default_rng(5)
    users, item = np.arange(60), draw.integers(1, 24, 60)
    known = sample_from(interactions, users, users, item)
    both = sample_from(interactions, users, np.r_[users, users], np.r_[item, np.full(60, 24)])
    options = Options(regularisation=20.0, neighbour_weight=0.0)
    assert Fit(interactions, prior, options, both).choice() == Fit(interactions, prior, options, known).choice()
    only_cold = sample_from(interactions, users, users, np.full(60, 24))
    assert (
        Fit(interactions, prior, options, only_cold).choice().prior_weight == 0.05
    )  # the default: nothing to choose on
