"""Known answers of the metrics over lists."""

from __future__ import annotations

import numpy as np
import pytest

from recbole_ktrec.evaluation.lists import catalogue_coverage, novelty, score_coverage, text_diversity

LISTS = np.array([[1, 2], [2, 3]])


def test_catalogue_coverage() -> None:
    assert catalogue_coverage(LISTS, 6) == 0.5
    assert catalogue_coverage(np.array([[1, -1]]), 4) == 0.25


def test_score_coverage_needs_a_difference_between_users_and_something_known() -> None:
    low, high = np.array([0.0, 0.0, 0.5, -1.0]), np.array([1.0, 1.0, 0.5, 2.0])
    informed = np.array([True, False, True, True])
    assert score_coverage(low, high, informed) == 0.5


def test_novelty_in_bits() -> None:
    counts = np.array([0, 7, 3, 0])
    assert novelty(LISTS, counts, n_users=7) == pytest.approx([0.5, (1 + 3) / 2])
    assert novelty(np.array([[1, -1]]), counts, n_users=7) == pytest.approx([0.0])


def test_text_diversity() -> None:
    vectors = np.array([[0, 0], [1, 0], [0, 2], [3, 0], [0, 0]], dtype=float)
    lists = np.array([[1, 2, 3], [1, 3, 4], [1, 4, 4]])
    # cosines 0, 1, 0 over three pairs; then one pair of equal direction beside an item without text; then no pair.
    assert text_diversity(lists, vectors) == pytest.approx([2 / 3, 0.0, np.nan], nan_ok=True)


def test_text_diversity_is_the_mean_over_pairs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = [unit[i] @ unit[j] for i in range(6) for j in range(i)]
    assert text_diversity(np.arange(6)[None], vectors)[0] == pytest.approx(1 - np.mean(cosines))
