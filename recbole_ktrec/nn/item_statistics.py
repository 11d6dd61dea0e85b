"""What KTEASE knows of who took what with what, ``X' W X + lambda D``, and its inverse in some form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import DenseInverse, Inverse, ScoreParts, item_penalties, user_weights
from recbole_ktrec.nn.fit_options import CHOICE_RANK
from recbole_ktrec.nn.low_rank import LowRank, LowRankInverse, LowRankScores, leading_eigenpairs, scaled_items
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.tuning import proven
from recbole_ktrec.nn.windows import WINDOWS, with_windows

#: Catalogues up to this size are solved exactly for the choice of lambda and the weights, which takes no longer.
_CHOICE_DENSE = 3000
#: Users that show whether what was taken close together belongs together: each window tried is another G.
_ASKED = 2000


@dataclass(frozen=True)
class ItemStatistics:
    """The rows that items are counted together in.

    Attributes:
        interactions: X, float32 ``[n_users, n_items]``.
        users: diagonal of W, ``[n_users]``.
        penalties: diagonal of D, ``[n_items]``.
        places: of the interactions from the end of each history, or None where no order is known.
        window: how close two items of a history must be to count more as a pair, see
            :mod:`recbole_ktrec.nn.windows`; 0 without an order.
    """

    interactions: sp.csr_matrix
    users: np.ndarray
    penalties: np.ndarray
    places: sp.csr_matrix | None = None
    window: int = 0

    @classmethod
    def of(cls, interactions: sp.csr_matrix, places: sp.csr_matrix | None, user_power: float,
           item_power: float) -> ItemStatistics:  # fmt: skip
        """Weigh users and items, see :class:`recbole_ktrec.nn.fit_options.Options`."""
        penalties = item_penalties(interactions, item_power)
        return cls(interactions, user_weights(interactions, user_power), penalties, places)

    def windowed(self, window: int) -> ItemStatistics:
        """Return these statistics with another window; without an order, as they are."""
        return self if window == self.window or self.places is None else replace(self, window=window)

    @functools.cached_property
    def _counted(self) -> tuple[sp.csr_matrix, np.ndarray]:
        if not self.window or self.places is None:
            return self.interactions, self.users
        return with_windows(self.interactions, self.users, self.places, self.window)

    @property
    def rows(self) -> sp.csr_matrix:
        """Users and their windows: float32 ``[n_rows, n_items]``."""
        return self._counted[0]

    @property
    def weights(self) -> np.ndarray:
        """What each of ``rows`` counts: ``[n_rows]``."""
        return self._counted[1]

    @functools.cached_property
    def _low_rank(self) -> LowRank:
        rank = min(CHOICE_RANK, self.interactions.shape[1])
        pairs = leading_eigenpairs(scaled_items(self.rows, self.penalties), self.weights, rank)
        return LowRank(self.rows, self.weights, pairs, self.penalties)

    @property
    def _small(self) -> bool:
        return self.interactions.shape[1] <= _CHOICE_DENSE

    def dense(self, regularisation: float) -> DenseInverse:
        """Return the inverse itself."""
        return DenseInverse(self.rows, self.weights, regularisation, self.penalties)

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
