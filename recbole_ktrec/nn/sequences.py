"""Histories in their order, as batches of sequences: the last items of each user, or a window with what came next."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.nn.recency import in_order

#: Sequences up to this length are one group.
_SHORT = 8


class Sequences:
    """The items of every user, the oldest first, in one flat array; shared by copies of the model, never copied.

    Args:
        places: of each interaction from the end of its history, ``[n_users, n_items]``, see :mod:`.recency`.
    """

    def __init__(self, places: sp.csr_matrix) -> None:
        self.items = torch.from_numpy(in_order(places)[1].astype(np.int64))
        self.starts = torch.from_numpy(places.indptr.astype(np.int64))

    def __deepcopy__(self, memo: dict[int, object]) -> Sequences:
        return self

    def last(self, users: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """Return the last ``length`` items of ``users`` ``[m]``, padded with 0 at the end, and how many: ``[m]``.

        The first is ``[m, longest]``, at least one item wide.
        """
        users = users.cpu()
        end = self.starts[users + 1]
        counts = (end - self.starts[users]).clamp(max=length)
        return self._cut(end - counts, counts), counts

    def windows(self, users: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return up to ``length`` consecutive items of ``users`` ``[m]``, what follows each, and how many: ``[m]``.

        Of longer histories the window is drawn anew each time. Items are ``[m, longest]``, padded with 0 at the end.
        """
        users = users.cpu()
        steps = (self.starts[users + 1] - self.starts[users] - 1).clamp(min=0)
        counts = steps.clamp(max=length)
        first = self.starts[users] + (torch.rand(len(users)).double() * (steps - counts + 1)).long()
        return self._cut(first, counts), self._cut(first + 1, counts), counts

    def _cut(self, first: Tensor, counts: Tensor) -> Tensor:
        place = torch.arange(max(int(counts.max()) if len(counts) else 0, 1))
        there = place < counts.unsqueeze(1)
        found = (first.unsqueeze(1) + place).clamp(max=max(len(self.items) - 1, 0))
        return torch.where(there, self.items[found], 0) if len(self.items) else there.long()


def by_length(counts: Tensor) -> list[Tensor]:
    """Return the rows in groups whose lengths are within a factor of two, so that little of a batch is padding.

    Args:
        counts: of the sequences, ``[m]``; empty ones are in no group.
    """
    groups, above, limit = [], 0, _SHORT
    while above < int(counts.max() if len(counts) else 0):
        rows = torch.nonzero((counts > above) & (counts <= limit)).ravel()
        groups += [rows] if len(rows) else []
        above, limit = limit, 2 * limit
    return groups
