"""Towers that start as the identity, so that the untrained model is already the text kernel."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualTower(nn.Module):
    """``q(t) = t + t A`` with A = 0 at the start; with a rank, ``A = U V`` and U = 0.

    Args:
        width: size of a text vector.
        rank: rank of A, or None for a full matrix.

    Attributes:
        fixed: whether A stays as it is. Its gradient is 0 then and not missing: in several processes torch waits for
            that of every parameter that was to be trained when they were started.
    """

    def __init__(self, width: int, rank: int | None = None) -> None:
        super().__init__()
        inner, self.fixed = rank or width, False
        self.up = nn.Parameter(torch.zeros(width, inner))
        self.down = nn.Parameter(torch.randn(inner, width) / inner**0.5) if rank else None

    def forward(self, text: Tensor) -> Tensor:
        """Map ``[n, width]`` to ``[n, width]``."""
        if not self.fixed:
            return _moved(text, self.up, self.down)
        still = _moved(text, self.up.detach(), None if self.down is None else self.down.detach())
        return still + _nothing(self)


class TowerPair(nn.Module):
    """Two towers of which one maps; both are there from the start, as optimisers and checkpoints want it.

    Args:
        first, second: the towers.

    Attributes:
        takes_second: which one it is. The other one's gradient is 0, see :class:`ResidualTower`.
    """

    def __init__(self, first: ResidualTower, second: ResidualTower) -> None:
        super().__init__()
        self.first, self.second, self.takes_second = first, second, False

    def forward(self, text: Tensor) -> Tensor:
        """Map ``[n, width]`` to ``[n, width]``."""
        used, other = (self.second, self.first) if self.takes_second else (self.first, self.second)
        mapped: Tensor = used(text)
        return mapped + _nothing(other)


def _nothing(tower: ResidualTower) -> Tensor:
    """Return 0, of which each parameter of ``tower`` has the gradient 0."""
    return 0 * torch.stack([parameter.sum() for parameter in tower.parameters()]).sum()


def _moved(text: Tensor, up: Tensor, down: Tensor | None) -> Tensor:
    moved = text @ up
    return text + (moved if down is None else moved @ down)
