"""How high items without interactions stand, as a rehearsal and the held-out interactions say."""

from __future__ import annotations

import logging

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.cold_demand import WARM_LOSS, Demand
from recbole_ktrec.nn.cold_items import ColdItems, Level, Measured, Rehearsal
from recbole_ktrec.nn.fit_options import SAMPLE, Options
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


def choose_level(
    cold: ColdItems, prior: sp.csc_matrix, known: np.ndarray, options: Options, sample: Sample | None,
    everything: Sample, warm: Score, otherwise: Level,
) -> Level:  # fmt: skip
    """Return scale, smoothing and power of ``cold``.

    Args:
        prior: K, ``[n_items, n_items]``.
        known: bool ``[n_items]``, items with interactions and a text.
        sample: held-out interactions with known items, None where they are too few.
        everything: held-out interactions.
        warm: gives the scores of the known items.
        otherwise: what is taken with nothing to go by.
    """
    # Too few would be asked for too seldom, too many would leave the others too few neighbours.
    share = float(np.clip(len(cold.columns) / (known.sum() + len(cold.columns)), 0.05, 0.3))
    loss, level, measured = options.cold_warm_loss, otherwise, Measured()
    if sample is not None:
        rehearsal = Rehearsal(sample.some(_REHEARSED), prior, known, share, warm)
        level, measured = rehearsal.choose(WARM_LOSS if loss is None else loss, otherwise)
    _logger.info(
        f"KTEASE: items without interactions [{len(cold.columns)}], {level}; "
        f"NDCG@10 of {share:.0%} known items treated as cold: {measured}"
    )
    demand = Demand(asking(everything), cold, warm)
    level = demand.affordable(level, demand.allowed() if loss is None else loss)
    _logger.info(f"KTEASE: as far as held-out interactions with known items allow: {level}")
    if loss is None:
        level = demand.choose(level, rehearsed=measured != Measured())
        _logger.info(f"KTEASE: with what held-out interactions ask for: {level}")
    return level
