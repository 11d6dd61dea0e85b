"""Calibration and ranking against answers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from recbole_ktrec.nn.calibration import fit_platt
from recbole_ktrec.nn.feedback import feedback_step
from recbole_ktrec.nn.ranking import ndcg_by_user


def test_platt_finds_the_line_that_made_the_labels() -> None:
    torch.manual_seed(0)
    scores = torch.randn(20000) * 5 + 3
    labels = torch.bernoulli(torch.sigmoid(0.7 * scores - 2))
    slope, shift = fit_platt(scores, labels)
    assert slope == pytest.approx(0.7, abs=0.05) and shift == pytest.approx(-2, abs=0.15)


def test_one_example_says_nothing() -> None:
    assert fit_platt(torch.tensor([3.0]), torch.tensor([1.0])) == (1.0, 0.0)


def test_ndcg_by_hand() -> None:
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, float("-inf")]])
    positive = torch.tensor([[False, True, False], [True, True, False]])
    discount = 1 / torch.log2(torch.tensor(3.0))
    assert float(ndcg_by_user(scores, positive, k=2).mean()) == pytest.approx(float(discount + 1) / 2)


def test_feedback_step_reaches_the_cosine_and_is_the_shortest() -> None:
    user, item = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([0.0, 1.0, 1.0])
    step = feedback_step(user, item, 0.3)
    assert torch.cosine_similarity(user + step, item, dim=0).item() == pytest.approx(0.3, abs=1e-5)
    assert torch.allclose(torch.linalg.cross(step, item), torch.zeros(3), atol=1e-5)
