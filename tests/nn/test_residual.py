"""The scores of another scorer in the loss: worked by hand, and the size at which they stand there."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.blend import scales
from recbole_ktrec.nn.fusion_model import FusionModel, FusionOptions
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.losses import softmax_loss
from recbole_ktrec.nn.objective import Objective
from recbole_ktrec.nn.residual import Residual
from recbole_ktrec.nn.shared import SharedRows

B = np.array([[0, 0, 0, 0], [0, 0, 2, 0], [0, 1, 0, 3], [0, 0, 4, 0]], dtype=np.float32)


def test_scores_of_what_is_visible_scaled() -> None:
    beside = Residual(lambda rows: rows @ B, scale=0.5, n_items=4)
    row, items = torch.tensor([0, 0, 2]), torch.tensor([1, 3, 2])  # the second user shows nothing
    found = beside(3, row, items, torch.tensor([2, 3]))
    assert torch.equal(found, torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 1.5]]))
    assert copy.deepcopy(beside) is beside


def test_both_are_brought_to_one_spread() -> None:
    first, second = torch.tensor([[9.0, 1.0, 3.0]]), torch.tensor([[7.0, 10.0, 30.0]])
    masked = torch.tensor([[True, False, False]])  # no candidate: its scores do not count
    one, other = scales(first, second, lambda _: (masked, ~masked))
    assert (one, other) == pytest.approx((1 / 2**0.5, 1 / 200**0.5))


def test_the_loss_is_that_of_the_sum() -> None:
    text = np.eye(4, dtype=np.float32)
    net = FusionModel(SharedRows(text), 2, FusionOptions(id_dropout=0.0))
    histories = Histories(sp.csr_matrix(np.array([[0, 0, 0, 0], [0, 1, 1, 0]], dtype=np.float32)))
    objective, users, drawable = Objective(0.5, 8, softmax_loss), torch.tensor([1]), torch.tensor([3])

    def loss(beside: Residual | None) -> torch.Tensor:
        torch.manual_seed(0)
        return objective(net, histories, drawable, users, residual=beside)

    together = np.zeros((4, 4), dtype=np.float32)
    together[1, 2] = together[2, 1] = 1  # whichever is hidden gets 1 from the other one, the candidate 3 nothing
    alone, told = loss(None), loss(Residual(lambda rows: rows @ together, 2.0, 4))
    chance = float(torch.exp(-alone.detach()))
    odds = chance / (1 - chance) * np.e**2
    assert float(torch.exp(-told.detach())) == pytest.approx(odds / (1 + odds), rel=1e-5)
    [gradient] = torch.autograd.grad(told, net.item_id.weight)
    assert gradient.to_dense().abs().sum() > 0
