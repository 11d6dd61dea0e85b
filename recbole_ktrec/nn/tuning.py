"""Choice of KTEASE's few numbers on held-out interactions: NDCG@10 of a sample of users, no gradient.

The objective is NDCG itself: weights fitted by cross-entropy follow popularity and lose 10 to 15 % of NDCG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from tqdm import tqdm

from recbole_ktrec.nn.closed_form import Inverse, Parts, parts, pull_diagonal
from recbole_ktrec.nn.ranking import ndcg_by_user
from recbole_ktrec.nn.recency import DECAYS, decayed

#: Candidates of a held-out user where nothing else is said, see :class:`Sample`.
_CANDIDATES = 20_000
_USERS = 256
#: Users whose scores are ranked at a time: they stay in the cache of a core, three times as fast as all at once.
_CACHED = 32
#: Catalogues from this size on take long enough to show how far the choice has come.
_LARGE = 1 << 13

#: Values that are tried; the optimum of kappa falls as lambda grows.
REGULARISATIONS = (15.0, 30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)
PRIOR_WEIGHTS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.5)
NEIGHBOUR_WEIGHTS = (0.0, 0.03, 0.06, 0.12, 0.25, 0.5)


def masked_ndcg_by_user(
    scores: np.ndarray, known: torch.Tensor, wanted: torch.Tensor, left_out: np.ndarray | None = None
) -> np.ndarray:
    """Return NDCG@10 of each user that wants anything.

    Args:
        scores: ``[m, c]``.
        known: bool ``[m, c]``, no candidates of that user.
        wanted: bool ``[m, c]``.
        left_out: bool ``[c]``, no candidates of anybody.
    """
    barred = known if left_out is None else known | torch.from_numpy(left_out)
    asked = wanted.any(dim=1)
    if not asked.all():  # copies that are seldom needed
        scores, barred, wanted = scores[asked.numpy()], barred[asked], wanted[asked]
    given, found = torch.from_numpy(scores), np.empty(len(scores), dtype=np.float32)
    for start in range(0, len(scores), _CACHED):
        some = slice(start, start + _CACHED)
        found[some] = ndcg_by_user(given[some].masked_fill(barred[some], -torch.inf), wanted[some]).numpy()
    return found


def masked_ndcg(
    scores: np.ndarray, known: torch.Tensor, wanted: torch.Tensor, left_out: np.ndarray | None = None
) -> float:
    """Return the mean of :func:`masked_ndcg_by_user`, 0 if nobody wants anything."""
    values = masked_ndcg_by_user(scores, known, wanted, left_out)
    return float(values.mean()) if len(values) else 0.0


def beyond_standard_error(gain: np.ndarray, groups: np.ndarray | None = None, errors: float = 1.0) -> bool:
    """Return whether the mean of paired differences ``[n_users]`` is above one standard error of it, or ``errors``.

    Args:
        groups: int ``[n_users]``: users of one group are not independent of each other (cluster-robust standard error,
            Liang and Zeger, Biometrika, 1986). By default each user is a group.
    """
    apart = gain - gain.mean()
    if groups is not None:
        apart = np.bincount(np.unique(groups, return_inverse=True)[1], apart)
    if len(apart) < 2:
        return False
    error = np.sqrt((apart**2).sum() * len(apart) / (len(apart) - 1)) / len(gain)
    return bool(gain.mean() > errors * error)


@dataclass
class Sample:
    """Held-out interactions of some users.

    Attributes:
        rows: what the users took in training, ``[m, n_items]``.
        positives: what they took later, ``[m, n_items]``, at least one each.
        barred: items that are no candidates of anybody, bool ``[n_items]``; by default none but the padding item.
        most: candidates: all items up to this many, else so many random ones and what is asked for.
        places: of the interactions of ``rows`` from the end of each history, see :mod:`recbole_ktrec.nn.recency`, or
            None where no order is known.
    """

    rows: sp.csr_matrix
    positives: sp.csr_matrix
    barred: np.ndarray | None = None
    most: int = _CANDIDATES
    places: sp.csr_matrix | None = None

    def __post_init__(self) -> None:
        n = self.rows.shape[1]
        if n > self.most:
            drawn = np.random.default_rng(0).choice(n, self.most, replace=False)
            self.candidates = np.union1d(drawn, self.positives.indices)
        else:
            self.candidates = np.arange(n)
        self.known = torch.from_numpy(self.rows[:, self.candidates].toarray() > 0)
        self.known |= torch.from_numpy(self.candidates == 0)  # the padding item
        if self.barred is not None:
            self.known |= torch.from_numpy(self.barred[self.candidates])
        self.wanted = torch.from_numpy(self.positives[:, self.candidates].toarray() > 0)

    def some(self, users: int, most: int = _CANDIDATES) -> Sample:
        """Return a sample of at most so many ``users``, evenly spread, with at most ``most`` candidates."""
        step = -(-self.rows.shape[0] // users)
        if step <= 1 and most == self.most:
            return self
        return self._part(slice(None, None, step), self.positives[::step], self.barred, most)

    def of_items(self, items: np.ndarray) -> Sample | None:
        """Return the sample with ``items`` (bool ``[n_items]``) as the only candidates; None if nobody took one."""
        positives = sp.csr_matrix(self.positives @ sp.diags(items.astype(np.float32)))
        positives.eliminate_zeros()
        asked = np.diff(positives.indptr) > 0
        return self._part(asked, positives[asked], ~items) if asked.any() else None

    def with_history(self) -> Sample | None:
        """Return the sample of the users who have a history; None if nobody has."""
        asked = np.diff(self.rows.indptr) > 0
        if asked.all():
            return self
        return self._part(asked, self.positives[asked], self.barred, self.most) if asked.any() else None

    def decayed(self, decay: float) -> Sample:
        """Return the sample with its histories weighted, see :mod:`recbole_ktrec.nn.recency`."""
        return replace(self, rows=decayed(self.places, decay)) if self.places is not None and decay else self

    def _part(self, users: slice | np.ndarray, positives: sp.csr_matrix, barred: np.ndarray | None,
              most: int = _CANDIDATES) -> Sample:  # fmt: skip
        places = None if self.places is None else self.places[users]
        return Sample(self.rows[users], positives, barred, most, places)

    def ndcg(self, scores: np.ndarray) -> float:
        """Return the mean NDCG@10 of ``scores`` ``[m, candidates]``."""
        return masked_ndcg(scores, self.known, self.wanted)

    def ndcg_by_user(self, scores: np.ndarray) -> np.ndarray:
        """Return NDCG@10 of each user that wants anything, from ``scores`` ``[m, candidates]``."""
        return masked_ndcg_by_user(scores, self.known, self.wanted)

    def ndcg_with(self, score: Callable[[sp.csr_matrix], np.ndarray]) -> np.ndarray:
        """Return NDCG@10 by user, ``score`` making scores ``[m, n_items]`` of histories of that shape."""
        return self.ndcg_by_user(self.gather(lambda rows: (score(rows),), self.rows)[0])

    def gather(self, function: Callable[[sp.csr_matrix], tuple[np.ndarray, ...]], rows: sp.csr_matrix) -> list:
        """Return the candidates' columns of what ``function`` makes of ``rows``, some users at a time.

        Args:
            function: rows ``[m, n_items]`` -> arrays of that shape.
        """
        return _stacked(lambda some: tuple(part[:, self.candidates] for part in function(some)), rows)

    def parts(self, inverse: Inverse, prior: sp.csc_matrix, rows: sp.csr_matrix | None = None) -> Parts:
        """Return the scores of the candidates from ``rows`` (the training rows if not given)."""
        pulled, columns = pull_diagonal(inverse, prior)[self.candidates], prior[:, self.candidates]

        def both(some: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
            made = parts(inverse, columns, pulled, some, self.candidates)
            return made.base, made.pull

        return Parts(*_stacked(both, self.rows if rows is None else rows))


def _stacked(function: Callable[[sp.csr_matrix], tuple[np.ndarray, ...]], rows: sp.csr_matrix) -> list[np.ndarray]:
    """Return the arrays that ``function`` makes of all ``rows``, some users at a time."""
    made = [function(rows[start : start + _USERS]) for start in range(0, rows.shape[0], _USERS)]
    return [np.concatenate(blocks) for blocks in zip(*made, strict=True)]


def sample_from(
    interactions: sp.csr_matrix, users: np.ndarray, row: np.ndarray, item: np.ndarray,
    places: sp.csr_matrix | None = None,
) -> Sample:  # fmt: skip
    """Return the sample of ``users`` ``[m]`` who later took ``item[k]``, ``row[k]`` being the place among them.

    Args:
        places: see :class:`Sample`, of all users.
    """
    positives = sp.csr_matrix((np.ones(len(row), dtype=np.float32), (row, item)), (len(users), interactions.shape[1]))
    return Sample(interactions[users], positives, places=None if places is None else places[users])


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        regularisation: lambda.
        prior_weight: kappa.
        neighbour_weight: share of each history that is handed on to the text neighbours of its items.
        ndcg: NDCG@10 of the held-out users with it.
    """

    regularisation: float
    prior_weight: float
    neighbour_weight: float
    ndcg: float = 0.0

    def __str__(self) -> str:
        found = f" (NDCG@10 {self.ndcg:.4f} on held-out interactions)" if self.ndcg else ""
        numbers = f"prior_weight {self.prior_weight:g}, neighbour_weight {self.neighbour_weight:g}"
        return f"reg_weight {self.regularisation:g}, {numbers}{found}"


