"""Losses over the scores of a batch of users against a shared set of candidates.

All take the same arguments: ``scores`` ``[n_users, n_candidates]``; the positives as pairs ``row`` (user) and
``column`` (candidate), both ``[n_positives]``; ``known`` bool ``[n_users, n_candidates]``, true where the candidate is
any item that the user is known to like: those are never negatives (masked with -inf: set to 0 they would still count).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _per_user_weights(row: Tensor, users: int) -> Tensor:
    """Weight ``1 / sqrt(positives of the user)``: long histories count more, but not in proportion."""
    weights = torch.bincount(row, minlength=users).clamp(min=1).float()[row].rsqrt()
    return weights / weights.sum()


def softmax_loss(scores: Tensor, row: Tensor, column: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of each positive against the candidates that the user does not know (sampled softmax)."""
    others = torch.logsumexp(scores.masked_fill(known, float("-inf")), dim=1)[row]
    positive = scores[row, column]
    return (_per_user_weights(row, len(scores)) * (torch.logaddexp(others, positive) - positive)).sum()


def _random_negatives(row: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return one random candidate a positive, and whether it really is a negative of that user."""
    drawn = torch.randint(known.shape[1], (len(row),), device=row.device)
    return drawn, ~known[row, drawn]


def bpr_loss(scores: Tensor, row: Tensor, column: Tensor, known: Tensor) -> Tensor:
    """``-log sigma(positive - negative)``, one random negative a positive (Rendle et al. 2009)."""
    drawn, valid = _random_negatives(row, known)
    losses = -F.logsigmoid(scores[row, column] - scores[row, drawn]) * valid
    return (_per_user_weights(row, len(scores)) * losses).sum()


def bce_loss(scores: Tensor, row: Tensor, column: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy, positives against as many random negatives: scores are log-odds (NCF, He et al. 2017)."""
    drawn, valid = _random_negatives(row, known)
    losses = -F.logsigmoid(scores[row, column]) - F.logsigmoid(-scores[row, drawn]) * valid
    return (_per_user_weights(row, len(scores)) * losses).sum()


LOSSES: dict[str, Loss] = {"softmax": softmax_loss, "bpr": bpr_loss, "bce": bce_loss}
