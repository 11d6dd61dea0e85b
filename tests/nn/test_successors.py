"""What comes next is told from what came before, where that helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import Design
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.recency import places_from_the_end
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.successors import Successions, add_successors
from recbole_ktrec.nn.text_prior import no_prior
from tests.nn.test_recency import walks
from tests.support import sample_from


def places_of(sequences: list[list[int]], n_items: int) -> sp.csr_matrix:
    users = np.repeat(np.arange(len(sequences)), [len(one) for one in sequences])
    times = np.concatenate([np.arange(len(one)) for one in sequences]).astype(float)
    return places_from_the_end(users, np.concatenate(sequences), times, (len(sequences), n_items))


def test_the_solution_of_the_least_squares_problem() -> None:
    sequences, n, decay, lam = [[1, 3, 2, 4], [2, 4, 1], [3, 1]], 5, 0.7, 2.0
    weights, penalties = np.array([0.5, 1.0, 2.0]), np.linspace(0.5, 1.5, n)
    left, right = np.zeros((n, n)), np.zeros((n, n))
    for w, sequence in zip(weights, sequences, strict=True):
        for t in range(1, len(sequence)):
            s, y = np.zeros(n), np.zeros(n)
            s[sequence[:t]] = np.exp(-decay * np.arange(t)[::-1])
            y[sequence[t:]] = np.exp(-np.arange(len(sequence) - t))
            left, right = left + w * np.outer(s, s), right + w * np.outer(s, y)
    expected = np.linalg.solve(left + lam * np.diag(penalties), right)
    np.fill_diagonal(expected, 0)
    places = places_of(sequences, n)
    pairs = Successions.of(places, Design(places, weights, penalties), decay)
    np.testing.assert_allclose(pairs.weights(lam), expected, atol=1e-5)


def test_blocks_of_interactions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    places = places_of([[1, 3, 2, 4], [2, 4, 1], [3, 1]], 5)
    users = Design.of(places, 0.0, 0.0)
    whole = Successions.of(places, users, 0.7)
    monkeypatch.setattr("recbole_ktrec.nn.successors._INTERACTIONS", 2)
    parts = Successions.of(places, users, 0.7)
    assert (whole.before.rows != parts.before.rows).nnz == 0 and (whole.later != parts.later).nnz == 0


@pytest.mark.parametrize("nearest", [0, 3])
def test_one_after_the_other_and_not_before(nearest: int) -> None:
    sequences = [[(start + step) % 8 + 1 for step in range(4)] for start in range(8)] * 5
    places = places_of(sequences, 9)
    pairs = Successions.of(places, Design.of(places, 0.0, 0.0), 0.5)
    found = pairs.nearest(5.0, nearest).toarray() if nearest else pairs.weights(5.0)
    assert all(found[item, item % 8 + 1] > 2 * abs(found[item % 8 + 1, item]) for item in range(1, 9))


@pytest.mark.parametrize(("weight", "expected"), [(None, 0.0), (0.0, 0.0), (0.5, 0.5)])
def test_weighed_in_the_size_of_the_other_matrix(weight: float | None, expected: float) -> None:
    draw = np.random.default_rng(0)
    matrix, more = (draw.standard_normal((6, 6)).astype(np.float32) for _ in range(2))
    before, share = matrix.copy(), np.linalg.norm(matrix[:5, :5]) / np.linalg.norm(more[:5, :5])
    wanted = before + expected * share * more
    # An item that nobody took has rows and columns in B for its text: they must not make C larger for the others.
    known = np.arange(6) < 5
    matrix[5], matrix[:, 5], more[5], more[:, 5] = 9, 9, 0, 0
    before, wanted = matrix.copy(), matrix + (wanted - before) * np.outer(known, known)
    thin, found = add_successors(sp.csr_matrix(matrix), sp.csr_matrix(more), known, weight, None)
    assert found == expected
    np.testing.assert_allclose(thin.toarray(), wanted, atol=1e-5)
    matrix, found = add_successors(matrix, more, known, weight, None)
    assert found == expected
    np.testing.assert_allclose(matrix, wanted, atol=1e-5)


def hops(users: int = 400, items: int = 40) -> tuple[sp.csr_matrix, sp.csr_matrix, Sample]:
    """Users take an item and the one after it on a ring, then jump; asked is what comes after the last jump.

    What goes together is known without the order, which of two neighbours comes next is not.
    """
    draw = np.random.default_rng(3)
    starts = draw.integers(1, items, (users, 4))
    path = np.stack([starts, starts % (items - 1) + 1], axis=2).reshape(users, 8)
    row, given = np.repeat(np.arange(users), 7), path[:, :7].ravel()
    places = places_from_the_end(row, given, np.tile(np.arange(7.0), users), (users, items))
    training = sp.csr_matrix((places > 0).astype(np.float32))
    new = np.flatnonzero(training[np.arange(users), path[:, 7]].A1 == 0)
    return training, places, sample_from(training, new, np.arange(len(new)), path[new, 7], places)


def directed(sample: Sample, places: sp.csr_matrix, training: sp.csr_matrix, options: Options) -> tuple[Fit, float]:
    fit = Fit(training, no_prior(40), options, sample, places)
    fitted = fit.run()
    return fit, sample.ndcg(fitted(sample.decayed(fitted.decay).rows))


@pytest.mark.parametrize("nearest", [0, 20])
def test_fit_finds_out_whether_it_helps(nearest: int) -> None:
    training, places, sample = hops()
    options = Options(nearest_items=nearest)
    fit, found = directed(sample, places, training, options)
    _, plain = directed(sample, places, training, replace(options, successor_weight=0.0))
    weight = fit.settled().successor_weight
    assert weight and found > 1.1 * plain
    other, again = directed(sample, places, training, fit.settled())
    assert other.settled().successor_weight == weight and again == pytest.approx(found, rel=0.02)

    training, places, sample = walks(later=False)
    assert directed(sample, places, training, options)[0].settled().successor_weight == 0


def test_not_tried_without_an_order_or_without_held_out_interactions() -> None:
    training, places, sample = walks(later=True)
    unordered = Fit(training, no_prior(40), Options(), replace(sample, places=None))
    unordered.run()
    unasked = Fit(training, no_prior(40), Options(history_decay=0.3), None, places)
    unasked.run()
    assert unordered.settled().successor_weight == unasked.settled().successor_weight == 0
    given = Fit(training, no_prior(40), Options(history_decay=0.3, successor_weight=1.0), None, places)
    given.run()
    assert given.settled().successor_weight == 1
