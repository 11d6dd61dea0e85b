"""Look over the shoulder of RecBole's evaluation: from the same scores, what each user got, by group, in one pass."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

#: The group of all items, ranked with equal scores in a random order.
AT_RANDOM = "equals at random"


class PairScores:
    """Scores of asked user-item pairs, picked out of full-sort batches.

    Args:
        users, items: ids of the pairs, shape (n,) each.
    """

    def __init__(self, users: np.ndarray, items: np.ndarray) -> None:
        self.order = np.argsort(users, kind="stable")
        self.users, self.items = users[self.order], items[self.order]
        self.scores = np.full(len(users), np.nan)

    def take(self, user: np.ndarray, scores: torch.Tensor) -> None:
        """Pick from a batch: ``user`` (rows,), ``scores`` (rows, n_items)."""
        start, stop = np.searchsorted(self.users, user, "left"), np.searchsorted(self.users, user, "right")
        row = np.repeat(np.arange(len(user)), stop - start)
        if len(row):
            place = np.concatenate([np.arange(a, b) for a, b in zip(start, stop, strict=True)])
            self.scores[self.order[place]] = scores[row, self.items[place]].double().cpu().numpy()


def score_range(scores: torch.Tensor, before: torch.Tensor | None = None) -> torch.Tensor:
    """Smallest and largest finite score of each item over the rows, and over those ``before``, if there were any.

    Args:
        scores: (rows, n_items).
        before: what this function returned of them, (2, n_items).
    """
    masked = ~torch.isfinite(scores)
    low, high = scores.masked_fill(masked, torch.inf).amin(dim=0), scores.masked_fill(masked, -torch.inf).amax(dim=0)
    if before is not None:
        low, high = torch.minimum(before[0], low), torch.maximum(before[1], high)
    return torch.stack([low, high])


class Recorder:
    """Collects, batch by batch, the top lists and hits of every row (a user, or an interaction of sequential models).

    Args:
        k: longest list.
        groups: name -> mask over items (n_items,); empty where only pairs are wanted.
        inside: groups that are also ranked among their own items only.
        pairs: pairs whose scores are wanted, or None.
        equals: whether what :data:`AT_RANDOM` says is wanted.
    """

    def __init__(
        self,
        k: int,
        groups: Mapping[str, np.ndarray],
        inside: Sequence[str] = (),
        pairs: PairScores | None = None,
        equals: bool = False,
    ) -> None:
        self.k, self.pairs, self.equals = k, pairs, equals
        self.masks = {name: torch.from_numpy(mask) for name, mask in groups.items()}
        self.inside = {name: torch.from_numpy(np.flatnonzero(groups[name])) for name in inside if name in groups}
        self.users: list[np.ndarray] = []
        self.items: list[torch.Tensor] = []
        self.hits: dict[str, list[torch.Tensor]] = {}
        self.range: torch.Tensor | None = None
        self.shuffle, self.shuffle_all = (torch.Generator().manual_seed(k) for _ in range(2))

    def collect(
        self, scores: torch.Tensor, user: np.ndarray, positive_u: torch.Tensor, positive_i: torch.Tensor
    ) -> None:
        """Take one batch: ``scores`` (rows, n_items), ``user`` ids (rows,), positions of the positives (n,) each."""
        self.users.append(user)
        if self.pairs is not None:
            self.pairs.take(user, scores)
        best = torch.topk(scores, self.k, dim=-1)  # where RecBole ranks: each device has an order of equals of its own
        scores, top = scores.cpu(), best.indices.cpu()
        positive = torch.zeros(scores.shape, dtype=torch.bool)
        positive[positive_u.cpu(), positive_i.cpu()] = True
        self.items.append(top.masked_fill(best.values.cpu() == -torch.inf, -1))  # a list shorter than k
        self.range = score_range(scores, self.range)
        hit = positive.gather(1, top)
        self._keep("all", hit, positive)
        for name, mask in self.masks.items():
            self._keep(name, hit & mask[top], positive & mask)
        for name, members in self.inside.items():
            own = positive[:, members]
            untied = _untied(scores[:, members], self.shuffle)
            inner = torch.topk(untied, min(self.k, len(members)), dim=-1).indices
            self._keep(f"{name} only", own.gather(1, inner), own)
        if self.equals:
            self._keep(AT_RANDOM, positive.gather(1, self._at_random(scores, top)), positive)

    def _at_random(self, scores: torch.Tensor, top: torch.Tensor) -> torch.Tensor:
        """Return ``top`` (rows, k), the best items, drawn anew where equal scores decided which they are, or how."""
        best = scores.gather(1, top)
        last, pairs = best[:, -1:], best[:, 1:] == best[:, :-1]
        tied = pairs.any(dim=1) | ((scores == last).sum(dim=1) > (best == last).sum(dim=1))
        top = top.clone()
        if tied.any():
            top[tied] = torch.topk(_untied(scores[tied], self.shuffle_all), self.k, dim=-1).indices
        return top

    def _keep(self, name: str, hit: torch.Tensor, positive: torch.Tensor) -> None:
        padded = torch.zeros((len(hit), self.k + 1), dtype=torch.int32)
        padded[:, : hit.shape[1]] = hit
        padded[:, -1] = positive.sum(dim=1)
        self.hits.setdefault(name, []).append(padded)

    def values(self, config: Any) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        """Yield each group, ``all`` first, and what :func:`values_by_row` says of it: one at a time is in memory."""
        for name, hits in self.hits.items():
            yield name, values_by_row(config, torch.cat(hits).numpy())

    @contextlib.contextmanager
    def attached(self, collector: Any, user_field: str) -> Iterator[Recorder]:
        """Record what RecBole's ``collector`` is given while the block runs."""
        original = collector.eval_batch_collect

        def eval_batch_collect(scores: torch.Tensor, interaction: Any, positive_u: Any, positive_i: Any) -> None:
            original(scores, interaction, positive_u, positive_i)
            self.collect(scores, interaction[user_field].cpu().numpy(), positive_u, positive_i)

        collector.eval_batch_collect = eval_batch_collect
        try:
            yield self
        finally:
            del collector.eval_batch_collect


