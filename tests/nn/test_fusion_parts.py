"""Parts of the fusion scorer against answers worked out by hand."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.fusion import FUSIONS
from recbole_ktrec.nn.graph import smooth_items
from recbole_ktrec.nn.history import Histories, hide, pool
from recbole_ktrec.nn.losses import bce_loss, bpr_loss, softmax_loss
from recbole_ktrec.nn.scorers import SCORERS
from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.towers import ResidualTower, TowerPair
from recbole_ktrec.nn.whitening import fit_whitening, whitened_text


def test_whitening_brings_the_covariance_close_to_the_identity() -> None:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(4000, 6)) * [1, 2, 3, 4, 5, 6] + 3
    whitening = fit_whitening(vectors, 0.5)
    moved = (vectors - whitening.mean) @ whitening.matrix
    variances = np.array([1, 4, 9, 16, 25, 36])
    assert np.allclose(np.cov(moved.T), np.diag(variances / (variances + 0.1 * variances.mean())), atol=0.1)
    assert np.allclose(np.linalg.norm(whitening(vectors), axis=1), 1, atol=1e-5)


def test_whitening_a_catalogue_smaller_than_its_vectors_keeps_what_is_alike_alike() -> None:
    draw = np.random.default_rng(0)
    topic = np.repeat(draw.normal(size=(10, 64)), 2, axis=0)
    unit = fit_whitening(topic + 0.1 * draw.normal(size=(20, 64)), 0.4)
    rows = unit(topic + 0.1 * draw.normal(size=(20, 64)))
    similar = rows @ rows.T
    assert (similar[np.arange(0, 20, 2), np.arange(1, 20, 2)] > 0.5).all()


def test_directions_of_another_catalogue_put_both_into_one_space() -> None:
    draw = np.random.default_rng(4)
    one, other = (draw.normal(size=(200, 6)) * np.roll([9.0, 5.0, 3.0, 2.0, 1.0, 0.5], by) for by in (0, 3))
    kept = fit_whitening(one, 0.5, width=3).directions
    assert kept is not None and np.abs(kept[:3]).round().sum() == 3, "the first three columns vary most"
    both = fit_whitening(other, 0.5, 3, kept)
    np.testing.assert_allclose(both.matrix, fit_whitening(other, 0.5).matrix @ kept, atol=1e-6)
    np.testing.assert_allclose(fit_whitening(one, 0.5, 3, kept).matrix, fit_whitening(one, 0.5, 3).matrix)


def test_whitening_leaves_rows_without_text_zero_and_cuts_to_a_width() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 5)).astype(np.float32)
    has_text = np.arange(20) > 2
    result = whitened_text(vectors, has_text, 0.5, width=3)
    assert result.shape == (20, 3)
    assert not result[:3].any()
    assert np.allclose(np.linalg.norm(result[3:], axis=1), 1, atol=1e-5)


def test_smoothing_one_layer_by_hand() -> None:
    # One user took items 0 and 1: smoothing gives both the same direction; item 2 stays as it is.
    interactions = sp.csr_matrix(np.array([[1, 1, 0]], dtype=np.float32))
    smoothed = smooth_items(interactions, np.eye(3, dtype=np.float32), layers=1)
    half = 1 / np.sqrt(2)
    expected = np.array([1 + half, half, 0]) / np.linalg.norm([1 + half, half])
    assert np.allclose(smoothed[0], expected, atol=1e-5)
    assert np.allclose(smoothed[2], [0, 0, 1])


def test_towers_start_as_the_identity() -> None:
    text = torch.randn(4, 8)
    assert torch.equal(ResidualTower(8)(text), text)
    assert torch.equal(ResidualTower(8, rank=2)(text), text)


@pytest.mark.parametrize("name", FUSIONS)
def test_fusion_takes_a_cold_item_and_passes_gradients(name: str) -> None:
    fusion = FUSIONS[name](6)
    ids, text = torch.zeros(5, 6, requires_grad=True), torch.randn(5, 6, requires_grad=True)
    fused = fusion(ids, text)
    assert fused.shape == (5, fusion.out_width)
    fused.square().sum().backward()
    reached = {"id": (ids,), "text": (text,)}.get(name, (ids, text))
    assert all(side.grad is not None for side in reached)
    if name not in ("id", "moe"):
        kept = torch.nn.functional.cosine_similarity(fused[:, :6], text)
        assert torch.allclose(kept, torch.ones(5), atol=1e-4)


@pytest.mark.parametrize("name", SCORERS)
def test_grid_equals_pairs(name: str) -> None:
    torch.manual_seed(0)
    scorer = SCORERS[name](6, 0.2)
    for parameter in scorer.parameters():
        torch.nn.init.normal_(parameter)
    users, items = torch.randn(3, 6), torch.randn(4, 6)
    grid = scorer.grid(users, items)
    pairs = torch.stack([scorer.pairs(users[[u] * 4], items) for u in range(3)])
    assert torch.allclose(grid, pairs, atol=1e-5)


@pytest.mark.parametrize("name", SCORERS)
def test_vectors_of_zeros_have_a_gradient_that_half_precision_holds(name: str) -> None:
    torch.manual_seed(0)
    users, items = torch.randn(3, 6), torch.zeros(4, 6, dtype=torch.float16, requires_grad=True)
    with torch.autocast("cpu", torch.float16):
        SCORERS[name](6, 0.2).grid(users, items).square().sum().backward()
    assert items.grad is not None and torch.isfinite(items.grad).all()


def test_softmax_leaves_known_items_out_of_the_denominator() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.5]])
    known = torch.tensor([[True, True, False]])
    loss = softmax_loss(scores, torch.tensor([0]), torch.tensor([0]), known)
    assert loss.item() == pytest.approx(np.log1p(np.exp(0.5 - 2.0)), abs=1e-6)


def test_bpr_and_bce_ignore_a_drawn_item_that_the_user_knows() -> None:
    scores, known = torch.tensor([[2.0, 1.0]]), torch.tensor([[True, True]])
    pair = torch.tensor([0]), torch.tensor([0])
    assert bpr_loss(scores, *pair, known).item() == 0
    assert bce_loss(scores, *pair, known).item() == pytest.approx(np.log1p(np.exp(-2.0)), abs=1e-6)


def test_histories_and_pooling_by_hand() -> None:
    interactions = sp.csr_matrix(np.array([[0, 0, 0], [1, 0, 0.5], [0, 0, 0], [0, 1, 0]], dtype=np.float32))
    row, items, weight = Histories(interactions).of(torch.tensor([1, 2, 3]))
    assert row.tolist() == [0, 0, 2] and items.tolist() == [0, 2, 1] and weight.tolist() == [1, 0.5, 1]
    vectors = torch.tensor([[1.0], [10.0], [100.0]])
    assert pool(vectors, items, row, 3).tolist() == [[101.0], [0.0], [10.0]]
    assert pool(vectors, items, row, 3, weight).tolist() == [[51.0], [0.0], [10.0]]


def test_hiding_keeps_an_input_and_a_target_for_everyone_who_has_two() -> None:
    torch.manual_seed(0)
    row = torch.repeat_interleave(torch.arange(200), torch.tensor([1, 2, 3, 9] * 50))
    hidden = hide(row, 0.5)
    visible = torch.bincount(row[~hidden], minlength=200)
    targets = torch.bincount(row[hidden], minlength=200)
    assert (visible >= 1).all()
    assert (targets[torch.bincount(row) >= 2] >= 1).all() and (targets[torch.bincount(row) == 1] == 0).all()


def test_shared_rows_are_not_copied() -> None:
    rows = SharedRows(np.eye(3, dtype=np.float32))
    assert copy.deepcopy(rows) is rows
    assert rows.rows(torch.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("rank", [None, 2])
def test_a_tower_that_is_fixed_has_a_gradient_of_zero_and_passes_that_of_the_text_on(rank: int | None) -> None:
    """Of several processes each waits for the gradient of every parameter."""
    tower, text = ResidualTower(3, rank), torch.randn(5, 3, requires_grad=True)
    tower.fixed = True
    tower(text).sum().backward()
    assert all(one.grad is not None and not one.grad.any() for one in tower.parameters())
    assert text.grad is not None and torch.equal(text.grad, torch.ones(5, 3))


@pytest.mark.parametrize("second", [False, True])
def test_of_two_towers_one_maps_and_the_other_does_not_move(second: bool) -> None:
    pair, text = TowerPair(ResidualTower(3), ResidualTower(3, 2)), torch.randn(5, 3)
    for tower in (pair.first, pair.second):
        torch.nn.init.normal_(tower.up)
    pair.takes_second = second
    used, other = (pair.second, pair.first) if second else (pair.first, pair.second)
    torch.testing.assert_close(pair(text), used(text))
    pair(text).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in used.parameters())
    assert all(parameter.grad is not None and not parameter.grad.any() for parameter in other.parameters())
