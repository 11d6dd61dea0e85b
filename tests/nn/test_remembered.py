"""What does not change is made once, within the bytes that are allowed."""

from __future__ import annotations

import numpy as np
import pytest

from recbole_ktrec.nn.remembered import Remembered


@pytest.mark.parametrize("rows", [0, 3, 100])
def test_the_same_scores_made_once_as_far_as_memory_allows(rows: int) -> None:
    truth = np.random.default_rng(0).random((8, 5)).astype(np.float32)
    made: list[int] = []

    def make(users: np.ndarray) -> np.ndarray:
        made.extend(users.tolist())
        return truth[users]

    scores = Remembered(make, 8, 5, most=rows * 5 * 4)
    for asked in ([4, 1], [1, 4, 4, 7], [0, 2, 3, 7], [7, 1], []):
        users = np.array(asked, dtype=np.int64)
        np.testing.assert_array_equal(scores(users), truth[users])
    kept = {0: [], 3: [1, 4, 7], 100: [0, 1, 2, 3, 4, 7]}[rows]
    assert all(made.count(user) == 1 for user in kept)
    assert rows != 0 or made.count(7) == 3


def test_what_is_given_out_may_be_changed() -> None:
    scores = Remembered(lambda users: np.ones((len(users), 2), dtype=np.float32), 3, 2, most=1000)
    scores(np.array([1]))[:] = 5
    assert (scores(np.array([1, 2])) == 1).all()
