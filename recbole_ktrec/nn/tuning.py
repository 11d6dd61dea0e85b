"""Choice of KTEASE's few numbers on held-out interactions: NDCG@10 of a sample of users, no gradient.

The objective is NDCG itself: weights fitted by cross-entropy follow popularity and lose 10 to 15 % of NDCG.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from recbole_ktrec.nn.closed_form import ScoreParts
from recbole_ktrec.nn.progress import progress_bar
from recbole_ktrec.nn.samples import Sample

#: Catalogues from this size on take long enough to show how far the choice has come.
_LARGE = 1 << 11

#: Values that are tried; the optimum of kappa falls as lambda grows.
REGULARISATIONS = (15.0, 30.0, 60.0, 120.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0)
PRIOR_WEIGHTS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.5)
NEIGHBOUR_WEIGHTS = (0.0, 0.03, 0.06, 0.12, 0.25, 0.5)


Value = TypeVar("Value", bound=Hashable)


def standard_error(gain: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Return the standard error of the mean of paired differences ``[n_users]``; infinite where there is but one.

    Args:
        groups: int ``[n_users]``: users of one group are not independent of each other (cluster-robust standard error,
            Liang and Zeger, Biometrika, 1986). By default each user is a group.
    """
    apart = gain - gain.mean()
    if groups is not None:
        apart = np.bincount(np.unique(groups, return_inverse=True)[1], apart)
    if len(apart) < 2:
        return float("inf")
    return float(np.sqrt((apart**2).sum() * len(apart) / (len(apart) - 1)) / len(gain))


def beyond_standard_error(gain: np.ndarray, groups: np.ndarray | None = None, errors: float = 1.0) -> bool:
    """Return whether the mean of paired differences ``[n_users]`` is above so many ``errors``.

    Args:
        groups: see :func:`standard_error`.
    """
    return bool(gain.mean() > errors * standard_error(gain, groups))


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
    chosen = proven(tried, values[0])
    return float(tried[chosen].mean()), chosen


def proven(tried: dict[Value, np.ndarray], plain: Value, groups: np.ndarray | None = None) -> Value:
    """Return the best value of those ``tried``, each with NDCG@10 by user; ``plain`` unless beaten beyond an error.

    Args:
        groups: of the users, see :func:`standard_error`.
    """
    best = max(tried, key=lambda value: float(tried[value].mean()))
    return best if beyond_standard_error(tried[best] - tried[plain], groups) else plain


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


def plain_or_uphill(values: Sequence[float], by_user: Callable[[float], np.ndarray]) -> float:
    """Return the value that is best; the first (the plain) unless beaten beyond a standard error.

    Args:
        values: what is tried, uphill from the first.
        by_user: value -> NDCG@10 of each held-out user.
    """
    tried: dict[float, np.ndarray] = {}

    def score(value: float) -> float:
        tried[value] = by_user(value)
        return float(tried[value].mean())

    climb(values, 0, score)
    return proven(tried, values[0])


def choose(
    sample: Sample,
    by_lambda: Callable[[float], ScoreParts],
    near_by_lambda: Callable[[float], ScoreParts],
    ladders: Sequence[Sequence[float]],
) -> Choice:
    """Return the values that score best: lambda with kappa first, then the neighbours' weight, then kappa again.

    Args:
        by_lambda: lambda -> scores of the candidates; those of a low-rank P are accurate enough for the choice.
        near_by_lambda: the same from the text neighbours of the histories, asked for once.
        ladders: what is tried of lambda, kappa and the neighbours' weight; one value alone is taken as it is.
    """
    regularisations, prior_weights, neighbour_weights = ladders
    regularisation, own = _best_lambda(sample, by_lambda, regularisations, prior_weights)
    value, kappa = best_of(prior_weights, lambda kappa: sample.ndcg(own(kappa)))
    if tuple(neighbour_weights) == (0.0,):
        return Choice(regularisation, kappa, 0.0, value)
    near = near_by_lambda(regularisation)
    plain = own(kappa), near(kappa)
    _, eta = plain_or_better(neighbour_weights, lambda eta: sample.ndcg_by_user(plain[0] + np.float32(eta) * plain[1]))
    value, kappa = best_of(prior_weights, lambda kappa: sample.ndcg(own(kappa) + np.float32(eta) * near(kappa)))
    return Choice(regularisation, kappa, eta, value)


def _best_lambda(
    sample: Sample,
    by_lambda: Callable[[float], ScoreParts],
    regularisations: Sequence[float],
    prior_weights: Sequence[float],
) -> tuple[float, ScoreParts]:
    """Return the lambda that scores best with the kappa that is best for it, and the scores with it."""
    found: dict[float, tuple[float, ScoreParts]] = {}
    bar = progress_bar(desc="choosing lambda", unit="try", disable=sample.rows.shape[1] < _LARGE)

    def with_best_weight(regularisation: float) -> float:
        bar.set_postfix(trying=regularisation)
        scores = by_lambda(regularisation)
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
    return regularisation, found[regularisation][1]
