"""Histories of all users in one flat array, read by batches of users."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn import functional as F


class Histories:
    """The items of every user as CSR arrays; shared by copies of the model, never copied.

    Args:
        interactions: ``[n_users, n_items]``, what each counts.
    """

    def __init__(self, interactions: sp.csr_matrix) -> None:
        self.weights = torch.from_numpy(interactions.data.astype(np.float32))
        self.starts = torch.from_numpy(interactions.indptr.astype(np.int64))
        self.items = torch.from_numpy(interactions.indices.astype(np.int64))

    def __deepcopy__(self, memo: dict[int, object]) -> Histories:
        return self

    def of(self, users: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (row, item, weight), ``[n]`` each: row counts the users of the batch ``[m]`` from 0, ascending."""
        users = users.cpu()
        lengths = self.starts[users + 1] - self.starts[users]
        row = torch.repeat_interleave(torch.arange(len(users)), lengths)
        first = torch.cumsum(lengths, 0) - lengths
        places = (self.starts[users] - first)[row] + torch.arange(len(row))
        return row, self.items[places], self.weights[places]


def hide(row: Tensor, share: float) -> Tensor:
    """Choose which interactions of a batch are to be predicted from the others: bool ``[n]``, true = hidden.

    Each user keeps at least one as input and has at least one hidden, where there are two or more; a single one is
    both input and target nowhere: it stays input. Predicting hidden items keeps an item from explaining itself.

    Args:
        row: ascending user index of each interaction.
        share: expected share of hidden ones.
    """
    noise = torch.rand(len(row))
    order = torch.argsort(row + noise.double() * 0.999)
    sorted_row = row[order]
    first = torch.ones(len(row), dtype=torch.bool)
    first[1:] = sorted_row[1:] != sorted_row[:-1]
    last = torch.roll(first, -1)
    hidden = noise < share
    hidden[order[first]] = True
    hidden[order[last]] = False
    return hidden


def shared_candidates(
    row: Tensor, items: Tensor, hidden: Tensor, drawn: Tensor, users: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a batch of users is scored against: everybody's hidden items and the drawn ones.

    Args:
        row: user index of each interaction, ``[n]``.
        items: its item, ``[n]``.
        hidden: whether it is to be predicted, bool ``[n]``.
        drawn: items that are candidates besides, ``[k]``.
        users: how many users the batch has.

    Returns:
        The distinct candidates ``[c]``; the column of each interaction among them ``[n]`` (it means nothing where its
        item is no candidate); which candidates each user knows, bool ``[users, c]``.
    """
    candidates = torch.unique(torch.cat([items[hidden], drawn]))
    column = torch.searchsorted(candidates, items).clamp(max=len(candidates) - 1)
    found = candidates[column] == items
    known = torch.zeros(users, len(candidates), dtype=torch.bool, device=items.device)
    known[row[found], column[found]] = True
    return candidates, column, known


def pool(vectors: Tensor, index: Tensor, row: Tensor, users: int, weight: Tensor | None = None) -> Tensor:
    """Return the sum of ``vectors[index]`` over each user's interactions: ``[users, width]``; no history gives zeros.

    Args:
        vectors: ``[m, width]``, the distinct items.
        index: ``[n]``, which of them each interaction takes.
        row: ``[n]``, ascending user index of each interaction.
        weight: ``[n]``, what each counts; 1 by default.
    """
    offsets = torch.searchsorted(row, torch.arange(users, device=row.device))
    return F.embedding_bag(index, vectors, offsets, mode="sum", per_sample_weights=weight)
