"""Scorers: the logit of R(u, i) = sigma(W_u . f(i) + b_i), and richer forms of the product.

Each has two methods: ``pairs`` scores row by row, ``grid`` every user against every item.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

#: Pairs whose vectors are laid side by side at a time.
_PAIRS = 1 << 15


def unit_rows(rows: Tensor) -> Tensor:
    """Return ``rows`` ``[..., width]`` at length 1, zeros as they are.

    The gradient of torch's own ``normalize`` at a row of zeros (no text, and the ID dropped) is 1e12, which half
    precision (``enable_amp``) does not hold.
    """
    lengths = torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    return rows / lengths.masked_fill(lengths == 0, 1)


class Dot(nn.Module):
    """Cosine of user and item vector over a temperature.

    Args:
        width: size of the vectors.
        temperature: cosine scores are divided by it.

    Attributes:
        weight: what training a score holds in memory, in scores of this one.
    """

    weight = 1

    def __init__(self, width: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self._last: tuple[tuple[Tensor, Tensor], ...] = ()

    def _unit(self, items: Tensor) -> Tensor:
        """Return ``items`` at length 1; those of a catalogue that is scored batch by batch are made once.

        So are the new items that a service lists beside it. Other threads may ask for others at the same time.
        """
        if torch.is_grad_enabled():
            return unit_rows(items)
        last = self._last
        for one, made in last:
            if one is items:
                return made
        made = unit_rows(items)
        self._last = (*last[-1:], (items, made))
        return made

    def train(self, mode: bool = True) -> Dot:
        """Let go of the catalogue."""
        self._last = ()
        super().train(mode)
        return self

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """Score ``[n, width]`` against ``[n, width]``: ``[n]``."""
        return (unit_rows(users) * unit_rows(items)).sum(dim=-1) / self.temperature

    def grid(self, users: Tensor, items: Tensor) -> Tensor:
        """Score ``[m, width]`` against ``[n, width]``: ``[m, n]``."""
        return unit_rows(users) / self.temperature @ self._unit(items).T


def score_pairs(scorer: Dot, users: Tensor, user: Tensor, items: Tensor, item: Tensor) -> Tensor:
    """Return the scores ``[n]`` of rows ``user`` of ``users`` with rows ``item`` of ``items``, some at a time."""
    chunks = zip(user.split(_PAIRS), item.split(_PAIRS), strict=True)
    return torch.cat([scorer.pairs(users[some], items[others]) for some, others in chunks])


class MLP(Dot):
    """The dot score plus ``v . relu(W_1 u + W_2 i)`` (as NeuMF adds an MLP to a product); the MLP part starts at 0."""

    #: Grid scores are made for this many pairs at once, which bounds the memory.
    CHUNK = 2_000_000
    weight = 16  # 64 numbers a score; a batch has 256 users, and as many steps then

    def __init__(self, width: int, temperature: float, hidden: int = 64) -> None:
        super().__init__(width, temperature)
        self.user_layer = nn.Linear(width, hidden)
        self.item_layer = nn.Linear(width, hidden, bias=False)
        self.output = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.output.weight)

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        hidden = torch.relu(self.user_layer(users) + self.item_layer(items))
        return super().pairs(users, items) + self.output(hidden).squeeze(-1)

    def grid(self, users: Tensor, items: Tensor) -> Tensor:
        left, right = self.user_layer(users), self.item_layer(items)
        step = max(1, self.CHUNK // max(len(right), 1))
        parts = [self.output(torch.relu(row.unsqueeze(1) + right)).squeeze(-1) for row in left.split(step)]
        return super().grid(users, items) + torch.cat(parts)


class Cluster(Dot):
    """Several interest prototypes a user: the best-matching one counts (as in ComiRec, Cen et al. 2020).

    Args:
        prototypes: how many; the first is the user vector itself, the others start as small turns of it.
    """

    weight = 4

    def __init__(self, width: int, temperature: float, prototypes: int = 4) -> None:
        super().__init__(width, temperature)
        self.turns = nn.Parameter(torch.randn(prototypes, width, width) * 0.02 / width**0.5)

    def _prototypes(self, users: Tensor) -> Tensor:
        turned = torch.einsum("nw,kwv->nkv", users, self.turns)
        return unit_rows(users.unsqueeze(1) + turned)

    def pairs(self, users: Tensor, items: Tensor) -> Tensor:
        scores = torch.einsum("nkw,nw->nk", self._prototypes(users), unit_rows(items))
        return scores.max(dim=1).values / self.temperature

    def grid(self, users: Tensor, items: Tensor) -> Tensor:
        flat = unit_rows(items).T
        prototypes = self._prototypes(users).unbind(dim=1)
        best = prototypes[0] @ flat
        for prototype in prototypes[1:]:
            best = torch.maximum(best, prototype @ flat)
        return best / self.temperature


SCORERS: dict[str, type[Dot]] = {"dot": Dot, "mlp": MLP, "cluster": Cluster}
