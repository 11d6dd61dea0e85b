"""How interactions count in a fit of KTEASE: by recency, and by what was taken close together; chosen before all else.

What is chosen here is chosen with the plain form of everything that comes after.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import parts, pull_diagonal
from recbole_ktrec.nn.cold_demand import Demand
from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.cold_level import asking
from recbole_ktrec.nn.fit_options import PLAIN, Options
from recbole_ktrec.nn.item_statistics import ItemStatistics
from recbole_ktrec.nn.recency import DECAYS
from recbole_ktrec.nn.samples import FEWEST, Sample
from recbole_ktrec.nn.tuning import plain_or_uphill


@dataclass(frozen=True)
class Counted:
    """How interactions count: what all else is chosen and solved with.

    Attributes:
        decay: of the histories, see :mod:`recbole_ktrec.nn.recency`.
        statistics: of the interactions, with their window.
        sample: held-out interactions with known items, their histories weighted; None where they are too few. Items
            that nobody has taken are scored in another way: they must not decide lambda and the weights.
        everything: all held-out interactions, their histories weighted; None where there are none.
    """

    decay: float
    statistics: ItemStatistics
    sample: Sample | None
    everything: Sample | None


@dataclass(frozen=True)
class Counting:
    """What it is chosen by.

    Attributes:
        options: of the fit.
        statistics: of the interactions, without a window.
        pull: ``D K``, ``[n_items, n_items]``.
        cold: items that nobody took, which have a text.
        sample, everything: see :class:`Counted`, not weighted yet.
    """

    options: Options
    statistics: ItemStatistics
    pull: sp.csc_matrix
    cold: ColdItems
    sample: Sample | None
    everything: Sample | None

    def chosen(self) -> Counted:
        """Return how interactions count: as is given, or as held-out interactions say."""
        decay = self.options.history_decay
        if decay is None:
            decay = self._decay()
        sample, everything = (None if one is None else one.decayed(decay) for one in (self.sample, self.everything))
        return Counted(decay, self._windowed(sample, decay), sample, everything)

    def _decay(self) -> float:
        sample, everything = self.sample, self.everything
        if sample is None or everything is None or sample.places is None:
            return 0.0
        regularisation, weight = self._first_guess
        inverse = self.statistics.quick(regularisation)
        pulled, everybody = pull_diagonal(inverse, self.pull), asking(everything)

        def warm(rows: sp.csr_matrix) -> np.ndarray:
            return parts(inverse, self.pull, pulled, rows)(weight)

        def by_user(decay: float) -> np.ndarray:
            if self._asked < FEWEST:
                return sample.decayed(decay).ndcg_with(warm)
            return Demand(everybody.decayed(decay), self.cold, warm).ndcg_side_by_side()

        return plain_or_uphill(DECAYS, by_user)

    def _windowed(self, sample: Sample | None, decay: float) -> ItemStatistics:
        """Return the statistics with the window that is given, or chosen on the weighted ``sample``."""
        window, statistics = self.options.cooccurrence_window, self.statistics
        # None is tried where recency makes histories local, or new items are asked for: known ones alone would choose.
        if window is not None or sample is None or statistics.places is None or decay or self._asked >= FEWEST:
            return statistics.windowed(window or 0)
        return statistics.best_windowed(sample, self.pull, *self._first_guess)

    @property
    def _first_guess(self) -> tuple[float, float]:
        """Lambda and kappa to choose with what comes before them."""
        given = self.options.prior_weight
        return self.options.regularisation or PLAIN[0], PLAIN[1] if given is None else given

    @functools.cached_property
    def _asked(self) -> int:
        """How many held-out interactions are with ``cold`` items."""
        assert self.everything is not None
        return int((asking(self.everything).positives[:, self.cold.columns] > 0).sum())
