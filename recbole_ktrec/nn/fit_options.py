"""What can be set of a fit of KTEASE, and the memory that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recbole_ktrec.nn.matrices import ROWS

#: Scores of the held-out users of a choice, at most, in one matrix: 2,000 users of the candidates.
SAMPLE = 2000 * 22_000
#: Bytes that the second matrix takes for an interaction at its peak (see :mod:`recbole_ktrec.nn.successors`), measured
#: at a history_decay of .05; at higher ones it takes less.
_SUCCESSION = 1100
#: Directions of the low-rank inverse with which lambda and the weights are chosen.
CHOICE_RANK = 256
#: kappa where nothing is chosen.
PRIOR_WEIGHT = 0.05
#: lambda, kappa and eta where nothing is chosen.
PLAIN = (120.0, PRIOR_WEIGHT, 0.0)


@dataclass(frozen=True)
class Options:
    """Settings of the fit; None is chosen on held-out interactions, or takes the value below if there are none.

    Attributes:
        regularisation: lambda; 120 without held-out interactions.
        prior_weight: kappa; .05.
        neighbour_weight: eta; 0.
        cold_scale: scale of cold items; that of ``prior_weight``.
        cold_warm_loss: share of NDCG@10 on known items that cold ones may cost; .02, and what
            :mod:`recbole_ktrec.nn.cold_demand` finds. Not used without held-out interactions.
        user_power: users count ``|N(u)|^-user_power``.
        item_power: lambda grows with ``n_i^item_power``.
        score_power, popularity_discount, history_discount: see :mod:`recbole_ktrec.nn.sharpening`; 1, 0 and 0.
        popularity_weight: see :mod:`recbole_ktrec.nn.popularity`; 0.
        history_decay: see :mod:`recbole_ktrec.nn.recency`; 0, and without an order of the histories too.
        successor_weight: see :mod:`recbole_ktrec.nn.successors`; 0, and with a decay of 0 too.
        cooccurrence_window: see :mod:`recbole_ktrec.nn.windows`; 0, and without an order, with a decay or where new
            items are asked for too.
        nearest_items: that explain an item in the sparse form, see :mod:`recbole_ktrec.nn.nearest`; 0 makes the dense
            one.
    """

    regularisation: float | None = None
    prior_weight: float | None = None
    neighbour_weight: float | None = None
    cold_scale: float | None = None
    cold_warm_loss: float | None = None
    user_power: float = 0.5
    item_power: float = 0.3
    nearest_items: int = 0
    score_power: float | None = None
    popularity_discount: float | None = None
    history_discount: float | None = None
    popularity_weight: float | None = None
    history_decay: float | None = None
    successor_weight: float | None = None
    cooccurrence_window: int | None = None

    @property
    def plain_cold_scale(self) -> float:
        """Scale of cold items where nothing is chosen: that of the prior if none is given."""
        given = self.prior_weight if self.cold_scale is None else self.cold_scale
        return PRIOR_WEIGHT if given is None else given


def filled(given: Sequence[float | None], plain: Sequence[float]) -> list[float]:
    """Return the numbers that are ``given``, in the place of None those that are taken where nothing is chosen."""
    return [default if value is None else value for value, default in zip(given, plain, strict=True)]


def tried(given: Sequence[float | None], ladders: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """Return what is tried of each number: the one that is ``given`` alone, its ladder in the place of None."""
    return [ladder if value is None else (value,) for value, ladder in zip(given, ladders, strict=True)]


def memory(n_items: int, neighbours: int, nearest_items: int, beside: int = 0, ordered: int = 0) -> float:
    """Return about how many bytes a fit takes beside the interactions; ``nearest_items`` 0 stands for the dense form.

    Args:
        beside: other fits to the same interactions that are kept meanwhile.
        ordered: interactions whose order is known and from which a second matrix is tried; 0 for none.
    """
    prior = 8 * n_items * min(neighbours, n_items) * 5  # K, D K, transposed, neighbours of known items, of cold ones
    choosing = 8 * 4 * SAMPLE + 5 * 4 * n_items * CHOICE_RANK
    entries = n_items * min(int(1.3 * nearest_items), n_items)
    second = int(ordered > 0)
    solved = (3 + 2 * second) * 8 * entries if nearest_items else 4 * n_items**2 * (1 + second)
    solved += 3 * 4 * ROWS * n_items + _SUCCESSION * ordered
    kept = 8 * n_items * min(neighbours, n_items) + (8 * entries if nearest_items else 4 * n_items**2)
    return float(prior + choosing + solved + beside * kept)
