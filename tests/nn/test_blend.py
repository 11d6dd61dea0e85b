"""The blend finds the scorer that knows the answer, and never does worse than the better of the two."""

from __future__ import annotations

import pytest
import torch

from recbole_ktrec.nn import blend
from recbole_ktrec.nn.blend import among, blend_weights, same_part, spreads
from recbole_ktrec.nn.ranking import ndcg_by_user


def matrices() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    positive = torch.zeros(50, 40, dtype=torch.bool)
    positive[torch.arange(50), torch.randint(1, 40, (50,))] = True
    masked = torch.zeros_like(positive)
    masked[:, 0] = True
    return positive, masked, torch.randn(50, 40)


def asked(masked: torch.Tensor, positive: torch.Tensor) -> blend.HeldOutRows:
    return lambda rows: (masked[rows], positive[rows])


def test_scales_are_those_of_the_candidates_and_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    positive, masked, noise = matrices()
    masked = masked | (torch.rand(50, 40) < 0.2) & ~positive
    first, second = positive.float() * 0.5 + noise, 7 * torch.randn(50, 40) + 100
    whole = blend_weights(first, second, asked(masked, positive))
    share = whole[1] * float(second[~masked].std())
    assert (
        whole[0] * float(first[~masked].std()) + share == pytest.approx(1)
        and whole[2] == pytest.approx(share)
        and whole[2] in blend.SHARES
    )
    monkeypatch.setattr(blend, "ROWS", 7)
    assert blend_weights(first, second, asked(masked, positive)) == pytest.approx(whole)


def test_useless_second_scorer_gets_no_weight() -> None:
    positive, masked, noise = matrices()
    a, b, part = blend_weights(positive.float(), noise, asked(masked, positive))
    assert a > 0 and b == 0 == part


def test_only_the_second_scorer_knows() -> None:
    positive, masked, noise = matrices()
    a, b, part = blend_weights(noise, 100 * positive.float(), asked(masked, positive))
    scores = (a * noise + b * 100 * positive).masked_fill(masked, float("-inf"))
    assert ndcg_by_user(scores, positive).mean() > 0.99 and part > 0


def test_two_halves_of_the_answer_are_better_together_whatever_their_scale() -> None:
    positive, masked, _ = matrices()
    truth = positive.float()
    first, second = truth + torch.randn(50, 40), 1000 * (truth + torch.randn(50, 40))
    a, b, part = blend_weights(first, second, asked(masked, positive))
    mixed = (a * first + b * second, first, second)
    quality = [ndcg_by_user(s.masked_fill(masked, float("-inf")), positive).mean() for s in mixed]
    assert a > 0 and b > 0 and 0 < part < 1 and quality[0] > max(quality[1:])


def test_the_second_scorer_keeps_its_part_in_what_is_new() -> None:
    gain = same_part((2.0, 6.0), (0.5, 0.1))
    assert 0.1 * gain / 0.5 == pytest.approx(6.0 / 2.0)
    assert same_part((2.0, 6.0), (0.5, 0.0)) == 1 == same_part((2.0, 6.0), (0.0, 0.1))


def test_spreads_are_those_of_the_items_that_are_left() -> None:
    positive, masked, noise = matrices()
    items = torch.arange(40) % 2 == 0
    first, second = spreads(noise, 3 * noise, among(asked(masked, positive), items))
    kept = noise[~masked & items]
    assert first == pytest.approx(float(kept.std())) and second == pytest.approx(3 * float(kept.std()))
    wanted = among(asked(masked, positive), items)(slice(0, 50))[1]
    assert torch.equal(wanted, positive & items)