def best_of(values: Sequence[float], score: Callable[[float], float]) -> tuple[float, float]:
    """Return (best score, its value); of equal ones, the first."""
    return max(((score(value), value) for value in values), key=lambda pair: pair[0])


def plain_or_better(values: Sequence[float], by_user: Callable[[float], np.ndarray]) -> tuple[float, float]:
    """Return (mean score, its value) of the best, of the first (the plain) unless beaten beyond a standard error."""
    tried = {value: by_user(value) for value in values}
    chosen = _proven(tried, values[0])
    return float(tried[chosen].mean()), chosen


def _proven(tried: dict[float, np.ndarray], plain: float) -> float:
    """Return the best value of those ``tried``, each with NDCG@10 by user; ``plain`` unless beaten beyond an error."""
    best = max(tried, key=lambda value: float(tried[value].mean()))
    return best if beyond_standard_error(tried[best] - tried[plain]) else plain


def climb(values: Sequence[float], start: int, score: Callable[[float], float]) -> tuple[float, float]:
    """Return (best score, its value) of the hill that ``values[start]`` stands on, trying as few as possible."""
    tried: dict[int, float] = {}

    def at(index: int) -> float:
        if index not in tried:
            tried[index] = score(values[index])
        return tried[index]

    best = start
    at(start)
    while True:
        better = max((k for k in (best - 1, best, best + 1) if 0 <= k < len(values)), key=at)
        if at(better) <= at(best):
            return at(best), values[best]
        best = better


