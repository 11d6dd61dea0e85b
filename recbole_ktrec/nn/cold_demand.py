"""How high items without interactions stand where held-out interactions show what they cost and are worth.

The rehearsal of :mod:`recbole_ktrec.nn.cold_items` can but guess what new items cost known ones, which is measured here
with the new items themselves: they may take next to nothing, and about their share of what is asked for at most. Where
users did take new items afterwards, as the held-out interactions say, the level is the one with which all held-out
interactions together are ranked best (NDCG@10). Of the levels within one standard error of that one, it is the one that
costs known items least (the rule of one standard error, Breiman et al., CART, 1984). Users who took the same cold item
count as one observation there: one new item that many like must not say how good new items are.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import torch

from recbole_ktrec.nn.cold_items import POWERS, SCALES, ColdItems, Level, SampleScores, raised
from recbole_ktrec.nn.matrices import Score
from recbole_ktrec.nn.samples import FEWEST, Sample, masked_ndcg
from recbole_ktrec.nn.tuning import beyond_standard_error

#: Share of the known items' NDCG that cold ones may cost at most, as long as nothing shows how much they are wanted.
WARM_LOSS = 0.02


def by_cold_item(wanted: np.ndarray, cold: np.ndarray, before: int = 0) -> np.ndarray:
    """Return a group for each user who wants anything: those who want the same cold item have the same.

    Args:
        wanted: bool ``[m, c]``.
        cold: bool ``[c]``.
        before: users whose groups are made already.
    """
    wanted = wanted[wanted.any(axis=1)]
    of_cold, alone = wanted & cold, wanted.shape[1] + before + np.arange(len(wanted))
    return np.where(of_cold.any(axis=1), of_cold.argmax(axis=1), alone)


def allowed_loss(shown: int, asked: int, share: float) -> float:
    """Return the share of the known items' NDCG@10 that cold items may cost: no more than they are asked for.

    Three more are added for chance (the rule of three, Hanley and Lippman-Hand, JAMA, 1983, which is 3/n where none of
    n is seen). With none asked for it is not known how much they will be: a few new ones among thousands hardly more
    often than others.

    Args:
        shown: held-out interactions with cold items.
        asked: held-out interactions.
        share: of cold items in the catalogue.
    """
    return min(WARM_LOSS, (shown + 3) / asked if shown else share)


@dataclass(frozen=True)
class Tried:
    """A level, and NDCG@10 of each held-out user with it."""

    level: Level
    ndcg: np.ndarray

    def beaten(self, best: Tried, groups: np.ndarray) -> bool:
        """Return whether ``best`` is better by more than one standard error of the paired difference.

        Args:
            groups: of the users, ``[n_users]``, see :func:`recbole_ktrec.nn.tuning.beyond_standard_error`.
        """
        return beyond_standard_error(best.ndcg - self.ndcg, groups)


class Demand:
    """Held-out interactions of a sample of users, with items that have interactions in training and with cold ones.

    Args:
        sample: every item is a candidate.
        cold: the cold items.
        score: gives the scores of the known items.
    """

    def __init__(self, sample: Sample, cold: ColdItems, score: Score) -> None:
        self.sample, self.scores = sample, SampleScores.of(sample, cold, score)
        is_cold = torch.from_numpy(self.scores.cold)
        self.shown = int(sample.wanted[:, is_cold].sum())
        self.wanted_known = sample.wanted & ~is_cold

    def allowed(self) -> float:
        """Return the share of the known items' NDCG@10 that cold items may cost, see :func:`allowed_loss`."""
        return allowed_loss(self.shown, int(self.sample.wanted.sum()), float(self.scores.cold.mean()))

    def affordable(self, level: Level, loss: float) -> Level:
        """Return ``level``, its scale lowered until known items lose no more than ``loss`` of their NDCG@10.

        The rehearsal can but guess that, having other cold items: on one split of caixin-news it allowed a level that
        cost known ones 7 % instead of 2.
        """
        scores, mixed = self.scores, self.scores.mixed(level.smooth)
        unit = scores.unit(raised(mixed, level.power))
        if int(self.wanted_known.sum()) < FEWEST or unit <= 0:  # too little, or histories that say nothing
            return level
        least = (1 - loss) * masked_ndcg(scores.warm, self.sample.known, self.wanted_known, scores.cold)
        lower = (replace(level, scale=scale * unit) for scale in reversed(SCALES) if scale * unit < level.scale)
        tried = itertools.chain([level], lower)
        return next((one for one in tried if self._known(mixed, one) >= least), replace(level, scale=SCALES[0] * unit))

    def ndcg_side_by_side(self) -> np.ndarray:
        """Return NDCG@10 of each held-out user with cold items as high as known ones, before a level is chosen."""
        mixed = self.scores.mixed(self.scores.ratio)
        return self.sample.ndcg_by_user(self.scores.with_cold(mixed, max(self.scores.unit(mixed), 0.0)))

    def choose(self, careful: Level, rehearsed: bool = True) -> Level:
        """Return ``careful`` or a level that puts cold items higher; ``careful`` too if too little is shown.

        Args:
            rehearsed: whether ``careful`` was measured; else any level may be taken, lower ones too.
        """
        if self.shown < FEWEST:
            return careful
        mixed = self.scores.mixed(careful.smooth)
        unit = self.scores.unit(raised(mixed, careful.power))
        if unit <= 0:  # no user's history says anything of any known item
            return careful
        careful = careful if rehearsed else replace(careful, scale=SCALES[0] * unit)
        tried = [self._tried(mixed, careful)]
        for power in POWERS:
            tried += self._climb(mixed, replace(careful, power=power), careful.scale / unit)
        best = max(tried, key=lambda one: one.ndcg.mean())
        groups = by_cold_item(self.sample.wanted.numpy(), self.scores.cold)
        kept = [one for one in tried if not one.beaten(best, groups)]
        return max(kept, key=lambda one: self._known(mixed, one.level)).level

    def _climb(self, mixed: np.ndarray, level: Level, least: float) -> list[Tried]:
        """Return what is tried with the power of ``level``: larger and larger scales, until it gets worse twice."""
        unit, tried, worse = self.scores.unit(raised(mixed, level.power)), list[Tried](), 0
        for scale in (scale for scale in SCALES if scale > least):
            tried.append(self._tried(mixed, replace(level, scale=scale * unit)))
            worse = worse + 1 if len(tried) > 1 and tried[-1].ndcg.mean() < tried[-2].ndcg.mean() else 0
            if worse == 2:
                break
        return tried

    def _tried(self, mixed: np.ndarray, level: Level) -> Tried:
        return Tried(level, self.sample.ndcg_by_user(self._at(mixed, level)))

    def _at(self, mixed: np.ndarray, level: Level) -> np.ndarray:
        return self.scores.with_cold(raised(mixed, level.power), level.scale)

    def _known(self, mixed: np.ndarray, level: Level) -> float:
        return masked_ndcg(self._at(mixed, level), self.sample.known, self.wanted_known)
