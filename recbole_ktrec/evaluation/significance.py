"""Is the difference real? Paired over users: permutation test, bootstrap interval, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

#: Elements held at once by a resampling step (about 80 MB of float64).
_BATCH_ELEMENTS = 5_000_000
#: Users a distinct value from which resamples are drawn by how often each value comes up: the same distribution, at
#: the price of the values and not of the users.
_ALIKE = 16
#: Of the bootstrap.
_LEVEL, _RESAMPLES = 0.95, 2000


@dataclass(frozen=True)
class Comparison:
    """One model against another on one metric, paired over users.

    Attributes:
        difference: mean over users of (other - this); positive when the other is better.
        low, high: bootstrap interval of that difference (percentiles, over users).
        p: two-sided p-value of the paired permutation test (signs of the differences exchanged at random).
        users: users that both were evaluated on.
    """

    difference: float
    low: float
    high: float
    p: float
    users: int


def _batch(n: int) -> int:
    return max(1, _BATCH_ELEMENTS // max(n, 1))


def _mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.mean(values, axis=axis)


def permutation_p(differences: np.ndarray, resamples: int = 9999) -> float:
    """Two-sided p-value that ``differences`` (n,) have mean zero, by random sign flips.

    The test of ``scipy.stats.permutation_test(permutation_type="samples")``, as one matrix product a batch: sixty times
    as fast for 20,000 users. The observed arrangement counts as one of the resamples, so p is never zero.
    """
    # Users without a difference contribute zero to every resample: leaving them out changes nothing but the time.
    moved = differences[differences != 0]
    sizes, counts = np.unique(np.abs(moved), return_counts=True)
    few = len(sizes) * _ALIKE <= len(moved)
    rng, observed, extreme = np.random.default_rng(0), abs(moved.sum()), 0
    step = _batch(len(sizes) if few else len(moved))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        sums = _flipped_alike(rng, rows, sizes, counts) if few else _flipped(rng, rows, moved)
        extreme += int((np.abs(sums) >= observed * (1 - 1e-12)).sum())
    return (extreme + 1) / (resamples + 1)


def _flipped(rng: np.random.Generator, rows: int, moved: np.ndarray) -> np.ndarray:
    """Return ``rows`` sums of ``moved`` with random signs."""
    drawn = np.frombuffer(rng.bytes(rows * -(-len(moved) // 8)), dtype=np.uint8).reshape(rows, -1)
    bits = np.unpackbits(drawn, axis=1)[:, : len(moved)]
    return np.asarray(2 * (bits.astype(np.float64) @ moved) - moved.sum())


def _flipped_alike(rng: np.random.Generator, rows: int, sizes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return such sums of ``counts`` differences of each of the ``sizes``: how many are positive is binomial."""
    return np.asarray((2.0 * rng.binomial(counts, 0.5, (rows, len(sizes))) - counts) @ sizes)


def bootstrap_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of the mean of ``values`` (n,), resampling users (``scipy.stats.bootstrap``)."""
    if len(values) < 2 or np.ptp(values) == 0:
        mean = float(np.mean(values)) if len(values) else float("nan")
        return mean, mean
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) * _ALIKE <= len(values):
        drawn = np.random.default_rng(0).multinomial(len(values), counts / len(values), _RESAMPLES)
        low, high = np.quantile(drawn @ distinct / len(values), [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return float(low), float(high)
    result = stats.bootstrap(
        (values,), _mean, n_resamples=_RESAMPLES, confidence_level=_LEVEL, method="percentile", vectorized=True,
        batch=_batch(len(values)), random_state=np.random.default_rng(0),
    )  # fmt: skip
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def over_seeds(values: Sequence[float]) -> dict[str, Any]:
    """Return what the ``values`` of a metric, one a seed, come to: mean, spread (None of one seed alone) and range."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"seeds": len(values), "mean": float(np.mean(values)), "std": spread, "min": min(values), "max": max(values)}


def compare(spread: np.ndarray, flipped: np.ndarray) -> Comparison:
    """Compare two models by their differences by user (other - this), shape (n,), none of them NaN.

    Args:
        spread: the differences.
        flipped: those whose signs the test exchanges, with the same mean.
    """
    low, high = bootstrap_interval(spread)
    mean = float(spread.mean()) if len(spread) else float("nan")
    return Comparison(mean, low, high, permutation_p(flipped), len(spread))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return Holm's (1979) step-down adjusted p-values, shape as given."""
    p_values = np.asarray(p_values, dtype=float)
    order = np.argsort(p_values)
    n = len(p_values)
    adjusted = np.minimum(1.0, np.maximum.accumulate(p_values[order] * (n - np.arange(n))))
    result = np.empty(n)
    result[order] = adjusted
    return result
