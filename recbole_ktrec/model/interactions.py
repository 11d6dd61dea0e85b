"""What users did, as the models read it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from logging import getLogger
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recbole_ktrec.compat.exact_times import order_in_time
from recbole_ktrec.compat.ids import digest
from recbole_ktrec.errors import ConfigError, DataError, counted
from recbole_ktrec.nn.recency import decayed, in_order, one_clock, places_from_the_end


def positive(dataset: Any) -> np.ndarray:
    """Return which interactions count as taken: bool ``[n]``.

    Where they have labels (by ``threshold``, or a column ``LABEL_FIELD`` of the file that is loaded) those above 0 do.

    Raises:
        DataError: labels are tokens.
    """
    feat, label = dataset.inter_feat, dataset.label_field
    if label not in feat.columns:
        return np.ones(len(feat), dtype=bool)
    if label in getattr(dataset, "field2id_token", {}):
        raise DataError(
            f"Data set [{dataset.dataset_name}]: the labels [{label}] are tokens, which RecBole numbers. Write "
            f"[{label}:float] in the header of the file, name another LABEL_FIELD, or leave the column out of load_col."
        )
    return np.asarray(feat[label]) > 0


def binary_interactions(dataset: Any) -> sp.csr_matrix:
    """Return who took what in ``dataset``: 1 however often, float32 ``[n_users, n_items]``.

    Raises:
        DataError: there are interactions, and ``threshold`` or the labels of the file call none of them taken.
    """
    kept = positive(dataset)
    if kept.all():
        return (dataset.inter_matrix(form="csr") > 0).astype(np.float32).tocsr()
    if not kept.any():
        raise DataError(_none_taken(dataset, len(kept)))
    return _matrix(dataset, kept)


def _none_taken(dataset: Any, count: int) -> str:
    if dataset.config["threshold"]:
        given = dict(dataset.config["threshold"])
        return f"threshold {given} leaves none of the {count} training interactions: give a lower one."
    label = dataset.label_field
    return (
        f"Data set [{dataset.dataset_name}]: column [{label}] calls none of the {count} training interactions taken "
        f"(above 0). If it is no label, name another LABEL_FIELD or leave the column out of load_col."
    )


def _matrix(dataset: Any, kept: np.ndarray) -> sp.csr_matrix:
    pairs = tuple(np.asarray(dataset.inter_feat[name])[kept] for name in (dataset.uid_field, dataset.iid_field))
    counts = sp.csr_matrix((np.ones(int(kept.sum())), pairs), (dataset.user_num, dataset.item_num))
    return sp.csr_matrix(counts > 0, dtype=np.float32)


def _longer(matrix: sp.csr_matrix | None, rows: int) -> sp.csr_matrix | None:
    """Return ``matrix`` with so many ``rows`` of zeros below it."""
    if matrix is None:
        return None
    return sp.vstack([matrix, sp.csr_matrix((rows, matrix.shape[1]), dtype=np.float32)], "csr")


@dataclass
class TrainingInteractions:
    """The interactions of a data set with their order.

    Attributes:
        matrix: binary float32 ``[n_users, n_items]``.
        places: from the end of each history (see :func:`recbole_ktrec.nn.recency.places_from_the_end`), or None where
            ``TIME_FIELD`` is not loaded.
        in_time: the item of each interaction of anybody, the oldest first, ``[n]``, or None where times are not those
            of one clock.
        until: time of the last of them, in the units of ``TIME_FIELD``, or None likewise.
        items: SHA-256 of the ids of the items in the order of their numbers; empty where they are not known.
        users: ids of those whom it was read with, in the order of their numbers there; None where they are not known.
        numbers: for each user the number in the training, 0 for new ones; None where all are the same.
        refused: interactions that ``threshold`` or a label does not call taken, as ``matrix``; None without one.
        base: those without the users of :meth:`joined`, None for these themselves: what is taken in general is theirs.
        new: who took which of the items that have no number, ``[n_users, c]``, or None.
        beside: what these say of users, as weights of items that have one: float32 like ``matrix``, or None.
    """

    matrix: sp.csr_matrix
    places: sp.csr_matrix | None
    in_time: np.ndarray | None = None
    until: float | None = None
    items: str = ""
    users: np.ndarray | None = field(default=None, repr=False)
    numbers: np.ndarray | None = field(default=None, repr=False)
    refused: sp.csr_matrix | None = field(default=None, repr=False)
    base: TrainingInteractions | None = field(default=None, repr=False)
    new: sp.csr_matrix | None = field(default=None, repr=False)
    beside: sp.csr_matrix | None = field(default=None, repr=False)
    _weighted: dict[float, sp.csr_matrix] = field(default_factory=dict, init=False, repr=False)
    _averages: dict[float, sp.csr_matrix] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, dataset: Any) -> TrainingInteractions:
        """Read the data set of a model."""
        matrix, time, kept = binary_interactions(dataset), dataset.time_field, positive(dataset)
        refused = None if kept.all() else _matrix(dataset, ~kept)
        if refused is not None:
            refusals, label = int((~kept).sum()), dataset.label_field
            getLogger().info(f"Not taken, for [{label}] is 0: {refusals:,} of {counted(len(kept), 'interaction')}")
        tokens = dataset.field2id_token
        ids, people = digest(tokens[dataset.iid_field]), np.asarray(tokens[dataset.uid_field])
        if time is None or time not in dataset.inter_feat.columns:
            return cls(matrix, None, items=ids, users=people, refused=refused)
        users, items, times = (
            np.asarray(dataset.inter_feat[name])[kept] for name in (dataset.uid_field, dataset.iid_field, time)
        )
        order, clock = order_in_time(dataset.inter_feat, time)[kept], one_clock(users, times)
        places = places_from_the_end(users, items, order, matrix.shape)
        in_time = items[np.argsort(order, kind="stable")] if clock else None
        until = float(times.max()) if clock else None
        return cls(matrix, places, in_time, until, ids, people, refused=refused)

    def again(
        self, dataset: Any, decay: float, recent: float, numbers: np.ndarray | None, read: TrainingInteractions | None
    ) -> TrainingInteractions:
        """Read other interactions with the items of these, the training's; users may be others, in any order.

        Args:
            decay: by which the model weighs histories.
            recent: share of the interactions that stands for users without a history, see :meth:`average`.
            numbers: of the items of ``dataset`` in the training, ``[its items]``, where they may have others; what has
                none, 0, is left out.
            read: those of ``dataset``, if they are read already.

        Raises:
            DataError: ``dataset`` numbers its items in another way, or lacks the times that one of these needs.
        """
        found = read or TrainingInteractions.of(dataset)
        if numbers is not None:
            found = found._renumbered(numbers, self)
        elif self.items and found.items != self.items:
            raise DataError(
                f"Data set [{dataset.dataset_name}]: the ids of [{dataset.iid_field}] are not those that the model was "
                "trained with. RecBole numbers items as they are first taken, so new rows belong at the end of the "
                ".inter file, without items that nobody took in training (load_col: {item: [...]} or not). Leave those "
                "rows, and items that the .item file has gained, out, or train again."
            )
        found._check_times(dataset, decay, recent)
        if self.users is None or found.users is None or np.array_equal(self.users, found.users):
            return found
        return replace(found, numbers=np.maximum(pd.Index(self.users).get_indexer(pd.Index(found.users)), 0))

    def _check_times(self, dataset: Any, decay: float, recent: float) -> None:
        """Refuse interactions of ``dataset`` without the times that a model needs, see :meth:`again`."""
        if decay and self.places is None:
            raise DataError(
                f"Data set [{dataset.dataset_name}]: the model counts recent interactions for more (history_decay "
                f"[{decay:g}]), and these have no times: name their column with TIME_FIELD and load it (load_col)."
            )
        if recent < 1 and self.in_time is None:
            raise DataError(
                f"Data set [{dataset.dataset_name}]: for the model users without a history stand as the latest "
                f"{recent:.0%} of what is taken, and these have no times of one clock: name their column with "
                "TIME_FIELD and load it (load_col)."
            )

    def _renumbered(self, numbers: np.ndarray, training: TrainingInteractions) -> TrainingInteractions:
        """Return these with the items that ``training`` has, ``numbers`` being theirs there, 0 for none."""
        if self.places is None:
            users, items = np.repeat(np.arange(self.matrix.shape[0]), np.diff(self.matrix.indptr)), self.matrix.indices
        else:
            users, items = in_order(self.places)
        kept, shape = numbers[items] > 0, (self.matrix.shape[0], training.matrix.shape[1])
        places = places_from_the_end(users[kept], numbers[items[kept]], np.arange(int(kept.sum())), shape)
        in_time = None if self.in_time is None else numbers[self.in_time]
        return replace(
            self, matrix=sp.csr_matrix(places > 0, dtype=np.float32), places=None if self.places is None else places,
            in_time=None if in_time is None else in_time[in_time > 0], items=training.items, refused=None,
        )  # fmt: skip

    def heard(self, new: sp.csr_matrix, beside: sp.csr_matrix | None) -> TrainingInteractions:
        """Return these and what users took of items without a number, see the class."""
        return replace(self, new=new, beside=beside)

    def some(self, users: np.ndarray) -> TrainingInteractions:
        """Return those of ``users`` ``[m]`` alone, who are numbered from 0 on; what is taken in general stays."""
        places, new, beside = (None if part is None else part[users] for part in (self.places, self.new, self.beside))
        return replace(
            self, matrix=self.matrix[users], places=places, numbers=self.trained(users), refused=None, new=new,
            beside=beside, base=self.base or self,
        )  # fmt: skip

    def joined(self, histories: Sequence[np.ndarray]) -> TrainingInteractions:
        """Return these and more users, who come last: ids of the items of each, ``[k]``, the oldest first.

        Where no times are loaded the order says nothing. What is taken in general stays as it is.
        """
        lengths, n_items = [len(items) for items in histories], self.matrix.shape[1]
        if not histories:
            return self
        row, items = np.repeat(np.arange(len(histories)), lengths), np.concatenate(histories)
        places = places_from_the_end(row, items, np.arange(len(row)), (len(histories), n_items))
        matrix = sp.vstack([self.matrix, places > 0], "csr", np.float32)
        numbers = np.arange(len(self.matrix.indptr) - 1) if self.numbers is None else self.numbers
        return replace(
            self, matrix=matrix, numbers=np.append(numbers, np.zeros(len(histories), dtype=np.int64)),
            places=None if self.places is None else sp.vstack([self.places, places], "csr"), base=self.base or self,
            new=_longer(self.new, len(histories)), beside=_longer(self.beside, len(histories)),
        )  # fmt: skip

    def trained(self, users: np.ndarray) -> np.ndarray:
        """Return the numbers that ``users`` ``[m]`` had in the training, 0 for those who were not there."""
        return users if self.numbers is None else self.numbers[users]

    def check_decay(self, decay: float | None) -> float | None:
        """Return ``decay``, the ``history_decay`` that is asked for, None for auto.

        Raises:
            ConfigError: it needs an order where none is known.
        """
        if decay and self.places is None:
            raise ConfigError(
                f"history_decay [{decay:g}] needs the order of the interactions: name its column with TIME_FIELD "
                "and load it (load_col), or leave history_decay at auto."
            )
        return decay

    def __deepcopy__(self, memo: dict[int, object]) -> TrainingInteractions:
        return self  # copies of a model share them

    @functools.cached_property
    def known(self) -> np.ndarray:
        """Which items anybody took: bool ``[n_items]``."""
        if self.base is not None:
            return self.base.known
        return np.bincount(self.matrix.indices, minlength=self.matrix.shape[1]) > 0

    def weighted(self, decay: float) -> sp.csr_matrix:
        """Return the histories as they count: float32 ``[n_users, n_items]``."""
        plain = not decay or self.places is None
        if plain and self.beside is None:
            return self.matrix
        if (found := self._weighted.get(decay)) is None:
            own = self.matrix if plain else decayed(self.places, decay)
            found = own if self.beside is None else sp.csr_matrix(own + self.beside)
            self._weighted = {decay: found}  # one is in use at a time; another thread may have put another
        return found

    def average(self, recent: float = 1.0) -> sp.csr_matrix:
        """Return the history of a user of whom nothing is known: the mean over users, float32 ``[1, n_items]``.

        Args:
            recent: share of the interactions that it is made of, the latest ones; all where no clock is known.
        """
        if self.base is not None:
            return self.base.average(recent)
        if recent not in self._averages:
            self._averages[recent] = self._average(recent)
        return self._averages[recent]

    def _average(self, recent: float) -> sp.csr_matrix:
        n_items = self.matrix.shape[1]
        latest = self.matrix.indices
        if self.in_time is not None:
            latest = self.in_time[len(self.in_time) - int(np.ceil(recent * len(self.in_time))) :]
        counts = np.bincount(latest, minlength=n_items) / max(len(latest), 1)
        length = self.matrix.nnz / max(int((np.diff(self.matrix.indptr) > 0).sum()), 1)
        return sp.csr_matrix((length * counts[None]).astype(np.float32))

    def unknown(self, users: np.ndarray) -> np.ndarray:
        """Return which of ``users`` ``[m]`` nothing speaks for: bool ``[m]``."""
        parts = [part.indptr for part in (self.matrix, self.beside) if part is not None]
        return np.all([starts[users + 1] == starts[users] for starts in parts], axis=0)
