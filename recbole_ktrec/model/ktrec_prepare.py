"""What of KTRec is settled before its training: whose text vectors are read, the closed form, and what it decides."""

from __future__ import annotations

import torch

from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.ktrec_scores import KTRecScores
from recbole_ktrec.nn.blend import scales
from recbole_ktrec.nn.residual import Residual

#: Held-out users from whose scores the size of both parts is measured.
_MEASURED = slice(0, 2000)


def take_transfer(model: KTRecScores, found: HeldOut | None) -> None:
    """Choose whose text vectors are read.

    With zero-shot nothing comes after it: the scores are those of KTEASE's prior, the transferred or the untrained.
    """
    if model.transfer is not None:
        model.transfer_choice = model.transfer.choose(model.taken.matrix, found)
        model.transfer.apply(model.net, model.transfer_choice["used"])
    if model.zero_shot and model.closed is not None:
        model.closed.solve(None)
        model.blend.copy_(torch.tensor([0.0, 1.0]))
        model.settled, model.closed_share = True, 1.0


def leave_closed_out(model: KTRecScores) -> None:
    """Score with the neural part alone."""
    model.order.decide(True)  # what comes next is asked for, and nothing speaks against its order
    model.residual, model.closed_share = None, 0.0
    model.blend.copy_(torch.tensor([1.0, 0.0]))


def solve_closed(model: KTRecScores, found: HeldOut) -> None:
    """Solve the closed form: epochs are judged by what will be used, both parts together."""
    if (closed := model.closed) is None:
        return
    if not closed.weights:  # a model that is trained on has them
        closed.solve(found)
    if model.transfer:
        model.transfer_choice["closed_form"] = closed.transfer_choice
    model.take_decay(closed.decay)
    model.order.decide(bool(closed.decay))
    if model.residual_weight and _fits_training(closed, model.in_order):
        model.residual_size = model.residual_size or _size_beside(model, closed, found)
        model.residual = Residual(closed.score, model.residual_weight * model.residual_size, model.n_items)


def _fits_training(closed: KTEASE, in_order: bool) -> bool:
    """Return whether the closed form can stand in the loss; where order counts it cannot.

    Where recent interactions count for more it would see other histories than those that it is made for, and where
    histories are read in their order (``in_order``) it would have to score each step of them.
    """
    why = "recent interactions count for more (history_decay) here" if closed.decay else ""
    why = why or ("histories are read in their order (history_encoder)" if in_order else "")
    if why:
        closed.logger.warning(f"residual_weight is not used: {why}.")
    return not why


@torch.no_grad()
def _size_beside(model: KTRecScores, closed: KTEASE, found: HeldOut) -> float:
    """Return what makes the closed form's scores of users of ``found`` spread as those of the neural part do."""
    some = found.some(_MEASURED)
    scores = torch.from_numpy(closed.scores(some.users.numpy()))
    one, other = scales(model.neural(some.users).cpu(), scores, some.by_rows(closed.taken.matrix))
    return other / one
