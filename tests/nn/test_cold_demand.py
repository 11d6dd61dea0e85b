"""How high cold items stand where held-out interactions show that they are wanted."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.cold_demand import Demand, Tried
from recbole_ktrec.nn.cold_items import ColdItems, Level
from recbole_ktrec.nn.tuning import Sample

N, USERS = 30, 120
CAREFUL = Level(scale=0.01, smooth=0.0, power=1.0)


def demand(wants_cold: int) -> Demand:
    """Users took item 1, which the cold items 28 and 29 are like; afterwards ``wants_cold`` of them took item 29, the
    others item 2. The 12 known items 2 to 13 score 12 to 1."""
    rows = sp.csr_matrix((np.ones(USERS), (np.arange(USERS), np.ones(USERS, dtype=int))), (USERS, N), dtype=np.float32)
    wanted = np.where(np.arange(USERS) < wants_cold, 29, 2)
    positives = sp.csr_matrix((np.ones(USERS), (np.arange(USERS), wanted)), (USERS, N), dtype=np.float32)
    prior = sp.csc_matrix(([1.0, 0.9], ([1, 1], [29, 28])), (N, N), dtype=np.float32)
    known = np.arange(N) < 28
    cold = ColdItems.of(prior, known, np.array([28, 29]))
    scores = np.zeros(N, dtype=np.float32)
    scores[2:14] = np.arange(12, 0, -1)
    return Demand(Sample(rows, positives), cold, lambda some: np.tile(scores, (some.shape[0], 1)))


def test_nothing_shown_changes_nothing() -> None:
    assert demand(0).choose(CAREFUL) == CAREFUL
    assert demand(19).choose(CAREFUL) == CAREFUL  # fewer than 20 interactions


def test_wanted_items_are_put_above_known_ones() -> None:
    found = demand(USERS).choose(CAREFUL)
    assert found.scale * 1.0**found.power > 12  # item 29 before the best known item
    assert found.smooth == CAREFUL.smooth


def test_items_wanted_by_few_stay_below_what_most_want() -> None:
    found = demand(30).choose(CAREFUL)
    assert 3 < found.scale < 12  # in the list of ten, item 2 still first


def test_a_level_is_kept_that_is_high_enough() -> None:
    high = Level(scale=11.5, smooth=0.0, power=1.0)
    assert demand(30).choose(high) == high


def test_a_scale_of_nothing_is_kept() -> None:
    off = Level(scale=0.0)
    assert demand(USERS).choose(off) == off


@pytest.mark.parametrize(("gain", "beaten"), [(0.0, False), (0.005, False), (0.05, True)])
def test_only_more_than_a_standard_error_beats(gain: float, beaten: bool) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 400)
    noise -= noise.mean()
    here = Tried(CAREFUL, np.full(400, 0.5))
    assert here.beaten(Tried(CAREFUL, 0.5 + gain + noise)) is beaten
