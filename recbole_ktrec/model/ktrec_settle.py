"""What of KTRec no gradient makes, chosen on held-out interactions: decay, level of new items, blend, calibration."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recbole_ktrec.model.held_out import HeldOut, with_negatives
from recbole_ktrec.model.ktrec_scores import KTRecScores
from recbole_ktrec.nn.blend import HeldOutRows, among, blend_weights, same_part, spreads
from recbole_ktrec.nn.calibration import fit_platt
from recbole_ktrec.nn.cold_shift import lift_cold
from recbole_ktrec.nn.recency import DECAYS
from recbole_ktrec.nn.samples import FEWEST, masked_ndcg_by_user
from recbole_ktrec.nn.tuning import plain_or_uphill


@torch.no_grad()
def weigh(model: KTRecScores, found: HeldOut) -> Tensor:
    """Choose the weights of both parts and the level of new items; return the scores ``[m, n_items]`` so made."""
    model.cold_shift, model.cold_gain = 0.0, 1.0
    if model.closed is None and model.history_decay is None and model.taken.places is not None and not model.in_order:
        model.take_decay(plain_or_uphill(DECAYS, lambda decay: _ndcg(model, found, decay)))
    scores = model.neural(found.users).cpu()
    asked = found.by_rows(model.taken.matrix)
    if model.closed is not None and _unasked(model, found):
        return _side_by_side(model, scores, torch.from_numpy(model.closed_scores(found.users)), asked)
    model.cold_shift = lift_cold(scores, model.cold.cpu(), asked, model.cold_warm_loss)
    if model.closed is not None:
        closed = torch.from_numpy(model.closed_scores(found.users))
        _mix(model, scores, closed, asked)
    return scores


def _unasked(model: KTRecScores, found: HeldOut) -> bool:
    """Return whether there are new items, as candidates, that next to no held-out interaction asks for while others ask
    for known ones, and no level of the closed form for them is given (``cold_scale``)."""
    cold = model.cold.cpu()
    candidates = cold if found.absent is None else cold & ~torch.from_numpy(found.absent)
    assert model.closed is not None
    given = model.closed.settings.options.cold_scale is not None
    few = int(cold[found.item].sum()) < min(FEWEST, len(found.item))
    return bool(candidates.any()) and few and not given


def _side_by_side(model: KTRecScores, scores: Tensor, closed: Tensor, asked: HeldOutRows) -> Tensor:
    """Mix both parts by known items alone, then choose the level of new ones for the sum.

    The closed form keeps new items low as long as nobody asks for them, the neural part does not, so that it would
    order them nearly alone. The closed form gets the part in their sum that it has among known items.
    """
    cold = model.cold.cpu()
    known = among(asked, ~cold)
    new = float(scores[:, cold].std(correction=0)), float(closed[:, cold].std(correction=0))  # of one score, too
    gain = same_part(spreads(scores, closed, known), new)
    closed[:, cold] *= gain
    _mix(model, scores, closed, known)
    if model.blend[0]:  # else the closed form is alone, and keeps its level
        shift = lift_cold(scores, cold, asked, model.cold_warm_loss)
        model.cold_gain, model.cold_shift = gain, shift / float(model.blend[0])
    else:
        scores[:, cold] /= gain
    return scores


def _mix(model: KTRecScores, scores: Tensor, closed: Tensor, asked: HeldOutRows) -> None:
    """Choose the weights of both parts; write what they make into ``scores``, those of the neural part."""
    *weights, model.closed_share = blend_weights(scores, closed, asked)
    model.blend.copy_(torch.tensor(weights))
    scores.mul_(weights[0]).add_(closed, alpha=weights[1])


def _ndcg(model: KTRecScores, found: HeldOut, decay: float) -> np.ndarray:
    model.take_decay(decay)
    return masked_ndcg_by_user(model.neural(found.users).cpu().numpy(), *found.asked(model.taken.matrix))


def calibrate(model: KTRecScores, found: HeldOut, scores: Tensor) -> tuple[float, float]:
    """Fit sigma(a s + c) on held-out interactions and their ``scores`` ``[m, n_items]``; return a and c."""
    row, item, labels = with_negatives(found, found.excluded(model.taken.matrix), seed=0)
    slope, shift = fit_platt(scores[row, item], labels)
    model.calibration.copy_(torch.tensor([slope, shift]))
    return slope, shift


def settle(model: KTRecScores, found: HeldOut) -> str:
    """Make every choice for the state that is kept; return a line for the log."""
    slope, shift = calibrate(model, found, weigh(model, found))
    model.settled = True
    return (
        f"Settled on {len(found.row)} held-out interactions: score = {model.blend[0]:.3g} neural + "
        f"{model.blend[1]:.3g} closed form, probability = sigma({slope:.3g} score + {shift:.3g})"
    )
