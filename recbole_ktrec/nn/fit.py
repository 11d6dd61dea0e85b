"""The fit of KTEASE: what is chosen, solved, sharpened and filled in. No RecBole in here."""

from __future__ import annotations

import functools
import logging
from dataclasses import astuple, replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import DenseInverse, Design, ScoreParts, item_weights, pull_diagonal
from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.cold_level import Evidence, choose_level
from recbole_ktrec.nn.counting import Counted, Counting
from recbole_ktrec.nn.fit_options import PLAIN, Options, filled, tried
from recbole_ktrec.nn.fitted import Dense, Sparse
from recbole_ktrec.nn.item_statistics import ItemStatistics
from recbole_ktrec.nn.matrices import Matrix, Score
from recbole_ktrec.nn.nearest import NearestItems
from recbole_ktrec.nn.popularity import weighted
from recbole_ktrec.nn.recency import decayed
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.sharpening import LADDERS, Sharpening, choose_sharpening
from recbole_ktrec.nn.spreading import fill_cold, popular_cold, spread_over_neighbours, widen
from recbole_ktrec.nn.successors import Successions, add_successors
from recbole_ktrec.nn.tuning import (
    NEIGHBOUR_WEIGHTS,
    PRIOR_WEIGHTS,
    REGULARISATIONS,
    Choice,
    choose,
    climb,
)

_logger = logging.getLogger(__name__)
#: Text neighbours that take over a share of a history in the sparse form, where each makes a user's scores longer.
_SPREAD = 20
#: Catalogues up to this size choose kappa once more, beside what sharpens B: each value tried makes a B.
_JOINT = 8000


