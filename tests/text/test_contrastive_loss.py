"""The losses of the further training of an encoder, and the ranks that it is judged by, have the known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recbole_ktrec.text.contrastive_loss import calibrated_info_nce, info_nce, ranks, supervised_contrastive


def test_loss_has_the_known_answer() -> None:
    first, second = torch.eye(3), torch.eye(3)
    none = torch.zeros(3, 3, dtype=torch.bool)
    expected = torch.log(torch.tensor(1 + 2 * np.exp(-10.0))).item()
    assert info_nce(first, 5 * second, none, 0.1).item() == pytest.approx(expected, abs=1e-6)
    assert info_nce(first, second, ~none, 0.1).item() == 0.0, "without negatives there is nothing to learn"
    assert ranks(first, second, none).tolist() == [1] * 6
    assert ranks(first, second.roll(1, 0), none).tolist() == [3] * 6, "of equal ones the partner comes last"
    assert ranks(first, second.roll(1, 0), ~none).tolist() == [1] * 6, "what is known is no rival"


def test_vectors_that_are_all_the_same_are_the_worst_that_there_is() -> None:
    """At a fixed temperature they would beat an encoder whose cosines lie far apart."""
    none, generator = torch.zeros(40, 40, dtype=torch.bool), torch.Generator().manual_seed(0)
    first = torch.randn(40, 8, generator=generator)
    second = first + 1.5 * torch.randn(40, 8, generator=generator)
    same = torch.ones(40, 8) + 1e-4 * torch.randn(40, 8, generator=generator)
    assert info_nce(same, same.flip(0), none, 0.05) < info_nce(first, second, none, 0.05)
    loss, temperature = calibrated_info_nce(first, second, none)
    assert loss == pytest.approx(min(info_nce(first, second, none, t).item() for t in (0.1, 0.15, 0.2, 0.3, 0.5)))
    assert loss < calibrated_info_nce(same, same.flip(0), none)[0] == pytest.approx(np.log(40), abs=1e-3)
    assert 0.1 <= temperature <= 0.5
    assert ranks(torch.ones(10, 4), torch.ones(10, 4), torch.zeros(10, 10, dtype=torch.bool)).tolist() == [10] * 20


def test_loss_of_sets_has_the_known_answer() -> None:
    vectors = torch.eye(2).repeat_interleave(2, dim=0)  # two users with two like texts each
    together = (torch.arange(4)[:, None] // 2 == torch.arange(4) // 2) & ~torch.eye(4, dtype=torch.bool)
    expected = torch.log(torch.tensor(1 + 2 * np.exp(-10.0))).item()
    assert supervised_contrastive(3 * vectors, together, 0.1).item() == pytest.approx(expected, abs=1e-6)
    lonely = torch.cat([vectors, -vectors[:1]])  # a text without partners: a negative of the others only
    wider = torch.nn.functional.pad(together, (0, 1, 0, 1))
    assert supervised_contrastive(lonely, wider, 0.1).item() == pytest.approx(expected, abs=1e-3)
    given = lonely.clone().requires_grad_()
    supervised_contrastive(given, wider, 0.05).backward()
    assert given.grad is not None and torch.isfinite(given.grad).all()


def test_loss_without_negatives_has_a_finite_gradient() -> None:
    first = torch.randn(4, 3, requires_grad=True)
    info_nce(first, torch.randn(4, 3), torch.ones(4, 4, dtype=torch.bool), 0.05).backward()
    assert first.grad is not None and torch.isfinite(first.grad).all()
