"""Attention over a history: a decayed sum at the start, no look ahead, and padding that says nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from recbole_ktrec.nn.attention import AttentionEncoder, AttentionForm
from recbole_ktrec.nn.fusion_model import FusionModel, FusionOptions
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.losses import softmax_loss
from recbole_ktrec.nn.next_item import NextItem
from recbole_ktrec.nn.sequences import Sequences
from recbole_ktrec.nn.shared import SharedRows


@pytest.fixture
def encoder() -> AttentionEncoder:
    torch.manual_seed(3)
    return AttentionEncoder(6, AttentionForm(length=20, layers=2, heads=2, dropout=0.5)).eval()


def spoken(encoder: AttentionEncoder) -> AttentionEncoder:
    """Return it as if it had been trained: attention says something."""
    with torch.no_grad():
        encoder.outward.weight.normal_()
    return encoder


def test_at_the_start_it_is_a_decayed_sum(encoder: AttentionEncoder) -> None:
    vectors, index = torch.randn(4, 6), torch.tensor([[1, 2, 3]])
    said = encoder(vectors, index, torch.tensor([3]))[0]
    halves = [math.exp(-0.5 * step) for step in range(3)]
    expected = halves[2] * vectors[1] + halves[1] * vectors[2] + vectors[3]
    torch.testing.assert_close(said[2], expected)
    torch.testing.assert_close(said[0], vectors[1])


def test_what_comes_later_says_nothing_of_a_step_before(encoder: AttentionEncoder) -> None:
    vectors, index = torch.randn(6, 6), torch.tensor([[1, 2, 3, 4], [1, 2, 5, 5]])
    said = spoken(encoder)(vectors, index, torch.tensor([4, 4]))
    torch.testing.assert_close(said[0, :2], said[1, :2])
    assert not torch.allclose(said[0, 2:], said[1, 2:])


def test_order_says_something_and_padding_nothing(encoder: AttentionEncoder) -> None:
    vectors, trained = torch.randn(20, 6), spoken(encoder)
    long, short = torch.arange(1, 13), torch.tensor([5, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    both = trained(vectors, torch.stack([long, short]), torch.tensor([12, 2]))
    torch.testing.assert_close(both[1, :2], trained(vectors, torch.tensor([[5, 4]]), torch.tensor([2]))[0])
    assert not both[1, 2:].any()
    assert not torch.allclose(both[1, 1], trained(vectors, torch.tensor([[4, 5]]), torch.tensor([2]))[0, 1])


def test_gradients_are_finite_whatever_the_decay_and_the_length() -> None:
    encoder = AttentionEncoder(4, AttentionForm(length=300))
    with torch.no_grad():
        encoder.decay.fill_(3.0)
    said = encoder(torch.randn(2, 4), torch.ones(1, 300, dtype=torch.long), torch.tensor([300]))
    said[0, -1].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())
    assert encoder.decay.grad != 0


def test_scores_of_a_model_in_training_mode_are_no_draw(encoder: AttentionEncoder) -> None:
    trained, asked = spoken(encoder).train(), (torch.randn(3, 6), torch.tensor([[1, 2]]), torch.tensor([2]))
    with torch.no_grad():
        assert torch.equal(trained(*asked), trained(*asked))
    assert trained.training and trained.dropout.training
    assert not torch.equal(trained(*asked), trained(*asked)), "in training it is"


def test_nobody_has_a_history(encoder: AttentionEncoder) -> None:
    assert encoder(torch.randn(1, 6), torch.zeros(2, 1, dtype=torch.long), torch.tensor([0, 0])).tolist() == [
        [[0.0] * 6],
        [[0.0] * 6],
    ]


def test_the_loss_is_that_of_each_next_item_against_what_the_user_never_took() -> None:
    torch.manual_seed(1)
    text = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    options = FusionOptions(id_dropout=0, sparse=False, attention=AttentionForm(5, 1, 2, 0.0))
    net = FusionModel(SharedRows(text), 2, options)
    places = sp.csr_matrix(np.array([[0] * 8, [0, 0, 3, 1, 2, 0, 0, 0]], dtype=np.float32))  # 2, then 4, then 3
    task = NextItem(length=5, negatives=500, loss=softmax_loss)
    users, everything = torch.tensor([1]), torch.arange(1, 8)
    loss = task(net, Histories(places > 0), Sequences(places), everything, users)
    at = torch.tensor([0, 0]), torch.tensor([0, 1])
    vectors = net.vectors_in_order(users, torch.tensor([[2, 4]]), torch.tensor([2]), at)
    scores = net.scorer.grid(vectors, net.item_vectors(torch.arange(8))[0])
    steps = [F.cross_entropy(scores[step, [wanted, 1, 5, 6, 7]], torch.tensor(0)) for step, wanted in ((0, 4), (1, 3))]
    torch.testing.assert_close(loss, torch.stack(steps).mean())


def test_many_steps_are_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recbole_ktrec.nn.next_item._STEPS", 3)
    seen: list[int] = []

    def counting(scores: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        seen.append(len(scores))
        return softmax_loss(scores, *others)

    net = FusionModel(SharedRows(np.eye(8, dtype=np.float32)), 3, FusionOptions(attention=AttentionForm(5, 1, 2, 0.0)))
    places = sp.csr_matrix(np.array([[0] * 8, [0, 4, 3, 2, 1, 0, 0, 0], [0, 1, 2, 0, 0, 0, 0, 0]], dtype=np.float32))
    task = NextItem(length=5, negatives=4, loss=counting)
    assert task(net, Histories(places > 0), Sequences(places), torch.arange(1, 8), torch.tensor([1, 2])) > 0
    assert seen == [3]
    net.scorer.weight = 2
    task(net, Histories(places > 0), Sequences(places), torch.arange(1, 8), torch.tensor([1, 2]))
    assert seen == [3, 1]
