"""Models beside each other, user by user: what is compared, and what the differences say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_ktrec.evaluation.grid import Grid
from recbole_ktrec.evaluation.pooling import ByUser, beside, differences, of_rows, pooled
from recbole_ktrec.evaluation.significance import Comparison, compare, holm

#: Differences with a corrected p-value from here on are not told from chance.
ALPHA = 0.05
#: Groups whose validation metric is compared too, where both models have them.
COMPARED_GROUPS = ("warm", "cold", "cold only", "warm users", "cold users")
#: Model -> seed -> what it is by user.
Users = Mapping[str, Mapping[int, ByUser]]


def is_compared(grid: Grid, name: str) -> bool:
    """Return whether models are compared on the metric of that name, see ``flat_metrics``."""
    group, slash, metric = name.rpartition("/")
    if not slash:
        return name == "accuracy" or "@" in name
    return group in COMPARED_GROUPS and metric == grid.valid_metric.lower()


def by_user(path: Path, grid: Grid) -> ByUser:
    """What a job keeps of every user of the metrics that are compared, columns as ``flat_metrics`` names them."""
    with np.load(path) as arrays:
        names = {name.removeprefix("all/"): name for name in arrays.files if "/" in name}
        kept = {name: arrays[stored] for name, stored in names.items() if is_compared(grid, name)}
        rows = pd.DataFrame(kept, index=arrays["users"])
        mean = pd.DataFrame({"accuracy": arrays["answers/accuracy"].astype(float)}, index=arrays["answer_users"])
        pairs = pd.DataFrame({"accuracy": arrays["answers/pairs"]}, index=arrays["answer_users"])
    return beside(of_rows(rows), ByUser(mean.fillna(0.0) * pairs, pairs))


def sample(seeds: Mapping[int, ByUser], metric: str, wanted: Iterable[int]) -> pd.Series | None:
    """Values of ``metric`` by user over the ``wanted`` seeds; None where it is not measured by user."""
    chosen = [seeds[seed].only(metric) for seed in wanted if metric in seeds[seed].totals]
    found = pooled(chosen)[metric].dropna() if chosen else ()
    return found if len(found) else None


def against(users: Users, pairs: Sequence[tuple[str, str]], name: str) -> list[dict[str, Any] | None]:
    """Compare the two models of each pair on a metric, paired over users; Holm's correction over the pairs.

    Args:
        pairs: (model, the one that it is compared with).

    Returns:
        of each pair what ``comparison`` is in ``results.schema.json``, None where no seed and user has both.
    """
    found = [_paired(users[other], users[model], name) for model, other in pairs]
    kept = [one for one in found if one]
    corrected = iter(holm(np.array([one.p for one, _ in kept])))
    return [
        None if one is None else _told(*one, other, float(next(corrected)))
        for one, (_, other) in zip(found, pairs, strict=True)
    ]


def _told(one: Comparison, seeds: int, other: str, corrected: float) -> dict[str, Any]:
    return {
        "with": other, "difference": one.difference, "interval": [one.low, one.high], "p": one.p,
        "p_holm": corrected, "users": one.users, "seeds": seeds, "distinguishable": bool(corrected < ALPHA),
    }  # fmt: skip


def _paired(best: Mapping[int, ByUser], other: Mapping[int, ByUser], name: str) -> tuple[Comparison, int] | None:
    """Compare on the seeds that both have; None where there is none."""
    first, second = of_both(best, other, name)
    if not first:
        return None
    spread, flipped = differences(first, second)
    return (compare(spread, flipped), len(first)) if len(spread) else None


def of_both(one: Mapping[int, ByUser], other: Mapping[int, ByUser], name: str) -> tuple[list[ByUser], list[ByUser]]:
    """Return what either says of a metric, for the seeds with which both say something of it."""
    seeds = [seed for seed in one if seed in other and all(name in part[seed].totals for part in (one, other))]
    return [one[seed].only(name) for seed in seeds], [other[seed].only(name) for seed in seeds]


def variants(grid: Grid, users: Users, values: Mapping[str, Mapping[int, float]]) -> list[dict[str, Any]]:
    """Compare each row that is a variant with the row of its model, by the validation metric: what the settings that
    it differs by are worth.

    Args:
        values: model -> seed -> the validation metric.

    Returns:
        what ``variants`` is in ``results.schema.json``, without the data set.
    """
    rows = {entry.label: entry.model for entry in grid.entries if entry.label in values}
    pairs = [(label, model) for label, model in rows.items() if label != model and rows.get(model) == model]
    found = against(users, pairs, grid.valid_metric.lower())
    told = []
    for (label, model), one in zip(pairs, found, strict=True):
        if one:
            seeds = values[label].keys() & values[model].keys()
            means = [sum(values[row][seed] for seed in seeds) / len(seeds) for row in (label, model)]
            told.append({"model": label, "mean": means[0], "mean_with": means[1], "comparison": one})
    return told
