"""What KTRec's neural part is trained beside: the closed form's scores, see ``residual_weight``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.nn.blend import scales

#: Held-out users from whose scores the size of both parts is measured.
_MEASURED = slice(0, 2000)


def fits_training(part: KTEASE, in_order: bool) -> bool:
    """Return whether the closed form can stand in the loss; where order counts it cannot.

    Where recent interactions count for more it would see other histories than those that it is made for, and where
    histories are read in their order (``in_order``) it would have to score each step of them.
    """
    why = "recent interactions count for more (history_decay) here" if part.decay else ""
    why = why or ("histories are read in their order (history_encoder)" if in_order else "")
    if why:
        part.logger.warning(f"residual_weight is not used: {why}.")
    return not why


@torch.no_grad()
def size_beside(neural: Callable[[Tensor], Tensor], part: KTEASE, found: HeldOut) -> float:
    """Return what makes the closed form's scores of users of ``found`` spread as those of ``neural`` do.

    Args:
        neural: users ``[m]`` -> scores ``[m, n_items]``.
    """
    some = found.some(_MEASURED)
    closed = torch.from_numpy(part.scores(some.users.numpy()))
    one, other = scales(neural(some.users).cpu(), closed, lambda rows: some.some(rows).asked(part.taken.matrix))
    return other / one
