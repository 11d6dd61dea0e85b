"""Histories in their order: the last items, windows with what follows, groups of like lengths."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.sequences import Sequences, by_length

#: User 1 took 4, then 2, then 3; user 2 took 5; user 3 took 1, 2, 3, 4, 5 in this order. Users 0 and 4 took nothing.
PLACES = np.zeros((5, 6), dtype=np.float32)
PLACES[1, [4, 2, 3]] = 3, 2, 1
PLACES[2, 5] = 1
PLACES[3, 1:] = 5, 4, 3, 2, 1


@pytest.fixture
def sequences() -> Sequences:
    return Sequences(sp.csr_matrix(PLACES))


def test_the_last_items_of_each_user_in_their_order(sequences: Sequences) -> None:
    items, counts = sequences.last(torch.tensor([3, 1, 4, 2]), 3)
    assert items.tolist() == [[3, 4, 5], [4, 2, 3], [0, 0, 0], [5, 0, 0]]
    assert counts.tolist() == [3, 3, 0, 1]


def test_users_without_a_history_have_an_empty_row(sequences: Sequences) -> None:
    items, counts = sequences.last(torch.tensor([0, 4]), 3)
    assert items.tolist() == [[0], [0]] and counts.tolist() == [0, 0]
    assert Sequences(sp.csr_matrix((3, 4))).last(torch.tensor([1]), 2)[0].tolist() == [[0]]


def test_windows_hold_what_comes_next(sequences: Sequences) -> None:
    read, following, counts = sequences.windows(torch.tensor([1, 2, 3]), 10)
    assert read.tolist() == [[4, 2, 0, 0], [0, 0, 0, 0], [1, 2, 3, 4]]
    assert following.tolist() == [[2, 3, 0, 0], [0, 0, 0, 0], [2, 3, 4, 5]]
    assert counts.tolist() == [2, 0, 4]


def test_of_a_longer_history_every_window_is_drawn(sequences: Sequences) -> None:
    torch.manual_seed(0)
    drawn = {tuple(map(tuple, torch.cat(sequences.windows(torch.tensor([3]), 2)[:2]).tolist())) for _ in range(50)}
    assert drawn == {((1, 2), (2, 3)), ((2, 3), (3, 4)), ((3, 4), (4, 5))}


def test_groups_hold_each_row_once_and_lengths_within_a_factor_of_two() -> None:
    counts = torch.tensor([3, 0, 50, 17, 8, 9, 33, 16])
    groups = by_length(counts)
    assert [counts[rows].tolist() for rows in groups] == [[3, 8], [9, 16], [17], [50, 33]]
    assert by_length(torch.tensor([0, 0])) == by_length(torch.empty(0, dtype=torch.long)) == []
