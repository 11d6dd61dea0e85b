"""Known answers of the tests over users."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from recbole_ktrec.evaluation.significance import bootstrap_interval, compare, holm, permutation_p


def test_permutation_agrees_with_scipy() -> None:
    differences = np.random.default_rng(1).normal(0.12, 1, 300)
    theirs = stats.permutation_test(
        (differences,), lambda x, axis=-1: np.mean(x, axis=axis), permutation_type="samples", vectorized=True,
        random_state=np.random.default_rng(2),
    ).pvalue  # fmt: skip
    assert permutation_p(differences) == pytest.approx(theirs, abs=0.015)


def test_permutation_of_few_differences_is_the_exact_share() -> None:
    # Ten equal differences: only 2 of 1024 sign patterns are as extreme.
    assert permutation_p(np.ones(10)) == pytest.approx(2 / 1024, abs=0.002)
    assert permutation_p(np.zeros(5)) == 1.0


def test_false_alarms_are_as_rare_as_promised() -> None:
    rng = np.random.default_rng(0)
    p = [permutation_p(rng.normal(size=60), resamples=499) for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_interval_holds_the_mean() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    low, high = bootstrap_interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    assert bootstrap_interval(np.ones(5)) == (1.0, 1.0)


def test_compare_pairs_the_users() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 500)  # users differ much more than the models do
    this, other = hard + rng.normal(0, 0.1, 500), hard + 0.05
    found = compare(other - this, other - this)
    assert found.users == 500 and found.p < 0.001
    assert found.low < found.difference < found.high and found.difference == pytest.approx(0.05, abs=0.02)


def test_holm_known_answer() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([])).shape == (0,)


def test_few_distinct_values_are_resampled_by_their_counts_to_the_same_result() -> None:
    draw = np.random.default_rng(3)
    values = draw.choice([0.0, 0.3, 0.5, 1.0], 4000, p=[0.7, 0.1, 0.1, 0.1])
    differences = values - draw.permutation(values)
    differences[:60] += 0.3
    apart = differences + draw.normal(0, 1e-9, 4000)  # every value of its own: users are resampled one by one
    np.testing.assert_allclose(bootstrap_interval(differences), bootstrap_interval(apart), atol=0.002)
    assert permutation_p(differences) == pytest.approx(permutation_p(apart), abs=0.015)
    assert 0.01 < permutation_p(differences) < 0.9
