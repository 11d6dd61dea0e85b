"""The fit of KTEASE: what is chosen, solved, sharpened and filled in. No RecBole in here."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import DenseInverse, ScoreParts, item_weights, parts, pull_diagonal
from recbole_ktrec.nn.cold_demand import Demand
from recbole_ktrec.nn.cold_items import ColdItems, Level
from recbole_ktrec.nn.cold_level import asking, choose_level
from recbole_ktrec.nn.fit_options import PRIOR_WEIGHT, Options
from recbole_ktrec.nn.fitted import Dense, Sparse
from recbole_ktrec.nn.item_statistics import ItemStatistics
from recbole_ktrec.nn.matrices import Matrix
from recbole_ktrec.nn.nearest import NearestItems
from recbole_ktrec.nn.popularity import weighted
from recbole_ktrec.nn.recency import DECAYS, decayed
from recbole_ktrec.nn.samples import FEWEST, Sample
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
    plain_or_uphill,
)

_logger = logging.getLogger(__name__)
#: Text neighbours that take over a share of a history in the sparse form, where each makes a user's scores longer.
_SPREAD = 20
#: lambda, kappa and eta where nothing is chosen.
_PLAIN = (120.0, PRIOR_WEIGHT, 0.0)
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
        # Items that nobody has taken are scored in another way: they must not decide lambda and the weights.
        self.everything = sample
        self.sample = None if sample is None else sample.enough_of(self.known)
        self.has_text = np.diff(prior.indptr) > 0
        self.statistics = ItemStatistics.of(interactions, places, options.user_power, options.item_power)
        self.pull = sp.csc_matrix(sp.diags(self.statistics.penalties) @ prior, dtype=np.float32)
        self.spread = spread_over_neighbours(prior, self.known, _SPREAD if options.nearest_items else None)
        self._choice: Choice | None = None
        self._sharpened: Sharpening | None = None
        self.decay, self.successor_weight = options.history_decay, options.successor_weight
        self.window, self.popularity_weight = options.cooccurrence_window, options.popularity_weight

    def with_prior(self, prior: sp.csc_matrix, options: Options | None = None) -> Fit:
        """Return a fit to the same interactions with another prior; sample and leading directions are shared."""
        other = Fit(self.interactions, prior, options or self.options, None, self.places)
        other.sample, other.everything, other.statistics = self.sample, self.everything, self.statistics
        other.decay, other.window = self.decay, self.window
        return other

    def settled(self) -> Options:
        """Return the options with what :meth:`run` chose of them, but for the weight of the prior and cold items.

        Fits that differ in the prior alone then differ by it alone, not by the chance of each one's choice.
        """
        choice = self.choice()
        found = replace(self.options, regularisation=choice.regularisation, neighbour_weight=choice.neighbour_weight,
                        history_decay=self.decay, successor_weight=self.successor_weight,
                        cooccurrence_window=self.window, popularity_weight=self.popularity_weight)  # fmt: skip
        if self._sharpened is None:
            return found
        power, popularity, history = astuple(self._sharpened)
        return replace(found, score_power=power, popularity_discount=popularity, history_discount=history)

    def choice(self) -> Choice:
        """Return lambda, kappa and eta, chosen the first time, after what the histories count by."""
        if self._choice is None:
            self._weigh_histories()
            self.statistics = self._windowed(self.sample)
            self.window = self.statistics.window
            self._choice = self._choose()
        return self._choice

    def _windowed(self, sample: Sample | None) -> ItemStatistics:
        """Return the statistics with the window that is given, or chosen."""
        # None is tried where recency makes histories local, or new items are asked for: known ones alone would choose.
        if self.window is not None or sample is None or self.places is None or self.decay or self._asked >= FEWEST:
            return self.statistics.windowed(self.window or 0)
        return self.statistics.best_windowed(sample, self.pull, *self._first_guess())

    def _weigh_histories(self) -> None:
        """Choose the decay with the plain form of everything else, and weigh the held-out users' histories with it."""
        if self.decay is None:
            self.decay = 0.0 if self.sample is None else self._chosen_decay(self.sample)
        if self.everything is not None:
            self.everything = self.everything.decayed(self.decay)
        if self.sample is not None:
            self.sample = self.sample.decayed(self.decay)

    def _first_guess(self) -> tuple[float, float]:
        """Return lambda and kappa to choose with what comes before them."""
        given = self.options.prior_weight
        return self.options.regularisation or _PLAIN[0], _PLAIN[1] if given is None else given

    def _chosen_decay(self, sample: Sample) -> float:
        if sample.places is None or self.everything is None:
            return 0.0
        regularisation, weight = self._first_guess()
        inverse = self.statistics.quick(regularisation)
        pulled, cold = pull_diagonal(inverse, self.pull), self._cold()
        everybody = asking(self.everything)

        def warm(rows: sp.csr_matrix) -> np.ndarray:
            return parts(inverse, self.pull, pulled, rows)(weight)

        def by_user(decay: float) -> np.ndarray:
            return sample.decayed(decay).ndcg_with(warm)

        return plain_or_uphill(
            DECAYS,
            by_user
            if self._asked < FEWEST
            else lambda decay: Demand(everybody.decayed(decay), cold, warm).ndcg_side_by_side(),
        )

    def _choose(self, measured: bool = False) -> Choice:
        options = self.options
        given = (options.regularisation, options.prior_weight, options.neighbour_weight)
        if self.sample is None or (None not in given and not measured):
            filled = (default if value is None else value for value, default in zip(given, _PLAIN, strict=True))
            return Choice(*filled)
        ladders = (REGULARISATIONS, PRIOR_WEIGHTS, NEIGHBOUR_WEIGHTS)
        tried = [ladder if value is None else (value,) for value, ladder in zip(given, ladders, strict=True)]
        return choose(self.sample, self.statistics.scores(self.sample, self.pull), self._near, *tried)

    def quick_ndcg(self) -> float:
        """Return the NDCG@10 by which lambda, kappa and eta are chosen, where all of them are given too."""
        return self.choice().ndcg or self._choose(measured=True).ndcg

    def _near(self, regularisation: float) -> ScoreParts:
        """Return the scores of the held-out users from the text neighbours of what they took."""
        assert self.sample is not None
        rows = sp.csr_matrix(self.sample.rows @ self.spread)
        return self.sample.parts(self.statistics.quick(regularisation), self.pull, rows)

    def _cold(self) -> ColdItems:
        return ColdItems.of(self.prior, self.known, np.flatnonzero(~self.known & self.has_text))

    def cold_items(self, warm: Callable[[sp.csr_matrix], np.ndarray], choice: Choice) -> ColdItems:
        """Return how items without interactions are scored."""
        cold = self._cold()
        columns, known = cold.columns, self.known & self.has_text
        given = self.options.cold_scale
        if not len(columns) or self.everything is None or given is not None or not known.any():
            scale = choice.prior_weight if given is None else given
            return replace(cold, scale=scale)
        # With nothing to go by they count as much as texts do for known items.
        careful = Level(choice.prior_weight)
        level = choose_level(cold, self.prior, known, self.options, self.sample, self.everything, warm, careful)
        return replace(cold, **vars(level))

    @functools.cached_property
    def _asked(self) -> int:
        """How many held-out interactions are with items that nobody took, which have a text."""
        assert self.everything is not None
        return int((asking(self.everything).positives[:, self._cold().columns] > 0).sum())

    def run(self) -> Dense | Sparse:
        """Choose, solve and return what scores."""
        nearest = self.options.nearest_items
        form = f"sparse form, {nearest} nearest items" if nearest else "dense form: time grows as their cube"
        _logger.info(f"KTEASE: {len(self.taken):,} items, {form}")
        choice = self.choice()
        _logger.info(f"KTEASE: {choice}, history_decay {self.decay:g}, cooccurrence_window {self.window}")
        return self._solved_by_column(choice) if nearest else self._solved(choice)

    def _solved_by_column(self, choice: Choice) -> Sparse:
        options, known = self.options, self.statistics
        problems = NearestItems(known.rows, known.weights, known.penalties, self.prior, options.nearest_items)
        matrix = problems.solve(choice.regularisation, choice.prior_weight)
        nothing = ColdItems.of(self.prior, self.known, np.arange(0))
        made = Sparse(matrix, self.spread, choice.neighbour_weight, nothing, self.decay or 0.0)
        asked = None if self.sample is None else made.wider(self.sample.rows)
        self._sharpened = sharpening = self._sharpening(matrix, asked)[0]
        _logger.info(f"KTEASE: {sharpening}")
        sharpening.apply(matrix, self.taken)
        made = replace(made, matrix=self._followed(matrix, choice.regularisation, asked))
        made = replace(made, popular=self._popular(made.warm))
        return replace(made, cold=self.cold_items(made.warm, choice))

    def _solved(self, choice: Choice) -> Dense:
        inverse = self.statistics.dense(choice.regularisation)
        pulled = pull_diagonal(inverse, self.pull)
        if self.sample is not None and self.options.prior_weight is None and len(self.taken) <= _JOINT:
            choice = self._weighted_anew(inverse, pulled, choice)
        matrix = self._items(inverse, pulled, choice)
        self._sharpened = sharpening = self._sharpening(matrix)[0]
        _logger.info(f"KTEASE: prior_weight {choice.prior_weight:g}, {sharpening}")
        sharpening.apply(matrix, self.taken)
        matrix = self._followed(matrix, choice.regularisation)
        popular = self._popular(Dense(matrix))
        cold = self.cold_items(Dense(matrix, popular=popular), choice)
        # Linear in the history as B is: the power comes after the sum, and takes the scale with it.
        linear = replace(cold, scale=cold.scale ** (1 / cold.power), power=1.0)
        fill_cold(matrix, linear)
        if popular is not None:
            popular_cold(popular, linear)
        return Dense(matrix, cold.columns, cold.power, self.decay or 0.0, popular)

    def _popular(self, score: Callable[[sp.csr_matrix], np.ndarray]) -> np.ndarray | None:
        """Return what is taken in general, with its weight; None where it has none.

        Args:
            score: histories ``[m, n_items]`` -> scores of the known items, of that shape.
        """
        rows = decayed(self.places, self.decay) if self.decay and self.places is not None else self.interactions
        counts, given = self.taken * self.known, self.options.popularity_weight
        self.popularity_weight, popular = weighted(given, self.sample, rows, counts, score)
        return popular

    def _followed(self, matrix: Matrix, regularisation: float, rows: sp.csr_matrix | None = None) -> Matrix:
        """Return B and what tends to come next, where the order of histories matters or it is asked for; B is gone.

        Args:
            rows: histories that stand for those of the sample.
        """
        given, nearest = self.options.successor_weight, self.options.nearest_items
        tried = bool(self.decay and self.sample is not None) if given is None else bool(given)
        if not tried or self.places is None:
            self.successor_weight = 0.0
            return matrix
        _logger.info(f"KTEASE: what comes next, a second solve of {len(self.taken):,} items")
        pairs = Successions.of(self.places, self.statistics.users, self.decay or 0.0)
        found: Matrix = (
            pairs.nearest(regularisation, self.statistics.penalties, nearest)
            if nearest
            else pairs.weights(regularisation, self.statistics.penalties)
        )
        matrix, self.successor_weight = add_successors(matrix, found, self.known, given, self.sample, rows)
        _logger.info(f"KTEASE: successor_weight {self.successor_weight:g}")
        return matrix

    def _items(self, inverse: DenseInverse, pulled: np.ndarray, choice: Choice) -> np.ndarray:
        """Return B in the place of ``inverse.matrix``."""
        matrix = item_weights(inverse, self.pull, pulled, choice.prior_weight)
        widen(matrix, self.spread, choice.neighbour_weight)
        return matrix

    def _weighted_anew(self, inverse: DenseInverse, pulled: np.ndarray, choice: Choice) -> Choice:
        """Return ``choice`` with the kappa that does best once B is sharpened, which presses small entries down."""

        def sharpened(kappa: float) -> float:
            return self._sharpening(self._items(inverse.copy(), pulled, replace(choice, prior_weight=kappa)))[1]

        _logger.info("KTEASE: prior_weight once more, beside what sharpens the scores")
        start = PRIOR_WEIGHTS.index(choice.prior_weight)
        ndcg, kappa = climb(PRIOR_WEIGHTS, start, sharpened)
        return replace(choice, prior_weight=kappa, ndcg=ndcg)

    def _sharpening(self, matrix: Matrix, rows: sp.csr_matrix | None = None) -> tuple[Sharpening, float]:
        """Return what becomes of the entries of ``matrix``, and its NDCG@10 where it was chosen.

        Args:
            rows: histories that stand for those of the sample.
        """
        options = self.options
        given = (options.score_power, options.popularity_discount, options.history_discount)
        if self.sample is None:
            filled = [plain if value is None else value for value, plain in zip(given, (1, 0, 0), strict=True)]
            return Sharpening(*filled), 0.0
        tried = [ladder if value is None else (value,) for value, ladder in zip(given, LADDERS, strict=True)]
        return choose_sharpening(self.sample, matrix, self.taken, tried[0], tried[1], tried[2], rows)
