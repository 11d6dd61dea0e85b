"""How high items without interactions stand, as a rehearsal and the held-out interactions say."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.cold_demand import WARM_LOSS, Demand
from recbole_ktrec.nn.cold_items import ColdItems, Level, Measured, Rehearsal
from recbole_ktrec.nn.fit_options import SAMPLE
from recbole_ktrec.nn.matrices import Score
from recbole_ktrec.nn.samples import Sample

_logger = logging.getLogger(__name__)
#: Users of the rehearsal with known items treated as cold: each asks about several.
_REHEARSED = 1000
#: Users that show how much cold items are wanted: as many as ``SAMPLE`` allows with all items, within these bounds.
_FEWEST_ASKED, _ASKED = 200, 4000


def asking(sample: Sample) -> Sample:
    """Return the users of ``sample`` that show how much cold items are wanted, with all items as candidates."""
    n = sample.rows.shape[1]
    return sample.some(min(_ASKED, max(_FEWEST_ASKED, SAMPLE // n)), n)


@dataclass(frozen=True)
class Evidence:
    """What the level of cold items is chosen by.

    Attributes:
        prior: K, ``[n_items, n_items]``.
        known: bool ``[n_items]``, items with interactions and a text.
        sample: held-out interactions with known items, None where they are too few.
        everything: held-out interactions.
        score: gives the scores of the known items.
    """

    prior: sp.csc_matrix
    known: np.ndarray
    sample: Sample | None
    everything: Sample
    score: Score

    def rehearse(self, cold: ColdItems, loss: float) -> tuple[Level, Measured]:
        """Return the level for known items that are treated as cold, and what was measured; that of ``cold`` and
        nothing where too little is."""
        level, measured, share = Level(cold.scale), Measured(), self.share(cold)
        if self.sample is not None:
            rehearsal = Rehearsal(self.sample.some(_REHEARSED), self.prior, self.known, share, self.score)
            level, measured = rehearsal.choose(loss, level)
        _logger.info(
            f"KTEASE: items without interactions [{len(cold.columns)}], {level}; "
            f"NDCG@10 of {share:.0%} known items treated as cold: {measured}"
        )
        return level, measured

    def share(self, cold: ColdItems) -> float:
        """Return how many of the known items play cold.

        Too few would be asked for too seldom, too many would leave the others too few neighbours.
        """
        return float(np.clip(len(cold.columns) / (self.known.sum() + len(cold.columns)), 0.05, 0.3))


def choose_level(cold: ColdItems, evidence: Evidence, loss: float | None) -> ColdItems:
    """Return ``cold`` with the scale, smoothing and power that are chosen; as it is with nothing to go by.

    Args:
        cold: with the scale that holds where nothing is chosen.
        loss: share of the known items' NDCG@10 that cold ones may cost, None where held-out interactions decide.
    """
    level, measured = evidence.rehearse(cold, WARM_LOSS if loss is None else loss)
    demand = Demand(asking(evidence.everything), cold, evidence.score)
    level = demand.affordable(level, demand.allowed() if loss is None else loss)
    _logger.info(f"KTEASE: as far as held-out interactions with known items allow: {level}")
    if loss is None:
        level = demand.choose(level, rehearsed=measured != Measured())
        _logger.info(f"KTEASE: with what held-out interactions ask for: {level}")
    return replace(cold, **vars(level))
