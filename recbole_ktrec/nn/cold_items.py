"""Scores of items that nobody has taken yet, on the scale of those that have been.

A cold item is like the items that the user took (the prior K), and like items that score high for the user (its text
neighbours): ``score = scale * (x K^2 + smooth * s N)^power``, the powers of K being taken entry by entry, s the scores
of the known items and N = K^4 with columns that sum to 1. Close items count for more here than in the pull of known
items. A power below 1 leaves the order of cold items as it is and levels them: few of them then stand so high that they
push out known items, and more stand high enough to be seen. The three numbers are chosen on items that are held out as
if they were cold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.closed_form import times_sparse
from recbole_ktrec.nn.matrices import Score
from recbole_ktrec.nn.samples import FEWEST, Sample, masked_ndcg, masked_ndcg_by_user
from recbole_ktrec.nn.tuning import plain_or_better

_SMOOTH = (0.0, 0.25, 0.5, 1.0, 2.0)
#: From next to nothing (0 would lose the order of cold items) to eight times what brings the largest scores of cold
#: items to the height of the known ones'.
SCALES = (1e-4, *np.geomspace(0.02, 8, 25))
POWERS = (1.0, 0.7, 0.5)
#: Of a sum of fourth powers; its reciprocal is a float32.
LEAST_SUM = 1e-30


def raised(scores: np.ndarray, power: float) -> np.ndarray:
    """Return ``max(0, scores)^power``; with a power of 1 the scores themselves, negative ones too."""
    return scores if power == 1 else np.maximum(scores, 0) ** np.float32(power)


def shares(alike: sp.spmatrix, known: np.ndarray) -> sp.csc_matrix:
    """Return the columns of ``alike`` ``[n_items, c]`` among the ``known`` items, bool ``[n_items]``, summing to 1."""
    near = sp.csc_matrix(sp.diags(known.astype(np.float32)) @ alike)
    return sp.csc_matrix(near @ sp.diags(1 / np.maximum(near.sum(axis=0).A1, LEAST_SUM)))


@dataclass(frozen=True)
class ColdItems:
    """How cold items are scored.

    Attributes:
        columns: their ids, ``[c]``.
        own: squared columns of the prior, ``[n_items, c]``.
        near: normalised neighbours among known items, ``[n_items, c]``.
        scale, smooth, power: see the module.
    """

    columns: np.ndarray
    own: sp.csr_matrix
    near: sp.csc_matrix
    scale: float = 1.0
    smooth: float = 0.0
    power: float = 1.0

    @classmethod
    def of(cls, prior: sp.csc_matrix, known: np.ndarray, columns: np.ndarray) -> ColdItems:
        """Take the columns from the prior.

        Args:
            prior: K, ``[n_items, n_items]``.
            known: bool ``[n_items]``, items with interactions that may stand as neighbours.
            columns: ids of the cold items.
        """
        own = sp.csr_matrix(prior[:, columns].power(2))  # of all items: a history that is given later may hold new ones
        return cls(columns, own, shares(own.power(2), known))

    def both(self, rows: sp.csr_matrix, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two parts for users with histories ``rows`` and scores of all items: ``[m, c]`` each."""
        return (rows @ self.own).toarray(), times_sparse(scores, self.near)

    def fill(self, rows: sp.csr_matrix, scores: np.ndarray) -> None:
        """Write the scores of the cold items into ``scores`` ``[m, n_items]``."""
        if not len(self.columns):
            return
        if self.smooth:
            own, smoothed = self.both(rows, scores)
            own += self.smooth * smoothed
        else:  # what counts nothing would take most of the time
            own = (rows @ self.own).toarray()
        scores[:, self.columns] = self.scale * raised(own, self.power)


@dataclass(frozen=True)
class Level:
    """What is chosen of :class:`ColdItems`: see the module."""

    scale: float = 1.0
    smooth: float = 0.0
    power: float = 1.0

    def __str__(self) -> str:
        return f"scale {self.scale:.3g}, smoothing {self.smooth:g}, power {self.power:g}"


@dataclass(frozen=True)
class Measured:
    """NDCG@10 on items that were treated as cold.

    Attributes:
        cold_only: cold items ranked among themselves.
        cold: cold items ranked among all.
        warm: known items ranked among all.
        warm_alone: known items ranked among known ones.
    """

    cold_only: float = 0.0
    cold: float = 0.0
    warm: float = 0.0
    warm_alone: float = 0.0

    def __str__(self) -> str:
        if self == Measured():
            return "asked for too seldom to choose by"
        cold = f"{self.cold_only:.4f} among themselves, {self.cold:.4f} among all"
        return f"{cold} (known items beside them {self.warm:.4f}, alone {self.warm_alone:.4f})"


def _top(scores: np.ndarray) -> float:
    """Return the mean over users of the largest score."""
    return float(scores.max(axis=1).mean())


