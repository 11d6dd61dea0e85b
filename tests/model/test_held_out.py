"""What held-out interactions are of: a sample of users, and items that were there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from recbole.data.interaction import Interaction

from recbole_ktrec.model.held_out import HeldOut, held_out
from recbole_ktrec.model.interactions import Taken

#: Two users; item 0 is padding, items 1 and 2 were taken in training, 3 is held out, 4 and 5 are asked for later.
TAKEN = sp.csr_matrix(np.array([[0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0]], dtype=np.float32))


def valid_data(times: list[float] | None) -> Any:
    feat = {"user_id": torch.tensor([1, 2]), "item_id": torch.tensor([3, 3])}
    feat |= {} if times is None else {"timestamp": torch.tensor(times)}
    dataset = SimpleNamespace(inter_feat=Interaction(feat), item_num=6, time_field="timestamp")
    return SimpleNamespace(_dataset=dataset)


def found(times: list[float] | None, until: float | None) -> HeldOut:
    made = held_out(valid_data(times), "user_id", "item_id", 1, Taken(TAKEN, None, until=until))
    assert made is not None
    return made


def test_items_of_later_are_no_candidates_where_validation_is_later_than_training() -> None:
    later = found([7.0, 9.0], until=7.0)
    assert later.absent is not None and np.flatnonzero(later.absent).tolist() == [0, 4, 5]
    assert later.barred(TAKEN).int().tolist() == [[1, 1, 0, 0, 1, 1], [1, 1, 1, 0, 1, 1]]


@pytest.mark.parametrize(("times", "until"), [([6.0, 9.0], 7.0), ([7.0, 9.0], None), (None, 7.0)])
def test_all_items_are_candidates_where_times_say_nothing(times: list[float] | None, until: float | None) -> None:
    """Training goes on after the first validation interaction; no clock; times that are not loaded."""
    made = found(times, until)
    assert made.absent is None
    assert made.barred(TAKEN).int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]


def test_nothing_is_absent_where_every_item_was_seen() -> None:
    everything = TAKEN.toarray()
    everything[2, 4:] = 1
    made = held_out(valid_data([8.0, 9.0]), "user_id", "item_id", 1, Taken(sp.csr_matrix(everything), None, until=7.0))
    assert made is not None and made.absent is None
