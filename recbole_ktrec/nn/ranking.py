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
    """Return DCG@k: ``[n_users]``; of items with equal scores that of a random order in the mean.

    (McSherry and Najork, 2008.) As they are numbered, the order of the file would choose: of a history that the weight
    0 of a prior leaves without a score, all items are equal, and the file may well begin with the popular ones.
    """
    k = min(k, scores.shape[1])
    top = scores.topk(min(k + 1, scores.shape[1]), dim=1)  # one more tells whether the last one is tied
    hits, values = positive.gather(1, top.indices[:, :k]).float(), top.values
    tied = ((values[:, 1:] == values[:, :-1]) & (values[:, 1:] > -torch.inf)).any(dim=1)
    if tied.any():  # seldom, and where no wanted item comes that high it changes nothing
        tied &= ((scores >= values[:, k - 1 : k]) & positive).any(dim=1)
        hits[tied] = _shared(scores[tied], positive[tied], values[tied, :k])
    return dcg(hits)


def _shared(scores: Tensor, positive: Tensor, values: Tensor) -> Tensor:
    """Return for each of the highest ``values`` ``[m, k]`` which share of the items that have it was taken."""
    found = torch.zeros_like(values, dtype=torch.float32)
    for place, value in enumerate(values.T):
        if place and torch.equal(value, values[:, place - 1]):  # as of histories that say nothing
            found[:, place] = found[:, place - 1]
            continue
        equal = scores == value[:, None]
        found[:, place] = (equal & positive).sum(dim=1) / equal.sum(dim=1)
    return found


def dcg(hits: Tensor) -> Tensor:
    """Return DCG of ranked lists, ``[...]``: ``hits``, bool or a share ``[..., k]``, says what in them was taken."""
    return (hits * _discount(hits.shape[-1], hits.device)).sum(dim=-1)


def ideal(positive: Tensor, k: int = 10) -> Tensor:
    """Return the best DCG@k that there can be: ``[n_users]``."""
    k = min(k, positive.shape[1])
    wanted = torch.count_nonzero(positive, dim=1)  # seven times as fast as the sum of a bool tensor
    return _discount(k, positive.device).cumsum(0)[wanted.clamp(max=k) - 1]


def _discount(k: int, device: torch.device) -> Tensor:
    return 1 / torch.log2(torch.arange(2, k + 2, dtype=torch.float32, device=device))
