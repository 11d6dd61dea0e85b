"""Recent interactions count more where held-out ones are later, and the same as all others where they are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn import cold_level
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.recency import DECAYS, decayed, places_from_the_end
from recbole_ktrec.nn.samples import FEWEST, Sample
from recbole_ktrec.nn.text_prior import no_prior
from recbole_ktrec.nn.tuning import plain_or_uphill
from tests.support import sample_from


def test_places_by_hand() -> None:
    users, items = np.array([0, 2, 0, 0, 2, 2]), np.array([1, 0, 2, 1, 2, 1])
    times = np.array([5.0, 7.0, 6.0, 9.0, 3.0, 3.0])
    places = places_from_the_end(users, items, times, (3, 3)).toarray()
    # User 0 took item 1 again, after item 2; user 2 took items 2 and 1 at the same time, before item 0.
    assert places.tolist() == [[0, 1, 2], [0, 0, 0], [1, 2, 3]]


def test_nothing_happened() -> None:
    nothing = np.array([], dtype=int)
    assert places_from_the_end(nothing, nothing, nothing.astype(float), (2, 3)).nnz == 0


def test_weights_by_hand_and_never_zero() -> None:
    places = sp.csr_matrix(np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 1000.0]]))
    weights = decayed(places, 0.5)
    np.testing.assert_allclose(weights.toarray(), [[1, np.exp(-0.5), np.exp(-1)], [0, 1, 1e-6]], rtol=1e-6)
    assert (decayed(places, 0.0).data == 1).all()


@pytest.mark.parametrize(
    ("gains", "expected"),
    [
        ({0.0: 0.1, 0.05: 0.3, 0.1: 0.4, 0.2: 0.2}, 0.1),  # uphill to the top
        ({0.0: 0.1, 0.05: 0.1}, 0.0),  # no better: all count the same
    ],
)
def test_climbs_while_it_gets_better(gains: dict[float, float], expected: float) -> None:
    spread = np.linspace(-0.01, 0.01, 50)
    assert plain_or_uphill(DECAYS, lambda decay: gains[decay] + spread) == expected


def test_a_gain_by_chance_is_none() -> None:
    noise = np.random.default_rng(0).standard_normal(100)
    assert plain_or_uphill(DECAYS, lambda decay: 0.01 * decay + noise * decay) == 0.0


def walks(later: bool, users: int = 300, items: int = 40) -> tuple[sp.csr_matrix, sp.csr_matrix, Sample]:
    """Users walk along a ring of items, one a step; the held-out item is the next one, or one in their midst."""
    draw, steps = np.random.default_rng(5), 9
    first = draw.integers(1, items, users)
    path = (first[:, None] + np.arange(steps) * draw.choice([1, 2], (users, 1)) - 1) % (items - 1) + 1
    out = np.full(users, steps - 1) if later else draw.integers(0, steps, users)
    kept = np.arange(steps) != out[:, None]
    row, times = np.repeat(np.arange(users), steps - 1), np.tile(np.arange(steps), (users, 1))[kept]
    places = places_from_the_end(row, path[kept], times.astype(float), (users, items))
    everyone = np.arange(users)
    training = sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, path[kept])), (users, items))
    return training, places, sample_from(training, everyone, everyone, path[everyone, out], places)


@pytest.mark.parametrize("nearest", [0, 16])
def test_fit_finds_out_whether_order_matters(nearest: int) -> None:
    options = Options(nearest_items=nearest)
    training, places, sample = walks(later=True)
    fitted = Fit(training, no_prior(40), options, sample).run()
    assert fitted.decay > 0
    fixed = Fit(training, no_prior(40), replace(options, history_decay=0.0), sample).run()
    recent = sample.ndcg(fitted(decayed(places, fitted.decay)))
    assert fixed.decay == 0 and recent > 1.1 * sample.ndcg(fixed(training))

    training, _, sample = walks(later=False)
    assert Fit(training, no_prior(40), options, sample).run().decay == 0


@pytest.mark.parametrize("asked", [4000, 40])
def test_held_out_cold_items_have_a_say_if_there_are_enough(asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fourth item has a text but no interactions. Of 40 users too few ask for one: known items decide alone."""
    monkeypatch.setattr(cold_level, "_ASKED", asked)
    monkeypatch.setattr(cold_level, "_FEWEST_ASKED", asked)
    training, places, sample = walks(later=True)
    known = sp.diags((np.arange(40) % 4 > 0).astype(np.float32))
    prior = sp.lil_matrix((40, 40), dtype=np.float32)
    for item in range(1, 40):
        for back in range(1, 9):
            prior[(item - back - 1) % 39 + 1, item] = 1.0
    cut = [sp.csr_matrix(part @ known) for part in (training, places, sample.rows, sample.places)]
    for part in cut:
        part.eliminate_zeros()
    held = Sample(cut[2], sample.positives, places=cut[3])
    fit = Fit(cut[0], sp.csc_matrix(prior), Options(), held.with_history(), cut[1])
    fit.run()
    counted = fit.counted
    assert counted.everything is not None
    shown = int((cold_level.asking(counted.everything).positives[:, ~fit.known] > 0).sum())
    assert (shown >= FEWEST) == (asked == 4000)
    assert counted.decay in DECAYS


def test_without_an_order_all_count_the_same_and_a_number_is_kept_to() -> None:
    training, _, sample = walks(later=True)
    assert Fit(training, no_prior(40), Options(), replace(sample, places=None)).run().decay == 0
    assert Fit(training, no_prior(40), Options(history_decay=0.3), None).run().decay == 0.3
    fit = Fit(training, no_prior(40), Options(history_decay=0.3), sample)
    assert fit.run().decay == 0.3 and fit.settled().history_decay == 0.3


def test_parts_of_a_sample_keep_the_order() -> None:
    _, places, sample = walks(later=True)
    half = sample.some(150)
    assert half.places is not None and (half.places != places[::2]).nnz == 0
    one = sample.of_items(np.arange(40) == sample.positives.indices[0])
    assert one is not None and one.places is not None
    np.testing.assert_array_equal(one.decayed(0.7).rows.toarray(), decayed(one.places, 0.7).toarray())