def _untied(scores: torch.Tensor, shuffle: torch.Generator) -> torch.Tensor:
    """Break ties at random, without changing the order of different float32 numbers; what is masked stays so.

    RecBole numbers items as they appear, popular ones first, and torch takes a low number of equals: all cold items of
    an ID model have one score, and would be ranked by popularity as if the model knew it; so has everything for a user
    of whom such a model knows nothing.
    """
    scores = scores.double()
    noise = torch.rand(scores.shape, generator=shuffle, dtype=torch.float64)
    untied = scores + noise * (scores.abs() * 2.0**-30 + 1e-60)
    return torch.where(torch.isfinite(scores), untied, scores)  # -inf + inf is NaN, which torch ranks first


def ranking_values(config: Any, hits: np.ndarray) -> dict[str, np.ndarray]:
    """Return each ranking metric of ``config`` for every row, from RecBole's own metric classes, not rounded.

    Args:
        config: RecBole's configuration, for ``metrics`` and ``topk``.
        hits: hits at each position and, last, the number of positives (1 or more), shape (n_rows, k + 1).

    Returns:
        ``recall@10`` -> values (n_rows,), and so on; metrics over whole sets of lists are left out.
    """
    from recbole.evaluator.base_metric import TopkMetric
    from recbole.evaluator.register import metrics_dict

    at, total = hits[:, :-1].astype(bool), hits[:, -1].astype(np.int64)
    values: dict[str, np.ndarray] = {}
    for name in (str(metric).lower() for metric in config["metrics"]):
        metric = metrics_dict[name](config)
        if isinstance(metric, TopkMetric):
            wants = len(inspect.signature(metric.metric_info).parameters)
            table = metric.metric_info(at, total) if wants > 1 else metric.metric_info(at)
            values |= {f"{name}@{k}": np.asarray(table[:, k - 1], dtype=np.float64) for k in config["topk"]}
    return values


def values_by_row(config: Any, hits: np.ndarray) -> dict[str, np.ndarray]:
    """Return what :func:`ranking_values` does, NaN for rows without a positive; nothing where no row has one."""
    asked = hits[:, -1] > 0
    if not asked.any():
        return {}
    return {name: _spread(value, asked) for name, value in ranking_values(config, hits[asked]).items()}


def named(group: str, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values of a group as they are stored: ``group/metric`` -> float32 (n_rows,)."""
    return {f"{group}/{metric}": value.astype(np.float32) for metric, value in values.items()}


def means(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the mean of each metric over the rows that have one."""
    return {name: float(np.nanmean(value)) for name, value in values.items()}


def group_result(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what a result says of a group: how many rows have a value, and the mean of each metric over them."""
    rows = next(iter(values.values()), np.zeros(0))
    return {"rows": int((~np.isnan(rows)).sum()), "metrics": means(values)}


def _spread(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    full = np.full(len(where), np.nan)
    full[where] = values
    return full
