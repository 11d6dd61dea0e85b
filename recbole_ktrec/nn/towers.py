"""Towers that start as the identity, so that the untrained model is already the text kernel."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualTower(nn.Module):
    """``q(t) = t + t A`` with A = 0 at the start; with a rank, ``A = U V`` and U = 0.

    Args:
        width: size of a text vector.
        rank: rank of A, or None for a full matrix.
    """

    def __init__(self, width: int, rank: int | None = None) -> None:
        super().__init__()
        inner = rank or width
        self.up = nn.Parameter(torch.zeros(width, inner))
        self.down = nn.Parameter(torch.randn(inner, width) / inner**0.5) if rank else None

    def forward(self, text: Tensor) -> Tensor:
        """Map ``[n, width]`` to ``[n, width]``."""
        moved = text @ self.up
        return text + (moved if self.down is None else moved @ self.down)
