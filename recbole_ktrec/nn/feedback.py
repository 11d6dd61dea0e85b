"""One step of feedback: move a user just far enough that one score becomes what the user said."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: A cosine of 1 cannot be reached by a finite step.
_LARGEST_COSINE = 0.9999


def feedback_step(user: Tensor, item: Tensor, cosine: float) -> Tensor:
    """Return ``d`` so that ``cos(user + d, item) = cosine``, d being the shortest such step along the item's direction.

    Args:
        user: W_u, ``[width]``.
        item: f(i), ``[width]``.
        cosine: the wanted value; cut to +-.9999.
    """
    direction = F.normalize(item, dim=0)
    along = user @ direction
    across = (user - along * direction).norm()
    wanted = torch.as_tensor(cosine).clamp(-_LARGEST_COSINE, _LARGEST_COSINE)
    return (across * wanted / torch.sqrt(1 - wanted**2) - along) * direction
