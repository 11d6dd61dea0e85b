"""How texts become a prior, and which of several ways is taken where they do nearly as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PriorShape:
    """How texts become a prior.

    Attributes:
        exponent, strength: of the metric, see :func:`recbole_ktrec.nn.co_consumption.metric`; strength 0 is no metric.
        power: of the cosine.
        lexical_weight: of shared words beside it.
    """

    exponent: float = 0.5
    strength: float = 0.0
    power: float = 1.0
    lexical_weight: float = 0.3

    def __str__(self) -> str:
        learned = f"learned, strength {self.strength:g}, exponent {self.exponent:g}" if self.strength else "none"
        return f"cosine^{self.power:g}, weight of shared words {self.lexical_weight:g}, metric {learned}"

    def distance(self) -> float:
        """Return how far it is from what texts are compared by without an artifact."""
        words = abs(math.log2((self.lexical_weight + 0.3) / (UNTRAINED.lexical_weight + 0.3)))
        return self.strength + abs(math.log2(self.power)) + words


#: What texts are compared by without an artifact, and the cosine alone.
UNTRAINED, KERNEL = PriorShape(), PriorShape(lexical_weight=0.0)
#: Less than this few sources do not tell apart (ratios to the kernel's NDCG@10).
_ALIKE = 0.02


def plainest(shapes: Sequence[PriorShape], ratios: np.ndarray) -> int:
    """Return the place of the shape that is next to the one without an artifact, of those nearly as good as the best.

    Args:
        ratios: of each to the kernel's NDCG@10, the mean over sources.
    """
    near = np.flatnonzero(np.asarray(ratios) >= np.max(ratios) - _ALIKE)
    return int(min(near, key=lambda place: shapes[place].distance()))
