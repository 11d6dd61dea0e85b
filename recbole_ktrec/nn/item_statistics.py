"""What KTEASE knows of who took what with what, ``X' W X + lambda D``, and its inverse in some form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import DenseInverse, Design, Inverse, ScoreParts
from recbole_ktrec.nn.fit_options import CHOICE_RANK
from recbole_ktrec.nn.low_rank import LowRank, LowRankInverse, LowRankScores
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import proven
from recbole_ktrec.nn.windows import WINDOWS, with_windows

#: Catalogues up to this size are solved exactly for the choice of lambda and the weights, which takes no longer.
_CHOICE_DENSE = 3000
#: Users that show whether what was taken close together belongs together: each window tried is another G.
_ASKED = 2000


@dataclass(frozen=True)
class ItemStatistics:
    """What items are counted together in.

    Attributes:
        users: whole histories.
        places: of the interactions from the end of each history, or None where no order is known.
        window: how close two items of a history must be to count more as a pair, see
            :mod:`recbole_ktrec.nn.windows`; 0 without an order.
    """

    users: Design
    places: sp.csr_matrix | None = None
    window: int = 0

    def windowed(self, window: int) -> ItemStatistics:
        """Return these statistics with another window; without an order, as they are."""
        return self if window == self.window or self.places is None else replace(self, window=window)

    @functools.cached_property
    def design(self) -> Design:
        """Users and their windows."""
        if not self.window or self.places is None:
            return self.users
        return with_windows(self.users, self.places, self.window)

    @functools.cached_property
    def _low_rank(self) -> LowRank:
        return LowRank(self.design, CHOICE_RANK)

    @property
    def _small(self) -> bool:
        return len(self.users.penalties) <= _CHOICE_DENSE

    def dense(self, regularisation: float) -> DenseInverse:
        """Return the inverse itself."""
        return DenseInverse(self.design, regularisation)

    def quick(self, regularisation: float) -> Inverse:
        """Return an inverse that is good enough to choose with."""
        return self.dense(regularisation) if self._small else LowRankInverse(self._low_rank, regularisation)

    def scores(self, sample: Sample, prior: sp.csc_matrix) -> Callable[[float], ScoreParts]:
        """Return what gives the scores of the sample's candidates by lambda, good enough to choose with.

        It pays for several lambdas; for one alone :meth:`Sample.parts` of :meth:`quick` takes less.

        Args:
            prior: ``D K``, ``[n_items, n_items]``.
        """
        if self._small:
            return lambda regularisation: sample.parts(self.dense(regularisation), prior)
        return LowRankScores(self._low_rank, prior, sample.rows, sample.candidates).at

    def best_windowed(
        self, sample: Sample, prior: sp.csc_matrix, regularisation: float, kappa: float
    ) -> ItemStatistics:
        """Return those with the window that is best with lambda and kappa; 0 unless another is beyond an error.

        What was made of them to choose is kept for what comes next.
        """
        sample, made = sample.some(_ASKED), {window: self.windowed(window) for window in WINDOWS}

        def by_user(window: int) -> np.ndarray:
            return sample.ndcg_by_user(sample.parts(made[window].quick(regularisation), prior)(kappa))

        plain, first, *others = WINDOWS
        tried = {window: by_user(window) for window in (plain, first)}
        if tried[first].mean() > tried[plain].mean():
            tried |= {window: by_user(window) for window in others}
        return made[proven(tried, plain)]
