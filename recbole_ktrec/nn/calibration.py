"""From scores to probabilities: Platt scaling (Platt 1999)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def fit_platt(scores: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return (a, c) so that ``sigma(a * score + c)`` fits the labels best; a > 0, so the order stays.

    Args:
        scores: ``[n]``.
        labels: 0 or 1, ``[n]``. One alone says nothing: (1, 0).
    """
    if len(scores) < 2:
        return 1.0, 0.0
    with torch.enable_grad():
        spread = scores.std().clamp(min=1e-6)
        standard = (scores.double() - scores.mean()) / spread
        log_slope = torch.zeros((), dtype=torch.double, requires_grad=True)
        shift = torch.zeros((), dtype=torch.double, requires_grad=True)
        optimizer = torch.optim.LBFGS([log_slope, shift], max_iter=100, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            logits = log_slope.exp() * standard + shift
            loss = F.binary_cross_entropy_with_logits(logits, labels.double()) + 1e-4 * log_slope**2
            loss.backward()
            return loss

        optimizer.step(closure)
    slope = float(log_slope.detach().exp() / spread)
    return slope, float(shift.detach()) - slope * float(scores.mean())
