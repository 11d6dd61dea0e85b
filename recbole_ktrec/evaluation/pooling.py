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
    grouped = rows.astype(float).groupby(level=0)
    return ByUser(grouped.sum(), grouped.count())


def beside(one: ByUser, other: ByUser) -> ByUser:
    """Return the columns of both."""
    return ByUser(pd.concat([one.totals, other.totals], axis=1), pd.concat([one.counts, other.counts], axis=1))


def pooled(seeds: Sequence[ByUser]) -> pd.DataFrame:
    """Return one value for each user and metric, NaN where no seed asks the user.

    The mean of a column is the mean, over the seeds that have it, of sum of totals / sum of counts.
    """
    everyone = pd.Index(np.unique(np.concatenate([seed.totals.index.to_numpy(str) for seed in seeds])))
    columns = list(dict.fromkeys(name for seed in seeds for name in seed.totals.columns))
    tables = [[_table(part, everyone, columns) for part in (seed.totals, seed.counts)] for seed in seeds]
    asked = np.any([counts > 0 for _, counts in tables], axis=0)
    values, found = np.zeros(asked.shape), np.zeros(len(columns))
    for totals, counts in tables:
        has = counts.sum(axis=0) > 0
        values += np.where(has, _linearised(totals, counts, asked.sum(axis=0)), 0.0)
        found += has
    return pd.DataFrame(np.where(asked, values / np.maximum(found, 1), np.nan), everyone, columns)


def _table(part: pd.DataFrame, everyone: pd.Index, columns: Sequence[str]) -> np.ndarray:
    return part.reindex(index=everyone, columns=list(columns)).fillna(0.0).to_numpy(dtype=float)


def _linearised(totals: np.ndarray, counts: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Return mean + (total - count * mean) * users / counts, so ordered that equal counts leave values as they are."""
    size = np.maximum(counts.sum(axis=0), 1)
    mean, scale = totals.sum(axis=0) / size, users / size
    return np.asarray(totals * scale + mean * (1 - counts * scale))
