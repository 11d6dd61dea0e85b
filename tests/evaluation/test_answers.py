"""Right answers: the pairs, the calibration, the share."""

from __future__ import annotations

import numpy as np
import pytest

from recbole_ktrec.evaluation.answers import Calibration, draw_negatives, right_answers


def test_negatives_are_never_known_and_spread_over_the_rest() -> None:
    known = np.array([0 * 10 + 3, 0 * 10 + 7, 1 * 10 + 0])
    users = np.repeat([0, 1], 5000)
    drawn = draw_negatives(users, known, 10, seed=3)
    assert set(drawn[users == 0]) == set(range(10)) - {3, 7}
    assert set(drawn[users == 1]) == set(range(1, 10))
    assert np.bincount(drawn[users == 0])[0] / 5000 == pytest.approx(1 / 8, abs=0.02)
    assert (drawn == draw_negatives(users, known, 10, seed=3)).all()


def test_a_user_who_took_everything_has_no_negative() -> None:
    assert draw_negatives(np.array([0, 1]), np.array([0, 1, 2]), 3, seed=0)[0] == -1


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (1000, -5), (0.001, 7)])
def test_calibration_finds_the_threshold_whatever_the_scale(scale: float, shift: float) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], 2000)
    scores = (rng.normal(size=4000) + np.where(labels, 1, -1)) * scale + shift
    right = right_answers(Calibration(scores, labels).probability(scores), labels)
    assert right.mean() == pytest.approx(0.841, abs=0.02), "Phi(1), the best that a threshold can do here"


def test_calibration_of_one_class_and_of_equal_scores() -> None:
    always = Calibration(np.array([1.0, 2.0]), np.array([1, 1]))
    assert (always.probability(np.array([0.0, 9.0])) > 0.5).all()
    equal = Calibration(np.ones(4), np.array([1, 0, 1, 0]))
    assert equal.probability(np.ones(1)) == pytest.approx([0.5])


def test_right_answers() -> None:
    right = right_answers(np.array([0.5, 0.49, 0.9, 0.1]), np.array([1, 1, 0, 0]))
    assert right.tolist() == [1, 0, 0, 1]
