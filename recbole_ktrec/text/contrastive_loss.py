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


def recall(first: Tensor, second: Tensor, known: Tensor, k: int = 10) -> float:
    """Return the share of pairs whose partner is among the ``k`` nearest of the batch, mean of both directions."""
    logits = _logits(first, second, known, 1.0)
    better = [(side > side.diagonal()[:, None]).sum(dim=1) for side in (logits, logits.T)]
    return float(torch.cat(better).lt(k).float().mean())
