"""What is taken in general counts beside a history where that ranks better."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.fitted import Dense, Sparse, as_matrices, scores_from
from recbole_ktrec.nn.popularity import choose_weight, popularity
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.spreading import fill_cold, popular_cold
from recbole_ktrec.nn.text_prior import no_prior
from tests.support import sample_from

ITEMS, USERS = 120, 900


def short_histories(taste: float) -> tuple[sp.csr_matrix, Sample]:
    """Three items a user, the third held out: drawn by how popular they are, those of the user's half more often."""
    draw = np.random.default_rng(0)
    weight = 1 / np.arange(1, ITEMS) ** 0.8
    training, later = np.zeros((USERS, ITEMS), dtype=np.float32), np.zeros(USERS, dtype=np.int64)
    for user in range(USERS):
        mine = weight * np.where(np.arange(1, ITEMS) % 2 == user % 2, np.exp(taste), 1.0)
        first, second, later[user] = 1 + draw.choice(ITEMS - 1, 3, replace=False, p=mine / mine.sum())
        training[user, [first, second]] = 1
    everyone = np.arange(USERS)
    return sp.csr_matrix(training), sample_from(sp.csr_matrix(training), everyone, everyone, later)


def popular_only(training: sp.csr_matrix, sample: Sample) -> float:
    counts = np.asarray(training.sum(axis=0), dtype=np.float32)
    return sample.ndcg(np.repeat(counts, USERS, axis=0)[:, sample.candidates])


def ndcg(fitted: Dense | Sparse, sample: Sample) -> float:
    return float(sample.ndcg_with(fitted).mean())


@pytest.mark.parametrize("nearest", [0, 30])
def test_where_histories_say_nothing_popularity_is_as_good_as_alone(
    nearest: int, caplog: pytest.LogCaptureFixture
) -> None:
    training, sample = short_histories(taste=0.0)
    plain, auto = (
        Fit(training, no_prior(ITEMS), Options(nearest_items=nearest, popularity_weight=weight), sample)
        for weight in (0.0, None)
    )
    with caplog.at_level(logging.INFO):
        before, after = (ndcg(fit.run(), sample) for fit in (plain, auto))
    weight = auto.settled().popularity_weight
    assert plain.settled().popularity_weight == 0 and weight is not None and weight >= 0.4
    assert after > 1.05 * before and after > 0.97 * popular_only(training, sample)
    assert f"popularity_weight {weight:g}" in caplog.text


def test_where_histories_say_enough_it_counts_little_or_nothing() -> None:
    training, sample = short_histories(taste=6.0)
    fit = Fit(training, no_prior(ITEMS), Options(), sample)
    assert ndcg(fit.run(), sample) > 1.2 * popular_only(training, sample)
    weight = fit.settled().popularity_weight
    assert weight is not None and weight <= 0.2
    counts = np.asarray(training.sum(axis=0), dtype=np.float32).ravel()
    known_best = sp.csr_matrix(sample.positives, dtype=np.float32)
    assert choose_weight(sample, counts, lambda rows: known_best[: rows.shape[0]].toarray()) == 0


def test_the_unit_is_one_deviation_of_the_scores_and_new_items_have_none() -> None:
    counts, scores = np.array([0.0, 4.0, 2.0, 0.0, 0.0, 6.0]), np.array([[0, 1, 5, 9, 9, 3]], dtype=np.float32)
    unit = popularity(counts, sp.csr_matrix(np.ones((2, 6))), lambda rows: np.repeat(scores, rows.shape[0], axis=0))
    np.testing.assert_allclose(unit, counts, rtol=1e-6)  # 4, 2, 6 and 1, 5, 3 have the same deviation
    one = popularity(counts, sp.csr_matrix(np.ones((2, 6))), lambda rows: np.zeros(rows.shape))
    assert one[counts > 0].std() == pytest.approx(1) and not one[counts == 0].any()  # histories say nothing
    assert not popularity(counts * 0, sp.csr_matrix(np.ones((2, 6))), lambda rows: rows.toarray()).any()
    assert not popularity(counts, sp.csr_matrix((2, 6)), lambda rows: rows.toarray()).any()


