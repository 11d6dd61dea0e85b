"""Several seeds as one sample of users: values by user whose mean is the number of the table.

Each seed has test rows of its own, and a user may have several, or none with one seed. So the mean of a seed is a ratio
of two sums over users, and the number of the table the mean of these ratios. A plain mean of every user's mean is
another number, and an interval around it need not hold the first. The linearised ratio (Cochran, Sampling Techniques,
1977, chapter 6: the mean plus each user's deviation from it) gives every user one value; these have exactly the wanted
mean and, to first order, its spread, so that intervals and tests over users are about what the table says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class ByUser:
    """What one seed says: index user token, one column a metric.

    Attributes:
        totals: sum of a user's values.
        counts: how many values that is; 0 or NaN: none.
    """

    totals: pd.DataFrame
    counts: pd.DataFrame

    def only(self, metric: str) -> ByUser:
        """Return this metric alone."""
        return ByUser(self.totals[[metric]], self.counts[[metric]])


def of_rows(rows: pd.DataFrame) -> ByUser:
    """Return what ``rows`` (index user token, may repeat; NaN: not asked) come to by user."""
    if rows.index.is_unique:  # as they are, and no larger
        return ByUser(rows.fillna(0.0), rows.notna())
    grouped = rows.astype(float).groupby(level=0)
    return ByUser(grouped.sum(), grouped.count())


def beside(one: ByUser, other: ByUser) -> ByUser:
    """Return the columns of both."""
    return ByUser(pd.concat([one.totals, other.totals], axis=1), pd.concat([one.counts, other.counts], axis=1))


def pooled(seeds: Sequence[ByUser]) -> pd.DataFrame:
    """Return one value for each user and metric, NaN where no seed asks the user.

    The mean of a column is the mean, over the seeds that have it, of sum of totals / sum of counts.
    """
    everyone, columns, tables = _tables(seeds)
    asked = np.any([counts > 0 for _, counts in tables], axis=0)
    values, found = np.zeros(asked.shape), np.zeros(len(columns))
    for totals, counts in tables:
        has = counts.sum(axis=0) > 0
        values += np.where(has, _linearised(totals, counts, asked.sum(axis=0)), 0.0)
        found += has
    return pd.DataFrame(np.where(asked, values / np.maximum(found, 1), np.nan), everyone, columns)


def differences(first: Sequence[ByUser], second: Sequence[ByUser]) -> tuple[np.ndarray, np.ndarray]:
    """Return how far ``first`` is ahead of ``second`` on the one metric that both hold, by user, for the same seeds.

    Returns:
        The differences of :func:`pooled`, for an interval, and those whose signs a test may flip. Where both were asked
        the same of everybody, exchanging the models for a user exchanges the user's totals and leaves the counts: a
        user for whom they are equal has none of the latter, and the test is exact. Both have the same mean.
    """
    one, other = (pooled(seeds).iloc[:, 0] for seeds in (first, second))
    spread = (one - other).dropna().to_numpy()
    _, _, tables = _tables([*first, *second])
    mine, theirs = tables[: len(first)], tables[len(first) :]
    if not all(np.array_equal(a[1], b[1]) for a, b in zip(mine, theirs, strict=True)):
        return spread, spread
    asked = np.any([counts[:, 0] > 0 for _, counts in mine], axis=0)
    parts = [(a[0] - b[0])[:, 0] / a[1].sum() for a, b in zip(mine, theirs, strict=True) if a[1].sum()]
    return spread, np.mean(parts, axis=0)[asked] * asked.sum()


def _tables(seeds: Sequence[ByUser]) -> tuple[pd.Index, list[str], list[tuple[np.ndarray, np.ndarray]]]:
    """Return all users, all metrics, and the totals and counts of each seed for them."""
    everyone = pd.Index(np.unique(np.concatenate([seed.totals.index.to_numpy(str) for seed in seeds])))
    columns = list(dict.fromkeys(name for seed in seeds for name in seed.totals.columns))
    found = [(_table(seed.totals, everyone, columns), _table(seed.counts, everyone, columns)) for seed in seeds]
    return everyone, columns, found


def _table(part: pd.DataFrame, everyone: pd.Index, columns: Sequence[str]) -> np.ndarray:
    return np.nan_to_num(part.reindex(index=everyone, columns=list(columns)).to_numpy(dtype=float))


def _linearised(totals: np.ndarray, counts: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Return mean + (total - count * mean) * users / counts, so ordered that equal counts leave values as they are."""
    size = np.maximum(counts.sum(axis=0), 1)
    mean, scale = totals.sum(axis=0) / size, users / size
    return np.asarray(totals * scale + mean * (1 - counts * scale))
