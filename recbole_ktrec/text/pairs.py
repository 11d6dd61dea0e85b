"""Texts that belong together: of items that one user took, or of two fields of one item.

What a language model is trained further on; see :mod:`recbole_ktrec.text.contrastive`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import DataError


@dataclass(frozen=True)
class TextDomain:
    """Items of one data set with their texts, and who took them.

    Attributes:
        name: for messages and the record of the training.
        texts: one an item, None where there is none.
        interactions: binary ``[n_users, n_items]``, column k for ``texts[k]``.
        field_pairs: two texts of one item, such as (title, description), where it has both; may be empty.
    """

    name: str
    texts: Sequence[str | None]
    interactions: sp.csr_matrix
    field_pairs: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class PairBatch:
    """Pairs of one domain.

    Attributes:
        first, second: the texts of each pair, ``[n]``.
        known: bool ``[n, n]``; true where ``second[j]`` is no negative for ``first[i]`` (nor ``first[i]`` for
            ``second[j]``): the user of either pair took the other item too, or two texts are the same. The diagonal,
            the pairs themselves, is true.
    """

    first: list[str]
    second: list[str]
    known: np.ndarray


@dataclass(frozen=True)
class HistoryBatch:
    """Texts of parts of some users' histories, all of one domain.

    Attributes:
        texts: different ones, ``[n]``.
        together: bool ``[n, n]``; true where one of these users took both. The diagonal is false.
    """

    texts: list[str]
    together: np.ndarray


class PairSampler:
    """Draws histories and pairs of one domain; the same generator gives the same pairs.

    Args:
        domain: where from.
        user_power: users are drawn in proportion to (their items with text) ** power: 1 lets heavy users dominate, 0
            gives each user the same weight.

    Raises:
        DataError: no user took two items with different texts, so that there is no pair.
    """

    def __init__(self, domain: TextDomain, user_power: float = 0.5) -> None:
        self.name, self._texts, self._field_pairs = domain.name, domain.texts, list(domain.field_pairs)
        self._group = _groups(domain.texts)
        self._taken = _taken_groups(domain.interactions, self._group)
        self._members = _text_of_group(domain.texts, self._group)
        counts = np.diff(self._taken.indptr)
        self._users = np.flatnonzero(counts >= 2)
        if not len(self._users):
            raise DataError(
                f"Data set [{domain.name}]: no user took two items with different texts, so there is no pair to train "
                "the language model on."
            )
        weights = counts[self._users].astype(np.float64) ** user_power
        self._cumulated = np.cumsum(weights / weights.sum())

    @property
    def has_field_pairs(self) -> bool:
        """Whether there are pairs of two fields of one item."""
        return len(self._field_pairs) > 1

    def histories(self, count: int, most: int, generator: np.random.Generator) -> HistoryBatch:
        """Return about ``count`` texts, up to ``most`` of a user: each text once, whoever took it.

        A batch of histories holds several times the pairs that as many texts make two by two.
        """
        users, chosen = list[int](), list[np.ndarray]()
        drawn = np.searchsorted(self._cumulated, generator.random(count), side="right")
        for user in dict.fromkeys(self._users[np.minimum(drawn, len(self._users) - 1)]):
            own = self._taken.indices[self._taken.indptr[user] : self._taken.indptr[user + 1]]
            users.append(user)
            chosen.append(generator.permutation(own)[:most])
            if sum(map(len, chosen)) >= count:
                break
        groups = np.unique(np.concatenate(chosen))
        took = _dense(self._taken[users], groups).astype(np.float32)
        together = (took.T @ took > 0) & ~np.eye(len(groups), dtype=bool)
        return HistoryBatch([self._members[k] for k in groups], together)

    def co_consumed(self, count: int, generator: np.random.Generator) -> PairBatch:
        """Return ``count`` pairs of items of one user each, in random order within the pair."""
        drawn = np.searchsorted(self._cumulated, generator.random(count), side="right")
        users = self._users[np.minimum(drawn, len(self._users) - 1)]
        starts, lengths = self._taken.indptr[users], np.diff(self._taken.indptr)[users]
        one = (generator.random(count) * lengths).astype(np.int64)
        other = (one + 1 + (generator.random(count) * (lengths - 1)).astype(np.int64)) % lengths
        left, right = self._taken.indices[starts + one], self._taken.indices[starts + other]
        # A user's own items, whichever end of another pair they stand at, say nothing about what does not fit.
        taken = self._taken[users]
        known = _dense(taken, right) | _dense(taken, left).T
        return PairBatch([self._members[k] for k in left], [self._members[k] for k in right], known)

    def fields(self, count: int, generator: np.random.Generator) -> PairBatch:
        """Return up to ``count`` pairs of two texts of one item each, every item once."""
        chosen = generator.permutation(len(self._field_pairs))[:count]
        first, second = ([self._field_pairs[k][side] for k in chosen] for side in (0, 1))
        distinct = {text: number for number, text in enumerate(dict.fromkeys([*first, *second]))}
        one, other = (np.array([distinct[text] for text in side]) for side in (first, second))
        # A text is no negative of itself, whichever side it stands on.
        sides = ((one, one), (other, other), (one, other), (other, one))
        return PairBatch(first, second, np.logical_or.reduce([a[:, None] == b[None, :] for a, b in sides]))


def _groups(texts: Sequence[str | None]) -> np.ndarray:
    """Number the distinct texts: int64 ``[n_items]``, -1 where there is none. Items of one text are one item here."""
    numbers: dict[str, int] = {}
    return np.array([-1 if text is None else numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)


def _text_of_group(texts: Sequence[str | None], group: np.ndarray) -> list[str]:
    firsts = {int(number): text for number, text in zip(group[::-1], texts[::-1], strict=True) if text is not None}
    return [firsts[number] for number in range(len(firsts))]


def _taken_groups(interactions: sp.csr_matrix, group: np.ndarray) -> sp.csr_matrix:
    """Return who took which text: bool ``[n_users, n_texts]`` without duplicates."""
    entries = interactions.tocoo()
    columns = group[entries.col]
    with_text = columns >= 0
    shape = (interactions.shape[0], int(group.max(initial=-1)) + 1)
    ones = np.ones(int(with_text.sum()), dtype=bool)
    taken = sp.csr_matrix((ones, (entries.row[with_text], columns[with_text])), shape=shape)
    taken.sum_duplicates()
    taken.sort_indices()
    return taken


def _dense(taken: sp.csr_matrix, columns: np.ndarray) -> np.ndarray:
    """Return whether each of the rows took each of ``columns``: bool ``[rows, columns]``."""
    return taken[:, columns].toarray().astype(bool)
