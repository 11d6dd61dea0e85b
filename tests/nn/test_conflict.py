from __future__ import annotations

import torch

from recbole_ktrec.nn.conflict import without_conflict


def test_projection_has_the_known_answer() -> None:
    gradient, other = (
        [torch.tensor([1.0, -3.0]), torch.tensor([[2.0]])],
        [torch.tensor([0.0, 2.0]), torch.tensor([[1.0]])],
    )
    result, conflict = without_conflict(gradient, other)
    assert conflict, "1*0 - 3*2 + 2*1 = -4 over all parameters together"
    expected = [torch.tensor([1.0, -3 + 0.8 * 2]), torch.tensor([[2.8]])]
    for one, two in zip(result, expected, strict=True):
        torch.testing.assert_close(one, two)
    product = sum(float((one * two).sum()) for one, two in zip(result, other, strict=True))
    assert abs(product) < 1e-6, "what is left is orthogonal to the other"


def test_gradients_that_agree_are_left_alone() -> None:
    gradient = [torch.tensor([1.0, 3.0])]
    for other in (torch.tensor([0.0, 2.0]), torch.tensor([3.0, -1.0]), torch.zeros(2)):
        result, conflict = without_conflict(gradient, [other])
        assert result[0] is gradient[0] and not conflict