def test_a_number_is_kept_to_and_without_held_out_interactions_it_is_none() -> None:
    training, sample = short_histories(taste=1.0)
    plain = Fit(training, no_prior(ITEMS), Options(popularity_weight=0.0), None).run()
    assert plain.popular is None and Fit(training, no_prior(ITEMS), Options(), None).run().popular is None
    given = Fit(training, no_prior(ITEMS), Options(popularity_weight=2.0), None).run()
    counts = np.asarray(training.sum(axis=0)).ravel()
    assert given.popular is not None and np.corrcoef(given.popular, counts)[0, 1] > 0.999
    np.testing.assert_allclose(given(training) - plain(training), np.tile(given.popular, (USERS, 1)), atol=1e-5)
    assert choose_weight(sample, given.popular, plain, [0.0]) == 0


@pytest.mark.parametrize("nearest", [0, 30])
def test_one_item_a_user_gives_what_is_taken_in_general(nearest: int) -> None:
    """B is 0 then: popularity is all there is."""
    training, _ = short_histories(taste=0.0)
    single = sp.csr_matrix((training.data[::2], training.indices[::2], np.arange(USERS + 1)), training.shape)
    everyone = np.arange(USERS)
    sample = sample_from(single, everyone, everyone, training.indices[1::2])
    for weight in (None, 2.0):
        options = Options(nearest_items=nearest, popularity_weight=weight)
        fitted = Fit(single, no_prior(ITEMS), options, sample).run()
        assert ndcg(fitted, sample) == pytest.approx(popular_only(single, sample))


def test_the_unit_counts_histories_as_they_count() -> None:
    training, sample = short_histories(taste=1.0)
    places = sp.csr_matrix(training.multiply(4))  # the fourth from the end: exp(-3 decay) each
    with_decay, without = (
        Fit(training, no_prior(ITEMS), Options(history_decay=decay, popularity_weight=1.0), None, places).run()
        for decay in (0.5, 0.0)
    )
    assert with_decay.popular is not None and without.popular is not None
    np.testing.assert_allclose(with_decay.popular, without.popular * np.exp(-1.5), rtol=1e-3)


@pytest.mark.parametrize("nearest", [0, 30])
def test_checkpoints_keep_it(nearest: int) -> None:
    training, _ = short_histories(taste=1.0)
    fitted = Fit(training, no_prior(ITEMS), Options(nearest_items=nearest, popularity_weight=3.0), None).run()
    assert fitted.popular is not None and fitted.popular.max() > 0
    np.testing.assert_array_equal(fitted(training[:50]), scores_from(as_matrices(fitted))(training[:50]))


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_new_items_take_their_part_of_neighbours_that_are_popular(power: float) -> None:
    """The dense form, linear but for the power, scores as :meth:`ColdItems.fill` does with the scores of all."""
    draw = np.random.default_rng(0)
    matrix, popular = draw.random((8, 8)).astype(np.float32), draw.random(8).astype(np.float32)
    prior, known = sp.csc_matrix(np.triu(draw.random((8, 8)), 1).astype(np.float32)), np.arange(8) < 5
    popular[~known] = 0
    cold = replace(ColdItems.of(prior, known, np.arange(5, 8)), scale=2.0, smooth=0.7, power=power)
    rows = sp.csr_matrix(np.triu(np.ones((5, 8), dtype=np.float32)) * known)
    expected = rows @ matrix + popular
    cold.fill(rows, expected)
    linear = replace(cold, scale=cold.scale ** (1 / power), power=1.0)
    fill_cold(matrix, linear)
    popular_cold(popular, linear)
    np.testing.assert_allclose(Dense(matrix, cold.columns, power, 0.0, popular)(rows), expected, rtol=1e-5)
