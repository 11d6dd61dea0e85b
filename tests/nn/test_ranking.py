"""NDCG of equal scores is that of a random order, not that of the file."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch

from recbole_ktrec.nn.ranking import gained, ideal, ndcg_by_user
from recbole_ktrec.nn.samples import masked_ndcg_by_user


def in_the_mean(scores: list[float], positive: list[bool], k: int) -> float:
    """Return DCG@k in the mean over all orders of the items that are sorted by falling scores."""
    found = []
    for order in permutations(range(len(scores))):
        ranked = sorted(order, key=lambda one: -scores[one])[:k]
        found.append(sum(positive[one] / math.log2(place + 2) for place, one in enumerate(ranked)))
    return float(np.mean(found))


@pytest.mark.parametrize("k", [1, 2, 3, 6, 9])
def test_equal_scores_share_their_places(k: int) -> None:
    scores, positive = [2.0, 1.0, 1.0, 1.0, 0.0, 0.0], [False, True, False, True, True, False]
    found = gained(torch.tensor([scores, scores[::-1]]), torch.tensor([positive, positive[::-1]]), k)
    assert found.tolist() == pytest.approx([in_the_mean(scores, positive, k)] * 2)


def test_scores_that_say_nothing_gain_nothing_by_the_order_of_the_file() -> None:
    scores, wanted = np.zeros((2, 100), dtype=np.float32), torch.zeros(2, 100, dtype=torch.bool)
    wanted[0, 1] = wanted[1, 98] = True
    known = torch.zeros_like(wanted)
    known[:, 0] = True
    found = masked_ndcg_by_user(scores, known, wanted)
    expected = sum(1 / math.log2(place + 2) for place in range(10)) / 99
    assert found.tolist() == pytest.approx([expected, expected])


def test_without_equal_scores_it_is_the_plain_one() -> None:
    draw = torch.Generator().manual_seed(0)
    scores, positive = torch.rand(50, 40, generator=draw), torch.rand(50, 40, generator=draw) < 0.2
    positive[:, 0] = True
    scores[:, 20:] = -torch.inf  # no candidates: they are equal, too
    positive[:, 20:] = False
    ranked = positive.gather(1, scores.argsort(dim=1, descending=True)[:, :10])
    plain = (ranked / torch.log2(torch.arange(2, 12).float())).sum(dim=1) / ideal(positive)
    torch.testing.assert_close(ndcg_by_user(scores, positive), plain)
    few = gained(scores[:, 15:25], torch.ones(50, 10, dtype=torch.bool) & (scores[:, 15:25] > 0))
    assert few.tolist() == pytest.approx([sum(1 / math.log2(place + 2) for place in range(5))] * 50)
