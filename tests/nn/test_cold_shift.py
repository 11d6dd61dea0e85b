"""How high cold items stand in the scores of a network: what held-out interactions with them are worth, and cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recbole_ktrec.nn import cold_shift
from recbole_ktrec.nn.blend import HeldOutRows
from recbole_ktrec.nn.cold_shift import SHIFTS, lift_cold, shifted
from recbole_ktrec.nn.samples import masked_ndcg_by_user

USERS, KNOWN, COLD = 150, 30, 10
N = 1 + KNOWN + COLD
IS_COLD = torch.arange(N) > KNOWN


def held_out(wants_cold: int, wants_known: int = USERS) -> tuple[HeldOutRows, torch.Tensor, torch.Tensor]:
    """The first users took a cold item (each of them is taken by some), the last ones a known item."""
    positive = torch.zeros(USERS, N, dtype=torch.bool)
    user = torch.arange(USERS)
    positive[user[:wants_cold], 1 + KNOWN + user[:wants_cold] % COLD] = True
    positive[user[USERS - wants_known :], 1 + user[USERS - wants_known :] % KNOWN] = True
    masked = torch.zeros_like(positive)
    masked[:, 0] = True
    return (lambda rows: (masked[rows], positive[rows])), masked, positive


def knowing(positive: torch.Tensor, cold_level: float) -> torch.Tensor:
    """Scores that tell what is taken, half of the time; those of cold items are all higher or lower."""
    torch.manual_seed(0)
    return 2 * positive.float() + torch.randn(USERS, N) + cold_level * IS_COLD


def warm_loss(scores: torch.Tensor, masked: torch.Tensor, positive: torch.Tensor) -> float:
    wanted, cold = positive & ~IS_COLD, IS_COLD.numpy()
    beside, alone = (masked_ndcg_by_user(scores.numpy(), masked, wanted, out).mean() for out in (None, cold))
    return float(1 - beside / alone)


def test_what_is_merged_is_what_ranking_all_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, masked, positive = held_out(60)
    monkeypatch.setattr(cold_shift, "ROWS", 7)
    scores = knowing(positive, 0.0)
    masked |= (torch.rand(USERS, N) < 0.2) & ~positive
    found = shifted(scores, IS_COLD, 0.5, asked)
    assert (found.asked, found.shown) == (210, 60)
    for place in (0, SHIFTS.index(0.0), SHIFTS.index(1.0), -1):
        moved = (scores + SHIFTS[place] * 0.5 * IS_COLD).numpy()
        np.testing.assert_allclose(found.everything[place], masked_ndcg_by_user(moved, masked, positive), atol=1e-6)
        known = masked_ndcg_by_user(moved, masked, positive & ~IS_COLD)
        np.testing.assert_allclose(found.known[place], known, atol=1e-6)
    alone = masked_ndcg_by_user(scores.numpy(), masked, positive & ~IS_COLD, IS_COLD.numpy())
    np.testing.assert_allclose(found.alone, alone, atol=1e-6)
    assert len(np.unique(found.groups)) == COLD + USERS - 60  # those who want the same cold item, and each other one


def test_cold_items_that_nobody_asks_for_are_lowered_until_they_cost_two_percent() -> None:
    asked, masked, positive = held_out(0)
    scores = knowing(positive, 3.0)
    assert warm_loss(scores, masked, positive) > 0.5
    before = scores.clone()
    added = lift_cold(scores, IS_COLD, asked)
    assert added < 0 and torch.allclose(scores, before + added * IS_COLD)
    assert warm_loss(scores, masked, positive) <= 0.02
    low = knowing(positive, -9.0)
    assert lift_cold(low, IS_COLD, asked) == 0  # nor are they raised


def test_cold_items_that_stand_too_low_for_what_they_are_asked_for_are_raised() -> None:
    asked, masked, positive = held_out(USERS)
    scores = knowing(positive, -4.0)
    before = masked_ndcg_by_user(scores.numpy(), masked, positive).mean()
    assert lift_cold(scores, IS_COLD, asked) > 0
    assert masked_ndcg_by_user(scores.numpy(), masked, positive).mean() > 1.3 * before
    kept, high = knowing(positive, -4.0), knowing(positive, 3.0)
    lift_cold(kept, IS_COLD, asked, most=0.02), lift_cold(high, IS_COLD, asked, most=0.02)
    for careful in (kept, high):  # what is given is kept to, whatever is asked for
        assert warm_loss(careful, masked, positive) <= 0.02 < warm_loss(scores, masked, positive)


def test_where_next_to_nothing_but_cold_items_is_asked_for_they_alone_decide() -> None:
    asked, masked, positive = held_out(USERS, 19)
    scores = knowing(positive, -4.0)
    assert lift_cold(scores.clone(), IS_COLD, asked, most=0.02) == 0  # what they cost cannot be measured
    before = masked_ndcg_by_user(scores.numpy(), masked, positive).mean()
    assert lift_cold(scores, IS_COLD, asked) > 0
    assert masked_ndcg_by_user(scores.numpy(), masked, positive).mean() > 2 * before


@pytest.mark.parametrize(("cold", "wants_cold", "wants_known"), [(IS_COLD, 19, 19), (torch.zeros(N) > 0, 0, 150)])
def test_nothing_is_moved_where_nothing_says_so(cold: torch.Tensor, wants_cold: int, wants_known: int) -> None:
    asked, _, positive = held_out(wants_cold, wants_known)
    scores = knowing(positive, 3.0)
    before = scores.clone()
    assert lift_cold(scores, cold, asked) == 0 and torch.equal(scores, before)
