"""The keys of ``properties/pretrain.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recbole_ktrec.errors import ConfigError, number, switch
from recbole_ktrec.model.prior_shape import KERNEL, UNTRAINED, PriorShape


def _numbers(key: str, value: Any, least: float, most: float | None = None) -> tuple[float, ...]:
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if not values:
        raise ConfigError(f"{key} [{value}] is an empty list: name what is tried.")
    return tuple(number(key, one, least=least, most=most) for one in values)


@dataclass(frozen=True)
class PretrainOptions:
    """What a run of `ktrec pretrain` is asked for, checked."""

    whitening: float
    exponents: tuple[float, ...]
    strengths: tuple[float, ...]
    powers: tuple[float, ...]
    lexical_weights: tuple[float, ...]
    neighbours: int
    held_out_users: int
    candidates: int
    fusion_knowledge: bool
    seed: int

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> PretrainOptions:
        """Read them.

        Raises:
            ConfigError: a value cannot be used; the message names its key.
        """
        switch("fusion_knowledge", values["fusion_knowledge"])
        lists = {"exponents": (0, None), "strengths": (0, 1), "powers": (0.1, None), "lexical_weights": (0, None)}
        counts = {"neighbours": 1, "held_out_users": 1, "candidates": 10, "seed": 0}
        options: dict[str, Any] = {key: _numbers(key, values[key], *bounds) for key, bounds in lists.items()}
        options |= {key: number(key, values[key], least=least, whole=True) for key, least in counts.items()}
        whitening = number("whitening", values["whitening"], least=0, most=1)
        return cls(whitening=whitening, fusion_knowledge=values["fusion_knowledge"], **options)

    def shapes(self) -> list[PriorShape]:
        """Return what is tried; the first is no transfer."""
        maps = [(UNTRAINED.exponent, 0.0)] + [(e, s) for e in self.exponents for s in self.strengths if s]
        grid = [
            PriorShape(*one, power, words) for one in maps for power in self.powers for words in self.lexical_weights
        ]
        return list(dict.fromkeys([UNTRAINED, KERNEL, *grid]))