class Fit:
    """One fit of KTEASE.

    Args:
        interactions: X, float32 ``[n_users, n_items]``; item 0 is padding.
        prior: K, see :func:`recbole_ktrec.nn.text_prior.text_neighbours`.
        options: settings.
        sample: held-out interactions, or None to take the defaults.
        places: of the interactions from the end of each history, see :mod:`recbole_ktrec.nn.recency`, or None where
            no order is known.
    """

    def __init__(self, interactions: sp.csr_matrix, prior: sp.csc_matrix, options: Options, sample: Sample | None,
                 places: sp.csr_matrix | None = None) -> None:  # fmt: skip
        self.interactions, self.prior, self.options, self.places = interactions, prior, options, places
        counts = np.bincount(interactions.indices, minlength=interactions.shape[1])
        self.known, self.taken = counts > 0, np.maximum(counts, 1.0)
        self.has_text, self._held_out = np.diff(prior.indptr) > 0, sample
        self._users = Design.of(interactions, options.user_power, options.item_power)
        self.pull = sp.csc_matrix(sp.diags(self._users.penalties) @ prior, dtype=np.float32)
        self.spread = spread_over_neighbours(prior, self.known, _SPREAD if options.nearest_items else None)
        self._choice: Choice | None = None
        self._run_with = options  # once run, with what was chosen on the way

    def with_prior(self, prior: sp.csc_matrix, options: Options | None = None) -> Fit:
        """Return a fit to the same interactions with another prior.

        How they count is shared, and with it what was made of them to choose.
        """
        other = Fit(self.interactions, prior, options or self.options, None, self.places)
        other.counted = self.counted
        return other

    def settled(self) -> Options:
        """Return the options with what :meth:`run` chose of them, but for the weight of the prior and cold items.

        Fits that differ in the prior alone then differ by it alone, not by the chance of each one's choice.
        """
        choice, counted = self.choice(), self.counted
        return replace(self._run_with, regularisation=choice.regularisation, neighbour_weight=choice.neighbour_weight,
                       history_decay=counted.decay, cooccurrence_window=counted.statistics.window)  # fmt: skip

    def choice(self) -> Choice:
        """Return lambda, kappa and eta, chosen the first time."""
        if self._choice is None:
            self._choice = self._choose()
        return self._choice

    @functools.cached_property
    def counted(self) -> Counted:
        """How interactions count."""
        everything = self._held_out
        sample = None if everything is None else everything.enough_of(self.known)
        plain = ItemStatistics(self._users, self.places)
        return Counting(self.options, plain, self.pull, self._cold, sample, everything).chosen()

    def _choose(self, measured: bool = False) -> Choice:
        options, sample = self.options, self.counted.sample
        given = (options.regularisation, options.prior_weight, options.neighbour_weight)
        if sample is None or (None not in given and not measured):
            return Choice(*filled(given, PLAIN))
        ladders = tried(given, (REGULARISATIONS, PRIOR_WEIGHTS, NEIGHBOUR_WEIGHTS))
        return choose(sample, self.counted.statistics.scores(sample, self.pull), self._near, ladders)

    def quick_ndcg(self) -> float:
        """Return the NDCG@10 by which lambda, kappa and eta are chosen, where all of them are given too."""
        return self.choice().ndcg or self._choose(measured=True).ndcg

    def _near(self, regularisation: float) -> ScoreParts:
        """Return the scores of the held-out users from the text neighbours of what they took."""
        sample, statistics = self.counted.sample, self.counted.statistics
        assert sample is not None
        near = sample.reading(sp.csr_matrix(sample.rows @ self.spread))
        return near.parts(statistics.quick(regularisation), self.pull)

    @functools.cached_property
    def _cold(self) -> ColdItems:
        return ColdItems.of(self.prior, self.known, np.flatnonzero(~self.known & self.has_text))

    def cold_items(self, warm: Score, choice: Choice) -> ColdItems:
        """Return how items without interactions are scored."""
        given, counted, known = self.options.cold_scale, self.counted, self.known & self.has_text
        # With nothing to go by they count as much as texts do for known items.
        cold = replace(self._cold, scale=choice.prior_weight if given is None else given)
        if not len(cold.columns) or counted.everything is None or given is not None or not known.any():
            return cold
        evidence = Evidence(self.prior, known, counted.sample, counted.everything, warm)
        return choose_level(cold, evidence, self.options.cold_warm_loss)

    def run(self) -> Dense | Sparse:
        """Choose, solve and return what scores."""
        nearest = self.options.nearest_items
        form = f"sparse form, {nearest} nearest items" if nearest else "dense form: time grows as their cube"
        _logger.info(f"KTEASE: {len(self.taken):,} items, {form}")
        choice, decay, window = self.choice(), self.counted.decay, self.counted.statistics.window
        _logger.info(f"KTEASE: {choice}, history_decay {decay:g}, cooccurrence_window {window}")
        fitted, self._run_with = self._solved_by_column(choice) if nearest else self._solved(choice)
        return fitted

    def _solved_by_column(self, choice: Choice) -> tuple[Sparse, Options]:
        statistics, sample = self.counted.statistics, self.counted.sample
        problems = NearestItems(statistics.design, self.prior, self.options.nearest_items)
        matrix = problems.solve(choice.regularisation, choice.prior_weight)
        nothing = ColdItems.of(self.prior, self.known, np.arange(0))
        made = Sparse(matrix, self.spread, choice.neighbour_weight, nothing, self.counted.decay)
        wider = None if sample is None else sample.reading(made.wider(sample.rows))
        sharpening, _ = self._sharpening(matrix, wider)
        _logger.info(f"KTEASE: {sharpening}")
        sharpening.apply(matrix, self.taken)
        matrix, successor_weight = self._followed(matrix, choice.regularisation, wider)
        made = replace(made, matrix=matrix)
        popularity_weight, popular = self._popular(made.warm)
        made = replace(made, popular=popular)
        made = replace(made, cold=self.cold_items(made.warm, choice))
        return made, self._with(sharpening, successor_weight, popularity_weight)

    def _solved(self, choice: Choice) -> tuple[Dense, Options]:
        inverse, sample = self.counted.statistics.dense(choice.regularisation), self.counted.sample
        pulled = pull_diagonal(inverse, self.pull)
        if sample is not None and self.options.prior_weight is None and len(self.taken) <= _JOINT:
            choice = self._weighted_anew(inverse, pulled, choice)
        matrix = self._items(inverse, pulled, choice)
        sharpening, _ = self._sharpening(matrix, sample)
        _logger.info(f"KTEASE: prior_weight {choice.prior_weight:g}, {sharpening}")
        sharpening.apply(matrix, self.taken)
        matrix, successor_weight = self._followed(matrix, choice.regularisation, sample)
        popularity_weight, popular = self._popular(Dense(matrix))
        cold = self.cold_items(Dense(matrix, popular=popular), choice)
        # Linear in the history as B is: the power comes after the sum, and takes the scale with it.
        linear = replace(cold, scale=cold.scale ** (1 / cold.power), power=1.0)
        fill_cold(matrix, linear)
        if popular is not None:
            popular_cold(popular, linear)
        made = Dense(matrix, cold.columns, cold.power, self.counted.decay, popular)
        return made, self._with(sharpening, successor_weight, popularity_weight)

    def _with(self, sharpening: Sharpening, successor_weight: float, popularity_weight: float) -> Options:
        """Return the options with what is chosen while B is solved."""
        power, popularity, history = astuple(sharpening)
        return replace(self.options, score_power=power, popularity_discount=popularity, history_discount=history,
                       successor_weight=successor_weight, popularity_weight=popularity_weight)  # fmt: skip

    def _popular(self, score: Score) -> tuple[float, np.ndarray | None]:
        """Return the weight of what is taken in general, and that with its weight; None for it where it has none.

        Args:
            score: gives the scores of the known items.
        """
        decay, places = self.counted.decay, self.places
        rows = decayed(places, decay) if decay and places is not None else self.interactions
        counts = self.taken * self.known
        return weighted(self.options.popularity_weight, self.counted.sample, rows, counts, score)

    def _followed(self, matrix: Matrix, regularisation: float, sample: Sample | None) -> tuple[Matrix, float]:
        """Return B with what tends to come next, where the order of histories matters or it is asked for, and the
        weight of that, chosen on ``sample``, whose histories are as B reads them; B is gone."""
        given, nearest, counted = self.options.successor_weight, self.options.nearest_items, self.counted
        wanted = bool(counted.decay and sample is not None) if given is None else bool(given)
        if not wanted or self.places is None:
            return matrix, 0.0
        _logger.info(f"KTEASE: what comes next, a second solve of {len(self.taken):,} items")
        pairs = Successions.of(self.places, self._users, counted.decay)
        found: Matrix = pairs.nearest(regularisation, nearest) if nearest else pairs.weights(regularisation)
        matrix, weight = add_successors(matrix, found, self.known, given, sample)
        _logger.info(f"KTEASE: successor_weight {weight:g}")
        return matrix, weight

    def _items(self, inverse: DenseInverse, pulled: np.ndarray, choice: Choice) -> np.ndarray:
        """Return B in the place of ``inverse.matrix``."""
        matrix = item_weights(inverse, self.pull, pulled, choice.prior_weight)
        widen(matrix, self.spread, choice.neighbour_weight)
        return matrix

    def _weighted_anew(self, inverse: DenseInverse, pulled: np.ndarray, choice: Choice) -> Choice:
        """Return ``choice`` with the kappa that does best once B is sharpened, which presses small entries down."""

        def sharpened(kappa: float) -> float:
            matrix = self._items(inverse.copy(), pulled, replace(choice, prior_weight=kappa))
            return self._sharpening(matrix, self.counted.sample)[1]

        _logger.info("KTEASE: prior_weight once more, beside what sharpens the scores")
        start = PRIOR_WEIGHTS.index(choice.prior_weight)
        ndcg, kappa = climb(PRIOR_WEIGHTS, start, sharpened)
        return replace(choice, prior_weight=kappa, ndcg=ndcg)

    def _sharpening(self, matrix: Matrix, sample: Sample | None) -> tuple[Sharpening, float]:
        """Return what becomes of the entries of ``matrix``, and its NDCG@10 where it was chosen on ``sample``."""
        options = self.options
        given = (options.score_power, options.popularity_discount, options.history_discount)
        if sample is None:
            return Sharpening(*filled(given, astuple(Sharpening()))), 0.0
        return choose_sharpening(sample, matrix, self.taken, tried(given, LADDERS))