def choose_decay(by_user: Callable[[float], np.ndarray], decays: Sequence[float] = DECAYS) -> float:
    """Return the decay of histories that is best; the first unless beaten beyond a standard error.

    Args:
        by_user: decay -> NDCG@10 of each held-out user.
        decays: what is tried, uphill from the first.
    """
    tried: dict[float, np.ndarray] = {}

    def score(decay: float) -> float:
        tried[decay] = by_user(decay)
        return float(tried[decay].mean())

    climb(decays, 0, score)
    return _proven(tried, decays[0])


def choose(
    sample: Sample,
    solve: Callable[[float], Inverse],
    prior: sp.csc_matrix,
    spread: sp.csr_matrix,
    regularisations: Sequence[float] = REGULARISATIONS,
    prior_weights: Sequence[float] = PRIOR_WEIGHTS,
    neighbour_weights: Sequence[float] = NEIGHBOUR_WEIGHTS,
) -> Choice:
    """Return the values that score best: lambda with kappa first, then the neighbours' weight, then kappa again.

    Args:
        solve: lambda -> P; a low-rank P is accurate enough for the choice.
        spread: row j holds the text neighbours of item j, summing to 1 (or 0).
        regularisations, prior_weights, neighbour_weights: one value alone is taken as it is.
    """
    found: dict[float, tuple[float, Parts]] = {}
    bar = tqdm(desc="choosing lambda", unit="try", disable=prior.shape[0] < _LARGE, leave=False)

    def with_best_weight(regularisation: float) -> float:
        bar.set_postfix(trying=regularisation)
        scores = sample.parts(solve(regularisation), prior)
        value, weight = best_of(prior_weights, lambda kappa: sample.ndcg(scores(kappa)))
        best = max((kept[0] for kept in found.values()), default=-1.0)
        if value > best:  # two matrices of scores are kept, not one a value
            found.clear()
            found[regularisation] = (value, scores)
        bar.update()
        return value

    middle = min(range(len(regularisations)), key=lambda k: abs(np.log(regularisations[k] / 120)))
    with bar:
        _, regularisation = climb(regularisations, middle, with_best_weight)
    own = found[regularisation][1]
    value, kappa = best_of(prior_weights, lambda kappa: sample.ndcg(own(kappa)))
    if tuple(neighbour_weights) == (0.0,):
        return Choice(regularisation, kappa, 0.0, value)
    near = sample.parts(solve(regularisation), prior, sp.csr_matrix(sample.rows @ spread))
    plain = own(kappa), near(kappa)
    _, eta = plain_or_better(neighbour_weights, lambda eta: sample.ndcg_by_user(plain[0] + np.float32(eta) * plain[1]))
    value, kappa = best_of(prior_weights, lambda kappa: sample.ndcg(own(kappa) + np.float32(eta) * near(kappa)))
    return Choice(regularisation, kappa, eta, value)
