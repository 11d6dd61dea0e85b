"""How high cold items stand where held-out interactions show that they are wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.cold_demand import Demand, Tried, allowed_loss
from recbole_ktrec.nn.cold_items import ColdItems, Level
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.samples import Sample, masked_ndcg
from recbole_ktrec.nn.tuning import beyond_standard_error

N, USERS = 40, 120
CAREFUL = Level(scale=0.01, smooth=0.0, power=1.0)


def demand(wants_cold: int, items: int = 10) -> Demand:
    """Users took one of the items 14 to 23, which one of the cold items 29 to 38 is like each, and cold item 39 all.

    Afterwards ``wants_cold`` of them took a cold item like theirs, ``items`` different ones, the others item 2. The 12
    known items 2 to 13 score 12 to 1.
    """
    kind = np.arange(USERS) % items
    one = np.ones(USERS, dtype=np.float32)
    rows = sp.csr_matrix((one, (np.arange(USERS), 14 + kind)), (USERS, N))
    wanted = np.where(np.arange(USERS) < wants_cold, 29 + kind, 2)
    positives = sp.csr_matrix((one, (np.arange(USERS), wanted)), (USERS, N))
    prior = np.zeros((N, N), dtype=np.float32)
    prior[np.arange(14, 24), np.arange(29, 39)], prior[14:24, 39] = 1.0, 0.9
    cold = ColdItems.of(sp.csc_matrix(prior), np.arange(N) < 29, np.arange(29, N))
    scores = np.zeros(N, dtype=np.float32)
    scores[2:14] = np.arange(12, 0, -1)
    return Demand(Sample(rows, positives), cold, lambda some: np.tile(scores, (some.shape[0], 1)))


def test_nothing_shown_changes_nothing() -> None:
    assert demand(0).choose(CAREFUL) == CAREFUL
    assert demand(19).choose(CAREFUL) == CAREFUL  # fewer than 20 interactions


def test_before_a_level_is_chosen_cold_items_stand_as_high_as_known_ones() -> None:
    # The first cold item beside the first known one: first or second of the list.
    found = demand(60).ndcg_side_by_side()
    assert len(found) == USERS and found.min() >= 1 / np.log2(3) - 1e-6


def test_wanted_items_are_put_above_known_ones() -> None:
    found = demand(USERS).choose(CAREFUL)
    assert found.scale > 12  # the item like theirs, whose own part is 1, before the best known item
    assert found.smooth == CAREFUL.smooth


def test_items_wanted_by_few_stay_below_what_most_want() -> None:
    found = demand(30).choose(CAREFUL)
    assert 3 < found.scale < 12  # in the list of ten, item 2 still first


def test_what_one_new_item_shows_is_no_proof() -> None:
    assert demand(60, items=1).choose(CAREFUL) == CAREFUL
    assert demand(60).choose(CAREFUL).scale > 3


def test_a_level_is_kept_that_is_high_enough() -> None:
    high = Level(scale=11.5, smooth=0.0, power=1.0)
    assert demand(30).choose(high) == high


def test_a_rehearsal_that_let_nothing_in_is_no_last_word() -> None:
    assert demand(USERS).choose(Level(scale=0.0)).scale > 12


def test_a_level_that_was_not_rehearsed_may_be_too_high() -> None:
    high = Level(scale=50.0)
    assert demand(30).choose(high) == high
    assert 3 < demand(30).choose(high, rehearsed=False).scale < 12


@pytest.mark.parametrize(
    ("given", "loss", "least", "most"),
    [
        (5.0, 0.0, 5.0, 5.0),  # costs nothing
        (50.0, 0.02, 9.0, 12.0),  # item 2, which scores 12, stays first
        (50.0, 0.4, 12.0, 13.4),  # second: .63 of its NDCG
        (50.0, 0.6, 50.0, 50.0),  # third: .5
    ],
)
def test_a_level_is_lowered_until_known_items_lose_what_they_may(
    given: float, loss: float, least: float, most: float
) -> None:
    found = demand(0).affordable(Level(given), loss)
    assert least <= found.scale <= most and found == replace(Level(), scale=found.scale)


def test_new_items_may_cost_about_as_much_as_they_are_asked_for() -> None:
    assert allowed_loss(shown=3, asked=1000, share=0.5) == 6 / 1000
    assert allowed_loss(shown=3, asked=100, share=0.001) == 0.02, "and no more than that"
    assert allowed_loss(shown=0, asked=1000, share=0.2) == 0.02  # nobody could ask for them yet, perhaps
    assert allowed_loss(shown=0, asked=1000, share=0.001) == 0.001, "one of a thousand"
    assert demand(3).allowed() == allowed_loss(3, USERS, 0.5)
    assert demand(0).allowed() == 0.02


def test_what_known_items_lose_is_not_measured_on_few() -> None:
    assert demand(USERS - 19).affordable(Level(50.0), 0.0).scale == 50
    assert demand(USERS - 20).affordable(Level(50.0), 0.0).scale <= 12


def test_a_loss_that_no_level_keeps_to_leaves_the_least() -> None:
    found = demand(0).affordable(Level(50.0), -1.0).scale
    assert 0 < found < 0.01


def test_where_cold_items_only_cost_they_keep_their_order() -> None:
    asked = demand(20)
    cold = asked.scores.cold
    own = np.where(cold, 1.1 - asked.scores.own, 0).astype(np.float32)  # what is taken scores lowest
    asked.scores = replace(asked.scores, own=own)
    found = asked.choose(Level(scale=50.0), rehearsed=False)
    assert 0 < found.scale < 0.1
    assert len(np.unique(asked._at(own, found)[0, cold])) == len(np.unique(own[0, cold])) > 1


def test_histories_that_say_nothing_change_nothing() -> None:
    silent = demand(USERS)
    silent.scores = replace(silent.scores, warm=np.zeros_like(silent.scores.warm))
    assert silent.choose(CAREFUL) == CAREFUL


def test_within_a_standard_error_the_level_that_costs_known_items_least() -> None:
    asked = demand(52)  # first of the list, cold items gain them .5 each and costs the other 68 users .37
    third, first = (
        Tried(Level(scale), asked.sample.ndcg_by_user(asked.scores.with_cold(asked.scores.own, scale)))
        for scale in (10.5, 13.0)
    )
    same_item = np.where(np.arange(USERS) < 52, np.arange(USERS) % 10, 10 + np.arange(USERS))
    assert first.ndcg.mean() > third.ndcg.mean() and not third.beaten(first, same_item)
    assert asked.choose(CAREFUL).scale < 12


@pytest.fixture
def shop() -> tuple[sp.csr_matrix, sp.csc_matrix, Sample]:
    """Two topics of 20 items; 36 to 40 are new, and half of what is taken afterwards."""
    draw = np.random.default_rng(0)
    rows, later = np.zeros((200, 41), dtype=np.float32), np.zeros((200, 41), dtype=np.float32)
    for user in range(200):
        mine = np.arange(1 + user % 2, 36, 2)
        rows[user, draw.permutation(mine)[:6]] = 1
        later[user, draw.permutation(np.arange(36, 41)[user % 2 :: 2])[:1]] = 1
        later[user, draw.permutation(mine[rows[user, mine] == 0])[:1]] = 1
    same = (np.arange(41)[:, None] % 2 == (np.arange(41) + (np.arange(41) >= 36)) % 2) & ~np.eye(41, dtype=bool)
    same[0] = same[:, 0] = False
    return (
        sp.csr_matrix(rows),
        sp.csc_matrix(same.astype(np.float32)),
        Sample(sp.csr_matrix(rows), sp.csr_matrix(later)),
    )


def cold_ndcg(fit: Fit, sample: Sample) -> float:
    scores = fit.run()(sample.rows)
    return masked_ndcg(scores, sample.known, sample.wanted & (torch.arange(41) >= 36))


@pytest.mark.parametrize("nearest", [0, 8])
def test_auto_puts_wanted_items_higher_than_two_per_cent_do(
    shop: tuple[sp.csr_matrix, sp.csc_matrix, Sample], nearest: int
) -> None:
    interactions, prior, sample = shop
    careful = Fit(interactions, prior, Options(nearest_items=nearest, cold_warm_loss=0.02), sample)
    auto = Fit(interactions, prior, Options(nearest_items=nearest), sample)
    assert cold_ndcg(auto, sample) > cold_ndcg(careful, sample)
    other = Fit(interactions, sp.csc_matrix(prior.shape, dtype=np.float32), Options(nearest_items=nearest), sample)
    assert cold_ndcg(other.with_prior(prior), sample) == cold_ndcg(auto, sample)


def test_all_items_are_candidates_where_demand_is_measured() -> None:
    n = 20_100
    rows = sp.csr_matrix(([1.0], ([0], [1])), (1, n), dtype=np.float32)
    sample = Sample(rows, sp.csr_matrix(([1.0], ([0], [2])), (1, n), dtype=np.float32))
    assert len(sample.candidates) < 20_010
    assert len(sample.some(10, n).candidates) == n


@pytest.mark.parametrize(("gain", "beaten"), [(0.0, False), (0.005, False), (0.05, True)])
def test_only_more_than_a_standard_error_beats(gain: float, beaten: bool) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, 400)
    noise -= noise.mean()
    here = Tried(CAREFUL, np.full(400, 0.5))
    assert here.beaten(Tried(CAREFUL, 0.5 + gain + noise), np.arange(400)) is beaten


def test_users_of_one_group_are_one_observation() -> None:
    gain = np.repeat([0.9, -0.1, -0.1, -0.1], 100)  # 400 users, of whom those of the first group agree
    assert beyond_standard_error(gain) and not beyond_standard_error(gain, np.repeat([7, 1, 3, 5], 100))
    assert beyond_standard_error(
        np.tile(gain, 4), np.repeat(np.arange(16), 100)[np.random.default_rng(0).permutation(1600)]
    )
    assert not beyond_standard_error(np.ones(5), np.zeros(5, dtype=int)) and not beyond_standard_error(np.ones(1))


def test_of_few_held_out_interactions_nothing_is_chosen_and_of_new_items_what_they_say(
    shop: tuple[sp.csr_matrix, sp.csc_matrix, Sample],
) -> None:
    """Chance would choose; interactions with new items alone still say how high these belong."""
    interactions, prior, sample = shop
    known = np.bincount(interactions.indices, minlength=interactions.shape[1]) > 0
    few = Sample(sample.rows[:19], sp.csr_matrix(sample.positives[:19]))
    fit = Fit(interactions, prior, Options(), few.of_items(known))
    assert fit.counted.sample is None and fit.choice().prior_weight == 0.05 and fit.choice().regularisation == 120
    new = sample.of_items(~known)
    assert new is not None and int(new.wanted.sum()) >= 20
    asked = Sample(new.rows, new.positives)
    alone = Fit(interactions, prior, Options(), asked)
    scores = alone.run()
    assert alone.counted.sample is None
    plain = Fit(interactions, prior, Options(cold_scale=0.05), asked).run()
    assert asked.ndcg_with(scores).mean() > asked.ndcg_with(plain).mean()
