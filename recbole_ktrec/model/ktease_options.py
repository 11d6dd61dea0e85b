"""The keys of ``properties/model/KTEASE.yaml``, read and checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from logging import getLogger
from typing import Any

from recbole_ktrec.errors import ConfigError, number, one_of
from recbole_ktrec.model import transfer
from recbole_ktrec.model.text_priors import Lexical
from recbole_ktrec.nn.fit_options import Options, memory
from recbole_ktrec.text import TextSettings

#: The time of the dense form grows with the cube of the catalogue, hence the first; the second is LAPACK's.
_AUTO_DENSE, _MOST_DENSE = 15_000, 46_340

PRIORS = ("text", "none")
SOLVERS = ("auto", "dense", "sparse")
#: What decides how much a shared term counts, and what shared terms count beside the vectors if nothing is said.
TERM_WEIGHTINGS = {"lift": 1.0, "idf": 0.3}


#: Of the numbers; ``auto`` lets the data choose.
_BOUNDS: dict[str, dict[str, Any]] = {
    "prior_neighbours": {"least": 1, "auto": True, "whole": True},
    "reg_weight": {"least": 1e-3, "auto": True},
    "prior_weight": {"least": 0, "auto": True},
    "neighbour_weight": {"least": 0, "auto": True},
    "lexical_weight": {"least": 0, "auto": True},
    "cold_scale": {"least": 0, "auto": True},
    "cold_warm_loss": {"least": 0, "most": 1, "auto": True},
    "user_power": {"least": 0, "most": 1},
    "item_power": {"least": 0, "most": 1},
    "score_power": {"least": 0.1, "most": 5, "auto": True},
    "popularity_discount": {"least": -1, "most": 1, "auto": True},
    "history_discount": {"least": -1, "most": 1, "auto": True},
    "popularity_weight": {"least": 0, "auto": True},
    "history_decay": {"least": 0, "auto": True},
    "successor_weight": {"least": 0, "auto": True},
    "cooccurrence_window": {"least": 0, "auto": True, "whole": True},
    "whitening": {"least": 0, "most": 1},
    "memory_limit": {"least": 0.01},
    "nearest_items": {"least": 1, "whole": True},
}
_CHOICES = {"prior": PRIORS, "term_weighting": tuple(TERM_WEIGHTINGS), "solver": SOLVERS}


def check_keys(config: Any) -> None:
    """Refuse values that cannot be used, whatever the data.

    Raises:
        ConfigError: the message names the key.
        DataError: ``pretrained`` is not the folder of an artifact.
    """
    for key, known in _CHOICES.items():
        one_of(key, config[key], known)
    for key in _BOUNDS:
        read_number(config, key)
    TextSettings.from_mapping(config)
    transfer.read_keys(config)


def read_number(config: Any, key: str) -> Any:
    """Return the number of ``key``, one of KTEASE's, or None for ``auto`` where that is allowed.

    A key that is not there is ``auto`` likewise: checkpoints keep the settings of their day.
    """
    bounds, value = _BOUNDS[key], config[key]
    return number(key, "auto" if value is None and bounds.get("auto") else value, **bounds)


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
    def read(cls, config: Any, n_items: int, history_decay: float | None, ordered: int) -> Settings:
        """Read the configuration of a catalogue of ``n_items``.

        Args:
            history_decay: as :class:`recbole_ktrec.model.interactions.TrainingInteractions` reads it.
            ordered: interactions whose order within the histories is known.

        Raises:
            ConfigError: a value cannot be used, or the catalogue needs more memory than ``memory_limit``.
        """
        prior = one_of("prior", config["prior"], PRIORS)
        nothing = prior == "none"
        neighbours = read_number(config, "prior_neighbours") or _neighbours(n_items)
        nearest, successor_weight = _within_memory(config, n_items, neighbours, ordered, history_decay)
        options = Options(
            regularisation=read_number(config, "reg_weight"),
            prior_weight=0.0 if nothing else read_number(config, "prior_weight"),
            neighbour_weight=0.0 if nothing else read_number(config, "neighbour_weight"),
            cold_scale=read_number(config, "cold_scale"),
            cold_warm_loss=read_number(config, "cold_warm_loss"),
            user_power=read_number(config, "user_power"),
            item_power=read_number(config, "item_power"),
            nearest_items=nearest,
            score_power=read_number(config, "score_power"),
            popularity_discount=read_number(config, "popularity_discount"),
            history_discount=read_number(config, "history_discount"),
            popularity_weight=read_number(config, "popularity_weight"),
            history_decay=history_decay,
            successor_weight=successor_weight,
            cooccurrence_window=_ordered(config, "cooccurrence_window", ordered),
        )
        return cls(
            options,
            prior,
            read_number(config, "whitening"),
            neighbours,
            _lexical(config),
        )


def _lexical(config: Any) -> Lexical:
    """Return how shared terms count; zero-shot learns nothing here, so not what terms say either."""
    given = one_of("term_weighting", config["term_weighting"], tuple(TERM_WEIGHTINGS))
    weighting = "idf" if config["transfer"] == "zero_shot" else given
    weight = read_number(config, "lexical_weight")
    return Lexical(TERM_WEIGHTINGS[weighting] if weight is None else weight, weighting == "lift")


def _ordered(config: Any, key: str, ordered: int) -> Any:
    """Return the number of a key that needs the order of the histories, None for auto."""
    given = read_number(config, key)
    if given and not ordered:
        raise ConfigError(
            f"{key} [{given:g}] needs the order of the interactions: name its column with TIME_FIELD "
            f"and load it (load_col), or leave {key} at auto."
        )
    return given


def _neighbours(n_items: int) -> int:
    """Return 500, fewer in a large catalogue, where 100 keep memory and the time of a user in bounds."""
    return int(min(500, max(100, 10_000_000 // max(n_items, 1))))


def _within_memory(
    config: Any, n_items: int, neighbours: int, ordered: int, decay: float | None
) -> tuple[int, float | None]:
    """Return the form that :func:`_solver` takes, and ``successor_weight``: 0 where to try one takes too much."""
    weight = _ordered(config, "successor_weight", ordered)
    tried = ordered if weight or (weight is None and decay != 0) else 0
    try:
        return _solver(config, n_items, neighbours, tried), weight
    except ConfigError as error:
        if weight is not None or not tried:
            raise
        nearest = _solver(config, n_items, neighbours, 0)
        getLogger().warning(f"What comes next is not tried (successor_weight 0), {ordered:,} interactions: {error}")
        return nearest, 0.0


def _solver(config: Any, n_items: int, neighbours: int, ordered: int) -> int:
    """Return how many items explain one in the sparse form, or 0 for the dense form.

    Args:
        ordered: interactions from which a second matrix is tried, 0 for none.
    """
    solver, limit = one_of("solver", config["solver"], SOLVERS), read_number(config, "memory_limit")
    nearest = read_number(config, "nearest_items")
    # The guard keeps the best fit while it makes the next.
    beside = int(bool(config["pretrained"]) and bool(config["transfer_guard"]) and config["transfer"] != "zero_shot")
    dense, sparse = (memory(n_items, neighbours, width, beside, ordered) / 2**30 for width in (0, nearest))
    if solver in ("auto", "dense") and dense <= limit and n_items <= (_AUTO_DENSE if solver == "auto" else _MOST_DENSE):
        return 0
    if solver == "dense":
        raise ConfigError(
            f"solver [dense] needs about {dense:.1f} GiB for {n_items} items and serves up to {_MOST_DENSE} items; "
            f"memory_limit is [{limit:g}]. Use solver [sparse] ({sparse:.1f} GiB with nearest_items [{nearest}])."
        )
    if sparse > limit:
        raise ConfigError(
            f"KTEASE needs about {sparse:.1f} GiB for {n_items} items with nearest_items [{nearest}], memory_limit is "
            f"[{limit:g}]: raise it, or use fewer nearest_items or prior_neighbours."
        )
    return int(nearest)
