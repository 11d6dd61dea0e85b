"""The metric of text that users' choices imply: known answers on planted directions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.co_consumption import Statistics, co_consumption, mapped, metric, pooled
from recbole_ktrec.nn.text_prior import power_scale, text_neighbours


def planted(seed: int = 0, users: int = 400, items: int = 200) -> tuple[sp.csr_matrix, np.ndarray]:
    """Users take items of one sign of the first direction; the second says nothing of them."""
    draw = np.random.default_rng(seed)
    signs = draw.choice([-1.0, 1.0], (items, 2))
    vectors = np.concatenate([signs, 0.3 * draw.standard_normal((items, 4))], axis=1).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = []
    for _ in range(users):
        side = np.flatnonzero(signs[:, 0] == draw.choice([-1.0, 1.0]))
        row = np.zeros(items, dtype=np.float32)
        row[draw.choice(side, 5, replace=False)] = 1
        rows.append(row)
    return sp.csr_matrix(np.array(rows)), vectors


def test_direction_that_users_agree_on_is_stretched() -> None:
    found = metric(co_consumption(*planted()))
    assert found[0, 0] > 1.5 * found[1, 1]
    np.testing.assert_allclose(found, found.T, atol=1e-5)


def test_statistics_by_brute_force() -> None:
    interactions, vectors = planted(users=20, items=30)
    between, total = np.zeros((6, 6)), np.zeros((6, 6))
    for row in interactions:
        taken = vectors[row.indices]
        total += taken.T @ taken
        for first in range(len(taken)):
            for second in range(len(taken)):
                between += np.outer(taken[first], taken[second]) / (len(taken) - 1) * (first != second)
    found = co_consumption(interactions, vectors)
    np.testing.assert_allclose(found.total, total / np.trace(total) * 6, atol=1e-4)
    np.testing.assert_allclose(found.between, between / np.trace(total) * 6, atol=1e-4)
    assert found.interactions == 100


def test_nobody_took_two_items_gives_the_identity() -> None:
    _, vectors = planted()
    alone = co_consumption(sp.csr_matrix(np.eye(200, dtype=np.float32)), vectors)
    np.testing.assert_array_equal(metric(alone), np.eye(6))


def test_no_agreement_gives_the_identity() -> None:
    opposed = Statistics(-np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32), 10.0)
    np.testing.assert_array_equal(metric(opposed), np.eye(3))


def test_items_without_text_say_nothing() -> None:
    interactions, vectors = planted()
    blank = np.vstack([vectors, np.zeros((5, 6), dtype=np.float32)])
    wider = sp.csr_matrix(sp.hstack([interactions, np.ones((400, 5), dtype=np.float32)]))
    np.testing.assert_allclose(
        co_consumption(wider, blank).between, co_consumption(interactions, vectors).between, atol=1e-4
    )
    assert not mapped(blank, metric(co_consumption(wider, blank)))[-5:].any()


def test_strength_leads_from_the_identity_to_the_metric() -> None:
    statistics = co_consumption(*planted())
    np.testing.assert_array_equal(metric(statistics, strength=0), np.eye(6))
    ratios = [found[0, 0] / found[1, 1] for found in (metric(statistics, strength=s) for s in (0.25, 0.5, 1.0))]
    assert 1 < ratios[0] < ratios[1] < ratios[2]


def test_sources_count_the_same_unless_weighted() -> None:
    first, second = (Statistics(np.eye(2) * k, np.eye(2), 10.0 * k) for k in (1.0, 3.0))
    assert pooled([first, second]).between[0, 0] == 2
    assert pooled([first, second], [3, 1]).between[0, 0] == pytest.approx(1.5)
    assert pooled([first, second]).interactions == 40


def test_power_of_the_prior() -> None:
    _, vectors = planted()
    whole = text_neighbours(vectors, count=199, power=2.0).toarray()
    expected = np.maximum(vectors @ vectors.T, 0) ** 2 * power_scale(vectors, 199, 2.0)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(whole, expected, atol=1e-6)


def test_fewer_texts_than_directions_leave_the_others_to_no_rounding() -> None:
    """Directions without a text were stretched most, by whatever rounding had left there."""
    interactions, vectors = planted()
    wide = np.concatenate([vectors, np.zeros((len(vectors), 6), dtype=np.float32)], axis=1)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((12, 12)))[0]
    found = co_consumption(interactions, (wide @ turn).astype(np.float32))
    noise = np.random.default_rng(2).standard_normal((2, 12, 12)) * 3e-7
    other = Statistics(found.between + noise[0] + noise[0].T, found.total + noise[1] + noise[1].T, found.interactions)
    learned, again = metric(found), metric(other)
    np.testing.assert_allclose(again, learned, atol=1e-4)
    back = turn @ learned @ turn.T
    known = np.linalg.eigvalsh(back[:6, :6])
    assert np.linalg.eigvalsh(back[6:, 6:]).max() < known.max()
    plain = metric(co_consumption(interactions, vectors))
    np.testing.assert_allclose(back[:6, :6] / back[0, 0], plain / plain[0, 0], atol=1e-3)
