"""One scorer from two: the weight of the second is the one that ranks held-out interactions best."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from recbole_ktrec.nn.matrices import row_blocks
from recbole_ktrec.nn.ranking import gained, ideal

#: Shares of the second scorer that are tried; 0 leaves it out, 1 leaves the first one out.
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
#: Users whose scores are mixed and ranked at a time: they stay in the cache of a core.
ROWS = 64
#: Score of what is no candidate: as good as -inf, below all others whatever is added, but 0 times it is 0.
NEVER = -1e30
#: Standard deviation of scores that are all the same.
_NOTHING = 1e-12
#: Users -> what is no candidate of theirs, and what they took, bool ``[m, n_items]`` each.
HeldOutRows = Callable[[slice], tuple[Tensor, Tensor]]


def blend_weights(first: Tensor, second: Tensor, asked: HeldOutRows) -> tuple[float, float, float]:
    """Return (a, b, share) so that ``a * first + b * second`` has the best NDCG@10 on held-out interactions.

    Both are brought to a standard deviation of 1 over the candidates before they are mixed, so that a share means the
    same on every data set; (a, b) contain that scale, ``share`` is the part of ``second`` without it. Beside the scores
    it holds those of some users only.

    Args:
        first, second: scores ``[m, n_items]``.
        asked: gives the held-out interactions of some of the rows; each row has one.
    """
    one, other = scales(first, second, asked)
    tried = [((1 - share) * one, share * other) for share in SHARES]
    quality = torch.zeros(len(tried), dtype=torch.float64)
    for rows in row_blocks(len(first), ROWS):
        masked, positive = asked(rows)
        left, right = (scores[rows].masked_fill(masked, NEVER) for scores in (first, second))
        best = ideal(positive)
        for place, (a, b) in enumerate(tried):
            mixed = torch.add(left, right, alpha=b / a) if a else right  # ranks know no scale
            quality[place] += (gained(mixed, positive) / best).double().sum()
    best_place = int(quality.argmax())  # of equals the first
    return (*tried[best_place], SHARES[best_place])


def among(asked: HeldOutRows, items: Tensor) -> HeldOutRows:
    """Return ``asked`` with ``items`` alone, bool ``[n_items]``, as candidates and wanted."""

    def of_items(rows: slice) -> tuple[Tensor, Tensor]:
        masked, positive = asked(rows)
        return masked | ~items, positive & items

    return of_items


def scales(first: Tensor, second: Tensor, asked: HeldOutRows) -> tuple[float, float]:
    """Return what brings either to a standard deviation of 1 over the candidates, see :func:`blend_weights`."""
    one, other = (1 / max(spread, _NOTHING) for spread in spreads(first, second, asked))
    return one, other


def spreads(first: Tensor, second: Tensor, asked: HeldOutRows) -> tuple[float, float]:
    """Return the standard deviations of both over the candidates, see :func:`blend_weights`."""
    found = torch.zeros(2, 3, dtype=torch.float64)  # count, sum, sum of squares
    for rows in row_blocks(len(first), ROWS):
        masked, _ = asked(rows)
        for scores, sums in zip((first, second), found, strict=True):
            sums += _moments(scores[rows], masked)
    one, other = map(_deviation, found)
    return one, other


def same_part(known: tuple[float, float], new: tuple[float, float]) -> float:
    """Return what to multiply the second scorer's scores of new items by, so that it has the part in their sum with
    the first one's that it has in the sum of known items; 1 where either says nothing of them.

    Args:
        known, new: standard deviations of both scorers, over known and over new items.
    """
    return known[1] / known[0] * new[0] / new[1] if min(*known, *new) > _NOTHING else 1.0


def _moments(scores: Tensor, masked: Tensor) -> Tensor:
    kept = scores.masked_fill(masked, 0.0).double()
    count = masked.numel() - torch.count_nonzero(masked)
    return torch.stack([count.double(), kept.sum(), kept.square_().sum()])


def _deviation(sums: Tensor) -> float:
    count, total, squares = sums.tolist()
    return math.sqrt(max(squares - total**2 / max(count, 1), 0.0) / max(count - 1, 1))
