"""Fusion of an ID vector with a text vector of the same size: ``fuse(id, text) -> vector``.

Every fusion starts close to its text side (IDs start near zero), so that what is not known yet costs nothing, and takes
a zero ID vector (a cold item) without a special case.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """Base: both inputs are ``[n, width]``; the output is ``[n, out_width]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.out_width = width


class IDOnly(Fusion):
    """The ID vector alone: the baseline that reads nothing."""

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        return ids


class TextOnly(Fusion):
    """The text vector alone: what two domains can share without sharing items."""

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        return text


class Sum(Fusion):
    """``text + id``."""

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        return text + ids


class Weighted(Fusion):
    """``text + a . id`` with one learned scale a > 0."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        return text + self.log_scale.exp() * ids


class Concat(Fusion):
    """``[text ; id]``: the score is the sum of a text score and an ID score."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.out_width = 2 * width

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        return torch.cat([text, ids], dim=-1)


class Gate(Fusion):
    """``g * text + (1 - g) * id``, element by element, with ``g = sigma(W [text ; id] + c)``; starts at g = .88."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.gate = nn.Linear(2 * width, width)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, 2.0)

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(torch.cat([text, ids], dim=-1)))
        return gate * text + (1 - gate) * ids


class Attention(Fusion):
    """Additive attention over the two sources: weights ``softmax_k(v . tanh(W x_k))`` (Bahdanau et al. 2015)."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.project = nn.Linear(width, width)
        self.query = nn.Linear(width, 1, bias=False)
        nn.init.zeros_(self.query.weight)

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        sources = torch.stack([text, ids], dim=-2)
        weights = torch.softmax(self.query(torch.tanh(self.project(sources))), dim=-2)
        return 2 * (weights * sources).sum(dim=-2)


class MixtureOfExperts(Fusion):
    """``sum_k pi_k(text) (text + A_k text) + id``: residual experts mixed by a gate on the text (UniSRec's MoE)."""

    def __init__(self, width: int, experts: int = 4, rank: int = 32) -> None:
        super().__init__(width)
        self.gate = nn.Linear(width, experts)
        self.down = nn.Parameter(torch.randn(experts, width, rank) / width**0.5)
        self.up = nn.Parameter(torch.zeros(experts, rank, width))

    def forward(self, ids: Tensor, text: Tensor) -> Tensor:
        mix = torch.softmax(self.gate(text), dim=-1)
        moved = torch.einsum("nw,ewr,erv,ne->nv", text, self.down, self.up, mix)
        return text + moved + ids


FUSIONS: dict[str, type[Fusion]] = {
    "id": IDOnly,
    "text": TextOnly,
    "sum": Sum,
    "weighted": Weighted,
    "concat": Concat,
    "gate": Gate,
    "attention": Attention,
    "moe": MixtureOfExperts,
}