@dataclass(frozen=True)
class SampleScores:
    """Scores of a sample of users for known items, and for cold ones beside them: ``[m, candidates]`` each.

    Attributes:
        cold: which candidates are cold, bool ``[candidates]``.
        warm: scores of the known items.
        own, smoothed: the two parts of the cold ones, see :meth:`ColdItems.both`; 0 for others.
    """

    cold: np.ndarray
    warm: np.ndarray
    own: np.ndarray
    smoothed: np.ndarray

    @classmethod
    def of(cls, sample: Sample, cold: ColdItems, score: Score) -> SampleScores:
        """Score the candidates of ``sample``; ``score`` gives the scores of the known items."""

        def three(some: sp.csr_matrix) -> tuple[np.ndarray, ...]:
            warm = score(some)
            made = [warm, np.zeros_like(warm), np.zeros_like(warm)]
            for part, values in zip(made[1:], cold.both(some, warm), strict=True):
                part[:, cold.columns] = values
            return tuple(made)

        return cls(np.isin(sample.candidates, cold.columns), *sample.gather(three))

    @property
    def ratio(self) -> float:
        """The smoothing with which both parts of the cold items spread alike."""
        return float(self.own.std() / max(float(self.smoothed.std()), 1e-9))

    def mixed(self, smooth: float) -> np.ndarray:
        """Return the two parts of the cold items together."""
        return self.own + np.float32(smooth) * self.smoothed

    def unit(self, level: np.ndarray, least: float = -np.inf) -> float:
        """Return the scale of ``level`` with which the first cold item is as high as the first known one, in the mean.

        Args:
            level: scores of the cold items.
            least: height of the known ones at least.
        """
        return max(_top(self.warm[:, ~self.cold]), least) / max(_top(level[:, self.cold]), 1e-9)

    def with_cold(self, level: np.ndarray, scale: float) -> np.ndarray:
        """Return the scores of all candidates, those of the cold ones being ``scale * level``."""
        return np.where(self.cold, np.float32(scale) * level, self.warm)


class Rehearsal:
    """Known items that are treated as cold, and the scores of a sample of users for them and for the others.

    Args:
        sample: held-out interactions.
        prior: K, ``[n_items, n_items]``.
        known: bool ``[n_items]``, items with interactions and a text.
        share: share of them that plays cold, about the share of cold items in the catalogue.
        score: gives the scores of the known items.
    """

    def __init__(self, sample: Sample, prior: sp.csc_matrix, known: np.ndarray, share: float, score: Score) -> None:
        items = np.flatnonzero(known)
        chosen = np.zeros(len(known), dtype=bool)
        chosen[np.random.default_rng(0).permutation(items)[: max(1, int(share * len(items)))]] = True
        cold = ColdItems.of(prior, known & ~chosen, np.flatnonzero(chosen))

        rows = sp.csr_matrix(sample.rows @ sp.diags((~chosen).astype(np.float32)))
        self.scores = SampleScores.of(sample.reading(rows), cold, score)
        playing = torch.from_numpy(self.scores.cold)
        # What the user took of them in training is as good a question as what came later.
        taken = torch.from_numpy(sample.rows[:, sample.candidates].toarray() > 0)
        self.wanted_cold, self.wanted_warm = (sample.wanted | taken) & playing, sample.wanted & ~playing
        self.known = sample.known & ~playing

    def choose(self, warm_loss: float, otherwise: Level = Level()) -> tuple[Level, Measured]:  # noqa: B008 - frozen
        """Return scale, smooth and power, and what was measured with them; ``otherwise`` and nothing if too little is.

        Args:
            warm_loss: share of the known items' NDCG@10 that cold items may cost by taking places among all.
        """
        if int(self.wanted_cold.sum()) < FEWEST:
            return otherwise, Measured()
        scores, ratio = self.scores, self.scores.ratio

        def alone(step: float) -> np.ndarray:
            return masked_ndcg_by_user(scores.mixed(step * ratio), self.known, self.wanted_cold, ~scores.cold)

        # Of users whose histories B was fitted to, scores say more than of new ones: a share needs proof.
        cold_only, step = plain_or_better(_SMOOTH, alone)
        warm_alone = masked_ndcg(scores.warm, self.known, self.wanted_warm, scores.cold)
        mixed, tried = scores.mixed(step * ratio), []
        for power in POWERS:
            cold, warm, scale = self._scaled(raised(mixed, power), (1 - warm_loss) * warm_alone)
            found = Measured(cold_only, cold, warm, warm_alone)
            tried.append((cold, Level(scale, step * ratio, power), found))
        level, measured = max(tried, key=lambda one: one[0])[1:]
        return (level if measured != Measured() else otherwise), measured

    def _scaled(self, level: np.ndarray, least: float) -> tuple[float, float, float]:
        """Return (NDCG of cold items, of known ones, scale): the best with which known ones keep ``least``."""
        unit = self.scores.unit(level, least=1e-9)
        best: tuple[float, float, float] | None = None
        for scale in SCALES:
            scores = self.scores.with_cold(level, scale * unit)
            warm = masked_ndcg(scores, self.known, self.wanted_warm)
            if best is not None and warm < least:
                break
            found = masked_ndcg(scores, self.known, self.wanted_cold)
            if best is None or found > best[0]:
                best = found, warm, scale * unit
        assert best is not None
        return best
