"""The keys of ``properties/model/KTEASE.yaml``, read and checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recbole_ktrec.errors import ConfigError, number, one_of
from recbole_ktrec.model.text_priors import Lexical
from recbole_ktrec.nn.fit_options import Options, memory

#: The time of the dense form grows with the cube of the catalogue, hence the first; the second is LAPACK's.
_AUTO_DENSE, _MOST_DENSE = 30_000, 46_340

PRIORS = ("text", "none")
SOLVERS = ("auto", "dense", "low_rank")
#: What decides how much a shared term counts, and what shared terms count beside the vectors if nothing is said.
TERM_WEIGHTINGS = {"lift": 1.0, "idf": 0.3}


def _number(config: Any, key: str, least: float, most: float | None = None, auto: bool = False,
            whole: bool = False) -> Any:  # fmt: skip
    """Return the number of ``key``, or None for ``auto`` where that is allowed."""
    return number(key, config[key], least=least, most=most, auto=auto, whole=whole)


@dataclass(frozen=True)
class Settings:
    """Checked settings of KTEASE.

    Attributes:
        options: of the fit.
        prior: what B is pulled towards, one of ``PRIORS``.
        whitening, neighbours, lexical: of the text prior.
    """

    options: Options
    prior: str
    whitening: float
    neighbours: int
    lexical: Lexical

    @classmethod
    def read(cls, config: Any, n_items: int, history_decay: float | None, ordered: bool) -> Settings:
        """Read the configuration of a catalogue of ``n_items``.

        Args:
            history_decay: as :class:`recbole_ktrec.model.interactions.Taken` reads it.
            ordered: whether the order of the histories is known.

        Raises:
            ConfigError: a value cannot be used, or the catalogue needs more memory than ``memory_limit``.
        """
        prior = one_of("prior", config["prior"], PRIORS)
        nothing = prior == "none"
        neighbours = _number(config, "prior_neighbours", 1, auto=True, whole=True) or _neighbours(n_items)
        rank = _solver(config, n_items, neighbours, ordered)
        options = Options(
            regularisation=_number(config, "reg_weight", 1e-3, auto=True),
            prior_weight=0.0 if nothing else _number(config, "prior_weight", 0, auto=True),
            neighbour_weight=0.0 if nothing else _number(config, "neighbour_weight", 0, auto=True),
            cold_scale=_number(config, "cold_scale", 0, auto=True),
            cold_warm_loss=_number(config, "cold_warm_loss", 0, 1, auto=True),
            user_power=_number(config, "user_power", 0, 1),
            item_power=_number(config, "item_power", 0, 1),
            rank=rank,
            score_power=_of_dense(config, "score_power", rank, 1, least=0.1, most=5),
            popularity_discount=_of_dense(config, "popularity_discount", rank, 0, least=-1, most=1),
            history_discount=_of_dense(config, "history_discount", rank, 0, least=-1, most=1),
            history_decay=history_decay,
            successor_weight=_successor_weight(config, rank, ordered),
        )
        return cls(
            options,
            prior,
            _number(config, "whitening", 0, 1),
            neighbours,
            _lexical(config),
        )


def _lexical(config: Any) -> Lexical:
    """Return how shared terms count; zero-shot learns nothing here, so not what terms say either."""
    given = one_of("term_weighting", config["term_weighting"], tuple(TERM_WEIGHTINGS))
    weighting = "idf" if config["transfer"] == "zero_shot" else given
    weight = _number(config, "lexical_weight", 0, auto=True)
    return Lexical(TERM_WEIGHTINGS[weighting] if weight is None else weight, weighting == "lift")


def _of_dense(config: Any, key: str, rank: int, plain: float, least: float,
             most: float | None = None) -> float | None:  # fmt: skip
    """Return the number of a key that only the dense form can follow, None for ``auto``."""
    value = _number(config, key, least, most, auto=True)
    if rank and value not in (None, plain):
        raise ConfigError(f"{key} [{value:g}] needs solver [dense]: the low-rank form never makes B. Leave it at auto.")
    return None if value is None else float(value)


def _successor_weight(config: Any, rank: int, ordered: bool) -> float | None:
    weight = _of_dense(config, "successor_weight", rank, 0, least=0)
    if weight and not ordered:
        raise ConfigError(
            f"successor_weight [{weight:g}] needs the order of the interactions: name its column with TIME_FIELD "
            "and load it (load_col), or leave successor_weight at auto."
        )
    return weight


def _neighbours(n_items: int) -> int:
    """Return 500, fewer in a large catalogue, where 100 keep memory and the time of a user in bounds."""
    return int(min(500, max(100, 10_000_000 // max(n_items, 1))))


def _solver(config: Any, n_items: int, neighbours: int, ordered: bool) -> int:
    """Return the rank of the low-rank form, or 0 for the dense one."""
    solver, limit = one_of("solver", config["solver"], SOLVERS), _number(config, "memory_limit", 0.01)
    rank = _number(config, "rank", 1, whole=True)
    # The guard keeps the best fit while it makes the next.
    beside = int(bool(config["pretrained"]) and bool(config["transfer_guard"]) and config["transfer"] != "zero_shot")
    dense, low = (memory(n_items, neighbours, width, beside, ordered) / 2**30 for width in (0, rank))
    if solver in ("auto", "dense") and dense <= limit and n_items <= (_AUTO_DENSE if solver == "auto" else _MOST_DENSE):
        return 0
    if solver == "dense":
        raise ConfigError(
            f"solver [dense] needs about {dense:.1f} GiB for {n_items} items and serves up to {_MOST_DENSE} items; "
            f"memory_limit is [{limit:g}]. Use solver [low_rank] ({low:.1f} GiB with rank [{rank}])."
        )
    if low > limit:
        raise ConfigError(
            f"KTEASE needs about {low:.1f} GiB for {n_items} items with rank [{rank}], memory_limit is [{limit:g}]: "
            "raise it, or use a smaller rank or prior_neighbours."
        )
    return int(rank)
