"""How much higher or lower items without interactions stand among those that have some, in scores of a trained network.

One number is added to the scores of all cold items, whose order stays. As with the closed form
(:mod:`recbole_ktrec.nn.cold_demand`) they may cost known items a share of their NDCG@10, and more only where held-out
interactions that ask for cold items say that all together are then ranked better.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recbole_ktrec.nn.blend import NEVER, ROWS, HeldOutRows
from recbole_ktrec.nn.cold_demand import allowed_loss, by_cold_item
from recbole_ktrec.nn.matrices import row_blocks
from recbole_ktrec.nn.ranking import dcg, ideal
from recbole_ktrec.nn.samples import FEWEST
from recbole_ktrec.nn.tuning import beyond_standard_error

_UP = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0)
#: What is tried, in standard deviations of the scores.
SHIFTS = (-8.0, -6.0, *(-shift for shift in reversed(_UP)), 0.0, *_UP)
_PLAIN = SHIFTS.index(0.0)


@dataclass(frozen=True)
class Shifted:
    """NDCG@10 of held-out users with each of ``SHIFTS``.

    Attributes:
        everything: ``[n_shifts, m]``.
        known: of the users who want known items, asked for those alone, ``[n_shifts, m_known]``.
        alone: the same without cold items among the candidates, ``[m_known]``.
        groups: of the users, see :func:`recbole_ktrec.nn.cold_demand.by_cold_item`, ``[m]``.
        asked, shown: held-out interactions, and those with cold items.
        share: of cold items in the catalogue.
    """

    everything: np.ndarray
    known: np.ndarray
    alone: np.ndarray
    groups: np.ndarray
    asked: int
    shown: int
    share: float

    def choose(self, most: float | None) -> float:
        """Return the shift to take: where too few show what cold items are worth, these are not raised.

        Args:
            most: share of the known items' NDCG@10 that cold items may cost, None where held-out interactions decide.
        """
        kept_to = most is not None
        if self.asked - self.shown < FEWEST:  # what they cost is not known
            return SHIFTS[self._wanted(0)] if self.shown >= FEWEST and not kept_to else 0.0
        loss = allowed_loss(self.shown, self.asked, self.share) if most is None else most
        affordable = self.known.mean(axis=1) >= (1 - loss) * self.alone.mean()
        careful = int(np.flatnonzero(affordable).max(initial=0))
        if self.shown < FEWEST:
            careful = min(careful, _PLAIN)
        elif not kept_to:
            careful = self._wanted(careful)
        return SHIFTS[careful]

    def _wanted(self, careful: int) -> int:
        """Return the best from ``careful`` on; of those within one standard error what costs known items least."""
        tried = self.everything[careful:]
        best = tried[tried.mean(axis=1).argmax()]
        return careful + next(k for k, one in enumerate(tried) if not beyond_standard_error(best - one, self.groups))


def lift_cold(scores: Tensor, cold: Tensor, asked: HeldOutRows, most: float | None = None) -> float:
    """Add to the scores of cold items, in place, what held-out interactions want; return it.

    Args:
        scores, cold, asked: see :func:`shifted`.
        most: share of the known items' NDCG@10 that cold items may cost, None where held-out interactions decide.
    """
    if not cold.any():
        return 0.0
    unit = max(float(scores.std()), 1e-9)
    added = unit * shifted(scores, cold, unit, asked).choose(most)
    scores += added * cold
    return added


def shifted(scores: Tensor, cold: Tensor, unit: float, asked: HeldOutRows) -> Shifted:
    """Return what ``SHIFTS`` times ``unit``, added to the scores of cold items, make of held-out interactions.

    Args:
        scores: ``[m, n_items]``.
        cold: bool ``[n_items]``.
        asked: see :func:`recbole_ktrec.nn.blend.blend_weights`.
    """
    everything, known, groups, counts = [], [], [], np.zeros(2, dtype=np.int64)
    for rows in row_blocks(len(scores), ROWS):
        masked, positive = asked(rows)
        of_known = positive & ~cold
        found = _gained(scores[rows], cold, masked, positive, unit)
        wants_known = of_known.any(dim=1)
        everything.append(found[0] / ideal(positive))
        known.append(found[1, :, wants_known] / ideal(of_known[wants_known]))
        groups.append(by_cold_item(positive.numpy(), cold.numpy(), rows.start))
        counts += int(positive.sum()), int((positive & cold).sum())
    first, second = (torch.cat(blocks, dim=1).numpy() for blocks in (everything, known))
    wanted, of_cold = counts.tolist()
    share = float(cold.float().mean())
    return Shifted(first[:-1], second[:-1], second[-1], np.concatenate(groups), wanted, of_cold, share)


def _gained(scores: Tensor, cold: Tensor, masked: Tensor, positive: Tensor, unit: float) -> Tensor:
    """Return DCG@10 of all that is asked for and of known items alone, without cold ones at last: ``[2, s + 1, m]``.

    A shift leaves the order within each kind, so the ten best of all are among the ten best of each.
    """
    k = min(10, scores.shape[1])
    best = [scores.masked_fill(masked | others, NEVER).topk(k) for others in (cold, ~cold)]
    hits = [positive.gather(1, one.indices) & (one.values > NEVER / 2) for one in best]
    wanted = torch.stack([torch.cat(hits, dim=1), torch.cat([hits[0], torch.zeros_like(hits[1])], dim=1)])
    ranked = (
        torch.cat([best[0].values, best[1].values + shift * unit], dim=1).topk(k).indices.expand(2, -1, -1)
        for shift in (*SHIFTS, -torch.inf)
    )
    return torch.stack([dcg(wanted.gather(2, order)) for order in ranked], dim=1)
