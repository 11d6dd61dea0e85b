"""What users did, as the models read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import ConfigError, number
from recbole_ktrec.nn.recency import decayed, places_from_the_end


def binary_interactions(dataset: Any) -> sp.csr_matrix:
    """Return who took what in ``dataset``: 1 however often, float32 ``[n_users, n_items]``."""
    return (dataset.inter_matrix(form="csr") > 0).astype(np.float32).tocsr()


@dataclass
class Taken:
    """The interactions of a data set with their order.

    Attributes:
        matrix: binary float32 ``[n_users, n_items]``.
        places: from the end of each history (see :func:`recbole_ktrec.nn.recency.places_from_the_end`), or None where
            ``TIME_FIELD`` is not loaded.
    """

    matrix: sp.csr_matrix
    places: sp.csr_matrix | None
    _weighted: dict[float, sp.csr_matrix] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, dataset: Any) -> Taken:
        """Read the data set of a model."""
        matrix, time = binary_interactions(dataset), dataset.time_field
        if time is None or time not in dataset.inter_feat.columns:
            return cls(matrix, None)
        users, items, times = (
            dataset.inter_feat[name].cpu().numpy() for name in (dataset.uid_field, dataset.iid_field, time)
        )
        return cls(matrix, places_from_the_end(users, items, times, matrix.shape))

    def decay_of(self, config: Any) -> float | None:
        """Return ``history_decay``, None for auto.

        Raises:
            ConfigError: it is no number, or one that needs an order where none is known.
        """
        decay = number("history_decay", config["history_decay"], least=0, auto=True)
        if decay and self.places is None:
            raise ConfigError(
                f"history_decay [{decay:g}] needs the order of the interactions: name its column with TIME_FIELD "
                "and load it (load_col), or leave history_decay at auto."
            )
        return None if decay is None else float(decay)

    def __deepcopy__(self, memo: dict[int, object]) -> Taken:
        return self  # copies of a model share them

    def weighted(self, decay: float) -> sp.csr_matrix:
        """Return the histories as they count: float32 ``[n_users, n_items]``."""
        if not decay or self.places is None:
            return self.matrix
        if decay not in self._weighted:  # one decay is in use at a time
            self._weighted = {decay: decayed(self.places, decay)}
        return self._weighted[decay]
