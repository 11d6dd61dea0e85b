"""The blend finds the scorer that knows the answer, and never does worse than the better of the two."""

from __future__ import annotations

import torch

from recbole_ktrec.nn.blend import blend_weights
from recbole_ktrec.nn.ranking import mean_ndcg


def matrices() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    positive = torch.zeros(50, 40, dtype=torch.bool)
    positive[torch.arange(50), torch.randint(1, 40, (50,))] = True
    masked = torch.zeros_like(positive)
    masked[:, 0] = True
    return positive, masked, torch.randn(50, 40)


def test_useless_second_scorer_gets_no_weight() -> None:
    positive, masked, noise = matrices()
    a, b = blend_weights(positive.float(), noise, masked, positive)
    assert a > 0 and b == 0


def test_only_the_second_scorer_knows() -> None:
    positive, masked, noise = matrices()
    a, b = blend_weights(noise, 100 * positive.float(), masked, positive)
    assert mean_ndcg((a * noise + b * 100 * positive).masked_fill(masked, float("-inf")), positive) > 0.99


def test_two_halves_of_the_answer_are_better_together_whatever_their_scale() -> None:
    positive, masked, _ = matrices()
    truth = positive.float()
    first, second = truth + torch.randn(50, 40), 1000 * (truth + torch.randn(50, 40))
    a, b = blend_weights(first, second, masked, positive)
    quality = [
        mean_ndcg(s.masked_fill(masked, float("-inf")), positive) for s in (a * first + b * second, first, second)
    ]
    assert a > 0 and b > 0 and quality[0] > max(quality[1:])
