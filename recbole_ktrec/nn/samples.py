"""Held-out interactions of some users, and how well scores rank them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.closed_form import Inverse, ScoreParts, parts, pull_diagonal
from recbole_ktrec.nn.matrices import Score, row_blocks
from recbole_ktrec.nn.ranking import ndcg_by_user
from recbole_ktrec.nn.recency import decayed

#: Fewer held-out interactions, or users with one, than this choose nothing.
FEWEST = 20
#: Candidates of a held-out user where nothing else is said, see :class:`Sample`.
_CANDIDATES = 20_000
#: Users whose scores are made at a time: those of all items are dense.
_USERS = 256
#: Users whose scores are ranked at a time: they stay in the cache of a core, three times as fast as all at once.
_CACHED = 32


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
    excluded = known if left_out is None else known | torch.from_numpy(left_out)
    asked = wanted.view(torch.uint8).amax(dim=1) > 0  # as any, which takes six times as long
    if not asked.all():  # copies that are seldom needed
        scores, excluded, wanted = scores[asked.numpy()], excluded[asked], wanted[asked]
    given, found, none = torch.from_numpy(scores), np.empty(len(scores), dtype=np.float32), torch.tensor(-torch.inf)
    for some in row_blocks(len(scores), _CACHED):
        candidates = torch.where(excluded[some], none, given[some])  # as masked_fill, which takes twice as long
        found[some] = ndcg_by_user(candidates, wanted[some]).numpy()
    return found


def masked_ndcg(
    scores: np.ndarray, known: torch.Tensor, wanted: torch.Tensor, left_out: np.ndarray | None = None
) -> float:
    """Return the mean of :func:`masked_ndcg_by_user`, 0 if nobody wants anything."""
    values = masked_ndcg_by_user(scores, known, wanted, left_out)
    return float(values.mean()) if len(values) else 0.0


@dataclass
class Sample:
    """Held-out interactions of some users.

    Attributes:
        rows: what the users took in training, ``[m, n_items]``.
        positives: what they took later, ``[m, n_items]``, at least one each.
        excluded: items that are no candidates of anybody, bool ``[n_items]``; by default none but the padding item.
        most: candidates: all items up to this many, else so many random ones and what is asked for.
        places: of the interactions of ``rows`` from the end of each history, see :mod:`recbole_ktrec.nn.recency`, or
            None where no order is known.
        again: whether all that was taken stays a candidate; else it is one only where it was taken again.
        refused: what the users rated too low to count as taken, ``[m, n_items]``, no candidates either; None: nothing.
    """

    rows: sp.csr_matrix
    positives: sp.csr_matrix
    excluded: np.ndarray | None = None
    most: int = _CANDIDATES
    places: sp.csr_matrix | None = None
    again: bool = False
    refused: sp.csr_matrix | None = None

    def __post_init__(self) -> None:
        n = self.rows.shape[1]
        if n > self.most:
            drawn = np.random.default_rng(0).choice(n, self.most, replace=False)
            self.candidates = np.union1d(drawn, self.positives.indices)
        else:
            self.candidates = np.arange(n)
        self.wanted = torch.from_numpy(self.positives[:, self.candidates].toarray() > 0)
        self.known = torch.zeros_like(self.wanted)
        if not self.again:  # RecBole ranks what a user takes again, too
            for seen in (self.rows, self.refused):
                if seen is not None:
                    self.known |= torch.from_numpy(seen[:, self.candidates].toarray() > 0) & ~self.wanted
        self.known |= torch.from_numpy(self.candidates == 0)  # the padding item
        if self.excluded is not None:
            self.known |= torch.from_numpy(self.excluded[self.candidates])

    def some(self, users: int, most: int = _CANDIDATES) -> Sample:
        """Return a sample of at most so many ``users``, evenly spread, with at most ``most`` candidates."""
        step = -(-self.rows.shape[0] // users)
        if step <= 1 and most == self.most:
            return self
        return self._part(slice(None, None, step), self.positives[::step], self.excluded, most)

    def of_items(self, items: np.ndarray) -> Sample | None:
        """Return the sample with ``items`` (bool ``[n_items]``) as the only candidates; None if nobody took one."""
        positives = sp.csr_matrix(self.positives @ sp.diags(items.astype(np.float32)))
        positives.eliminate_zeros()
        asked = np.diff(positives.indptr) > 0
        return self._part(asked, positives[asked], ~items) if asked.any() else None

    def enough_of(self, items: np.ndarray) -> Sample | None:
        """Return what :meth:`of_items` does; None, too, where there are fewer than ``FEWEST``: chance would choose."""
        found = self.of_items(items)
        return None if found is None or int(found.wanted.sum()) < FEWEST else found

    def with_history(self) -> Sample | None:
        """Return the sample of the users who have a history; None if nobody has."""
        asked = np.diff(self.rows.indptr) > 0
        if asked.all():
            return self
        return self._part(asked, self.positives[asked], self.excluded, self.most) if asked.any() else None

    def without_history(self) -> Sample | None:
        """Return the sample of the users who have none; None if all have one."""
        asked = np.diff(self.rows.indptr) == 0
        return self._part(asked, self.positives[asked], self.excluded) if asked.any() else None

    def decayed(self, decay: float) -> Sample:
        """Return the sample with its histories weighted, see :mod:`recbole_ktrec.nn.recency`."""
        return replace(self, rows=decayed(self.places, decay)) if self.places is not None and decay else self

    def reading(self, rows: sp.csr_matrix) -> Sample:
        """Return the sample with scores made from other histories ``[m, n_items]``; candidates stay as they are."""
        other = copy.copy(self)  # without __post_init__, which would tell them from these rows
        other.rows = rows
        return other

    def _part(self, users: slice | np.ndarray, positives: sp.csr_matrix, excluded: np.ndarray | None,
              most: int = _CANDIDATES) -> Sample:  # fmt: skip
        places = None if self.places is None else self.places[users]
        refused = None if self.refused is None else self.refused[users]
        return Sample(self.rows[users], positives, excluded, most, places, self.again, refused)

    def ndcg(self, scores: np.ndarray) -> float:
        """Return the mean NDCG@10 of ``scores`` ``[m, candidates]``."""
        return masked_ndcg(scores, self.known, self.wanted)

    def ndcg_by_user(self, scores: np.ndarray) -> np.ndarray:
        """Return NDCG@10 of each user that wants anything, from ``scores`` ``[m, candidates]``."""
        return masked_ndcg_by_user(scores, self.known, self.wanted)

    def ndcg_with(self, score: Score) -> np.ndarray:
        """Return NDCG@10 by user, ``score`` making scores ``[m, n_items]`` of histories of that shape."""
        return self.ndcg_by_user(self.gather(lambda rows: (score(rows),))[0])

    def gather(self, function: Callable[[sp.csr_matrix], tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        """Return the candidates' columns of what ``function`` makes of the histories, some users at a time.

        Args:
            function: rows ``[m, n_items]`` -> arrays of that shape.
        """
        return self._stacked(lambda some: tuple(part[:, self.candidates] for part in function(some)))

    def parts(self, inverse: Inverse, prior: sp.csc_matrix) -> ScoreParts:
        """Return the scores of the candidates; ``prior`` is ``D K``, ``[n_items, n_items]``."""
        pulled, columns = pull_diagonal(inverse, prior)[self.candidates], prior[:, self.candidates]

        def both(some: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
            made = parts(inverse, columns, pulled, some, self.candidates)
            return made.base, made.pull

        return ScoreParts(*self._stacked(both))

    def _stacked(self, function: Callable[[sp.csr_matrix], tuple[np.ndarray, ...]]) -> list[np.ndarray]:
        made = [function(self.rows[some]) for some in row_blocks(self.rows.shape[0], _USERS)]
        return [np.concatenate(blocks) for blocks in zip(*made, strict=True)]
