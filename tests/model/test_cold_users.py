"""Users of whom nothing is known are recommended what is taken, of late if that ranks held-out interactions better."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.nn.cold_users import LIFTS, choose_unknown, with_popularity
from recbole_ktrec.nn.recency import one_clock
from recbole_ktrec.nn.samples import FEWEST, Sample
from tests.support import Settings, trained


def taken() -> TrainingInteractions:
    """Two users with a history, one without; item 1 was taken first, items 2 and 3 last."""
    matrix = sp.csr_matrix(np.array([[0, 1, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1]], dtype=np.float32))
    return TrainingInteractions(matrix, None, np.array([1, 1, 2, 3]))


def test_the_average_history_by_hand() -> None:
    here = taken()
    np.testing.assert_allclose(here.average().toarray(), [[0, 1, 0.5, 0.5]])  # two interactions a user, as is the mean
    np.testing.assert_allclose(here.average(0.5).toarray(), [[0, 0, 1, 1]])


def test_without_a_clock_it_is_popularity_and_without_interactions_nothing() -> None:
    here = taken()
    here.in_time = None
    np.testing.assert_allclose(here.average(0.5).toarray(), here.average().toarray())
    assert TrainingInteractions(sp.csr_matrix((3, 4), dtype=np.float32), None).average().nnz == 0


def test_times_of_one_clock_or_of_each_user() -> None:
    users = np.array([0, 0, 1, 1])
    assert one_clock(users, np.array([5.0, 9.0, 7.0, 6.0]))
    assert not one_clock(users, np.array([1.0, 0.0, 0.0, 1.0])), "each user's own steps"
    assert not one_clock(users[:0], np.array([]))


@pytest.mark.parametrize(("asked", "expected"), [(FEWEST, 0.5), (FEWEST - 1, 1.0)])
def test_how_recent_is_chosen_on_enough_users_without_a_history(asked: int, expected: float) -> None:
    """They take item 2, which was taken of late; one user with a history, who takes item 1, decides nothing."""
    rows = sp.csr_matrix(np.vstack([[0, 0, 0, 1], np.zeros((asked, 4))]).astype(np.float32))
    positives = sp.csr_matrix(np.vstack([[0, 1, 0, 0], np.tile([0, 0, 1, 0], (asked, 1))]).astype(np.float32))
    found = choose_unknown(Sample(rows, positives), taken().average, lambda some: some.toarray())
    assert found == (expected, LIFTS[0])


@pytest.mark.parametrize(("asked", "items", "lift"), [(60, 6, 1.0), (FEWEST - 1, 6, LIFTS[0]), (60, 1, LIFTS[0])])
def test_new_items_are_lifted_where_users_without_a_history_want_them(asked: int, items: int, lift: float) -> None:
    """Items 4 to 9 are new; with popularity counted in, the scores put them on top. One popular one is no proof."""
    rows = sp.csr_matrix((asked, 10), dtype=np.float32)
    wanted = 4 + np.arange(asked) % items
    positives = sp.csr_matrix((np.ones(asked, dtype=np.float32), (np.arange(asked), wanted)), rows.shape)
    average = sp.csr_matrix(np.float32([[0, 1, 0.5, 0.5, *6 * [0]]]))
    scores = np.float32([[0, 1, 2, 3, *6 * [2.5]]])
    assert choose_unknown(Sample(rows, positives), lambda share: average, lambda some: scores) == (1.0, lift)


def test_popularity_counts_half_by_hand() -> None:
    scores, average = np.array([[1.0, 3.0, 2.5]], dtype=np.float32), sp.csr_matrix(np.array([[0.4, 0.2, 0.0]]))
    known = np.array([True, True, False])
    found = with_popularity(scores, average, known)
    np.testing.assert_allclose(found, [[(1 + 4) / 2, (3 + 2) / 2, 2.5]], rtol=1e-6)  # what nobody took stays
    lowest = with_popularity(scores, average, known, lift=0.0)
    np.testing.assert_allclose(lowest, [[2.5, 2.5, 2.5]], rtol=1e-6)  # no higher than the lowest of the others
    np.testing.assert_allclose(with_popularity(scores, average, np.zeros(3, dtype=bool)), scores)


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_a_model_gives_them_the_scores_of_the_average_history_and_popularity(textual: Settings, name: str) -> None:
    model = trained(textual(epochs=1, closed_form=True), name)
    part = model if name == "KTEASE" else model.closed
    emptied = part.taken.matrix.copy().tolil()
    emptied[1] = 0
    part.take(TrainingInteractions(emptied.tocsr(), None))
    scores = part.scores(np.array([1, 2]))
    average = part.taken.average()
    np.testing.assert_allclose(
        scores[0], with_popularity(part._scores(average), average, average.toarray()[0] > 0, part.lift)[0], rtol=1e-5
    )
    np.testing.assert_allclose(scores[1], part._scores(part.taken.matrix[2])[0], rtol=1e-5)
    assert np.ptp(scores[0, 1:]) > 0 and not np.allclose(scores[0], scores[1])
