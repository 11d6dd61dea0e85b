"""Gradients of two tasks that pull a shared parameter in opposite directions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def without_conflict(gradient: Sequence[Tensor], other: Sequence[Tensor]) -> tuple[list[Tensor], bool]:
    """Take from ``gradient`` what works against ``other``: PCGrad (Yu et al. 2020, arXiv:2001.06782).

    ``g - (g . o / |o|^2) o`` where ``g . o < 0``, over all parameters together; else ``g`` as it is.

    Args:
        gradient: of the task that gives way, one tensor a parameter.
        other: of the task that must not be hurt, of the same shapes.

    Returns:
        the gradient, and whether the two were in conflict.
    """
    product = torch.stack([(one * two).sum() for one, two in zip(gradient, other, strict=True)]).sum()
    if not product < 0:
        return list(gradient), False
    length = torch.stack([two.square().sum() for two in other]).sum()
    return [one - product / length * two for one, two in zip(gradient, other, strict=True)], True
