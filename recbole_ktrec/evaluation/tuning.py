"""The same number of trials for every model: random search over ranges, judged on validation alone.

A range file (``properties/tuning/<Model>.yaml``) has one line a key::

    learning_rate: {loguniform: [0.0005, 0.01]}   # also uniform and int, both ends included
    n_layers: {choice: [1, 2, 3]}
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from recbole_ktrec.errors import ConfigError, nearest

KINDS = ("choice", "uniform", "loguniform", "int")
#: Draws of the same settings that are thrown away before the space counts as used up.
_PATIENCE = 100


def trials(label: str, ranges: Mapping[str, Any], number: int, seed: int) -> list[dict[str, Any]]:
    """Return up to ``number`` different settings: first the defaults (an empty one), then random draws.

    Args:
        label: the table's row; each draws from a stream of its own.
        ranges: key -> ``{kind: values}``.
        number: the budget, the same for every row; fewer when the ranges hold fewer.
        seed: seed of the draw.
    """
    rng = np.random.default_rng([seed, zlib.crc32(label.encode())])
    found: dict[str, dict[str, Any]] = {"{}": {}}
    misses = 0
    while ranges and len(found) < number and misses < _PATIENCE:
        draw = {key: _draw(key, spec, rng) for key, spec in sorted(ranges.items())}
        name = json.dumps(draw, sort_keys=True)
        misses = misses + 1 if name in found else 0
        found.setdefault(name, draw)
    return list(found.values())


def _draw(key: str, spec: Any, rng: np.random.Generator) -> Any:
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise ConfigError(f"The range of [{key}] must be one of {', '.join(KINDS)} with its values, not [{spec}].")
    kind, values = next(iter(spec.items()))
    if kind not in KINDS:
        raise ConfigError(f"The range of [{key}] has an unknown kind [{kind}].{nearest(str(kind), KINDS)}")
    if kind == "choice":
        if not isinstance(values, list) or not values:
            raise ConfigError(f"The choice of [{key}] must be a list of values.")
        return values[int(rng.integers(len(values)))]
    low, high = _bounds(key, kind, values)
    if kind == "int":
        return int(rng.integers(int(low), int(high) + 1))
    if kind == "uniform":
        return _short(rng.uniform(low, high))
    return _short(math.exp(rng.uniform(math.log(low), math.log(high))))


def _bounds(key: str, kind: str, values: Any) -> tuple[float, float]:
    numbers = isinstance(values, list) and len(values) == 2 and all(isinstance(v, int | float) for v in values)
    if not numbers or not values[0] <= values[1] or (kind == "loguniform" and values[0] <= 0):
        raise ConfigError(f"The {kind} of [{key}] must be two numbers, the smaller one first, not [{values}].")
    return float(values[0]), float(values[1])


def _short(value: float) -> float:
    """Three digits: what a reader of the report can repeat."""
    return float(f"{value:.3g}")


def best_trial(scores: list[float | None], bigger: bool) -> int | None:
    """Return the position of the best validation score, the first of equals; None when every trial failed."""
    usable = [(score if bigger else -score, -place) for place, score in enumerate(scores) if score is not None]
    return -max(usable)[1] if usable else None
