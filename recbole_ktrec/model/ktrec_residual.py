"""What KTRec's neural part is trained beside: the closed form's scores, see ``residual_weight``."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.nn.blend import scales
from recbole_ktrec.nn.residual import Residual

#: Held-out users from whose scores the size of both parts is measured.
MEASURED = slice(0, 2000)


@torch.no_grad()
def size_beside(neural: Callable[[Tensor], Tensor], part: KTEASE, found: HeldOut) -> float:
    """Return what makes the closed form's scores of the users of ``found`` spread as those of ``neural`` do.

    Args:
        neural: users ``[m]`` -> scores ``[m, n_items]``.
    """

    def asked(rows: slice) -> tuple[Tensor, Tensor]:
        some = found.some(rows)
        return some.barred(part.taken.matrix), some.positives(part.n_items)

    one, other = scales(neural(found.users).cpu(), torch.from_numpy(part.scores(found.users.numpy())), asked)
    return other / one


def residual(part: KTEASE, scale: float, logger: logging.Logger) -> Residual | None:
    """Return the closed form as the loss takes it, None where recent interactions count for more.

    Training knows no order: there the closed form would see other histories than those that it is made for.
    """
    if part.decay:
        logger.warning("residual_weight is not used: recent interactions count for more (history_decay) here.")
        return None
    return Residual(part.score, scale, part.n_items)
