"""The text priors that an artifact gives one data set: by what its sources say, by what its own interactions say."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.model.text_priors import Lexical, TextPriors
from recbole_ktrec.model.transfer import TransferSettings
from recbole_ktrec.nn.co_consumption import co_consumption, mapped, metric, pooled


class TransferPriors:
    """Text priors with an artifact.

    Args:
        transfer: the artifact, and how it is taken.
        texts: of the target, read with the artifact's encoder.
        interactions: of the target's training part, ``[n_users, n_items]``.
        lexical: how shared terms count without an artifact.
        taught: whether the target teaches what terms say, so that ``lexical`` holds with the artifact, too.
    """

    def __init__(self, transfer: TransferSettings, texts: TextPriors, interactions: sp.csr_matrix,
                 lexical: Lexical, taught: bool) -> None:  # fmt: skip
        self.artifact, self.texts, self.interactions = transfer.artifact, texts, interactions
        self.lexical, self.taught = lexical, taught
        self._full, self._count = transfer.how == "full", transfer.prior_count

    @functools.cached_property
    def _vectors(self) -> np.ndarray:
        return self.texts.whitened(self.artifact.whitening)

    def scratch(self, texts: TextPriors, exponent: float) -> sp.csc_matrix:
        """Return the prior of the metric that the target's own training interactions give.

        Args:
            texts: those without the artifact, which may be read with another encoder.
        """
        vectors = self._vectors if texts is self.texts else texts.whitened(self.artifact.whitening)
        own = metric(co_consumption(self.interactions, vectors), exponent)
        return texts.prior(mapped(vectors, own), self.lexical)

    def transferred(self, shape: PriorShape) -> sp.csc_matrix:
        """Return the prior of the sources' metric in a shape; with transfer ``full``, of theirs and the target's."""
        if self._full:
            vectors = mapped(self._vectors, self._both(shape))
        else:
            vectors = self.artifact.transferred(self._vectors, shape)
        return self.texts.prior(vectors, Lexical(shape.lexical_weight, self.taught), shape.power)

    def _both(self, shape: PriorShape) -> np.ndarray:
        """Return the metric of the target's statistics, those of the sources being the prior (MAP).

        It is as strong as that of the sources alone: where they say that it does not carry over, it is the identity.
        """
        own = co_consumption(self.interactions, self._vectors)
        both = pooled([self.artifact.pooled, own], [self._count, own.interactions])
        return metric(both, shape.exponent, shape.strength)

    def settled(self, choice: Mapping[str, Any]) -> sp.csc_matrix:
        """Return the prior of a fit that noted ``choice``, by which ``texts`` were read: transferred or scratch."""
        shape = PriorShape(**choice["shape"])
        if choice["used"] == "transferred":
            return self.transferred(shape)
        return self.scratch(self.texts, shape.exponent)
