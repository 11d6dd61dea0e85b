"""In-batch softmax over vectors that belong together, in sets or in pairs, and how well it is met."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Temperatures of which the best is taken where a loss is to tell encoders apart.
_TEMPERATURES = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
#: Cosines that are so near each other are equal: float32 holds no more.
_TIE = 1e-6


def supervised_contrastive(vectors: Tensor, together: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy of each vector's partners against the batch (Khosla et al. 2020, L_out): a scalar.

    Args:
        vectors: ``[n, dim]``, of any length.
        together: bool ``[n, n]``, symmetric, the diagonal false; one without partners is only a negative of others.
    """
    unit = F.normalize(vectors.float(), dim=1)
    own = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    shares = torch.log_softmax((unit @ unit.T / temperature).masked_fill(own, float("-inf")), dim=1)
    partners = together.sum(dim=1)
    summed = shares.masked_fill(~together, 0).sum(dim=1)
    return -(summed[partners > 0] / partners[partners > 0]).mean()


def info_nce(first: Tensor, second: Tensor, known: Tensor, temperature: float) -> Tensor:
    """Return the mean cross-entropy of each pair against the batch, in both directions: a scalar.

    Args:
        first, second: vectors ``[n, dim]``, of any length.
        known: bool ``[n, n]``, true where the two are no negatives of each other; the diagonal does not matter.
    """
    logits = _logits(first, second, known, temperature)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def calibrated_info_nce(first: Tensor, second: Tensor, known: Tensor) -> tuple[float, float]:
    """Return the least :func:`info_nce` over temperatures, and that temperature.

    At one temperature a loss falls, too, when all cosines come nearer each other: an encoder that gives every text the
    same vector may then be better than a good one whose cosines are too far apart for that temperature. At the best
    one, equal vectors are the worst that there is (Guo et al. 2017 calibrate with one temperature in that way).
    """
    tried = [(info_nce(first, second, known, temperature).item(), temperature) for temperature in _TEMPERATURES]
    return min(tried)


def _logits(first: Tensor, second: Tensor, known: Tensor, temperature: float) -> Tensor:
    logits = F.normalize(first.float(), dim=1) @ F.normalize(second.float(), dim=1).T / temperature
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    return logits.masked_fill(known & ~own, float("-inf"))


def ranks(first: Tensor, second: Tensor, known: Tensor) -> Tensor:
    """Return the rank from 1 of each pair's partner by cosine among the batch, in both directions: ``[2n]``.

    Of equal ones the partner comes last: vectors that are all the same find nothing.
    """
    logits = _logits(first, second, known, 1.0)
    return torch.cat([(side >= side.diagonal()[:, None] - _TIE).sum(dim=1) for side in (logits, logits.T)])
