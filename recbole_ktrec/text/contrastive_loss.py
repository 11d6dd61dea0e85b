"""The symmetric in-batch softmax over pairs of vectors, and how well it is met."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def info_nce(first: Tensor, second: Tensor, known: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy of each pair against the batch, in both directions: a scalar.

    Args:
        first, second: vectors ``[n, dim]``, of any length.
        known: bool ``[n, n]``, true where the two are no negatives of each other; the diagonal does not matter.
    """
    logits = _logits(first, second, known, temperature)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def _logits(first: Tensor, second: Tensor, known: Tensor, temperature: float) -> Tensor:
    logits = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T / temperature
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return logits.masked_fill(known & ~own, float("-inf"))


def ranks(first: Tensor, second: Tensor, known: Tensor) -> Tensor:
    """Return the rank from 1 of each pair's partner by cosine among the batch, in both directions: ``[2n]``."""
    logits = _logits(first, second, known, 1.0)
    return torch.cat([(side > side.diagonal()[:, None]).sum(dim=1) + 1 for side in (logits, logits.T)])
