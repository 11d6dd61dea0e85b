"""Fitted KTEASE scores as plain matrices, for checkpoints, and back."""

from __future__ import annotations

from typing import Any

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.fitted import Dense, Kernel, Sparse

_GONE = "The checkpoint holds KTEASE's low-rank form, which this version has no more: train again."


def as_matrices(fitted: Dense | Sparse | Kernel) -> dict[str, Any]:
    """Return arrays, sparse matrices and numbers from which :func:`scores_from` makes the same scores."""
    if isinstance(fitted, Dense):
        return {"matrix": fitted.matrix, "cold": fitted.cold, "power": fitted.power, "decay": fitted.decay}
    if isinstance(fitted, Kernel):
        return {"kernel": fitted.prior, "decay": fitted.decay}
    return {
        "sparse": fitted.matrix,
        "spread": fitted.spread,
        "neighbour_weight": fitted.neighbour_weight,
        "cold": vars(fitted.cold),
        "decay": fitted.decay,
    }


def scores_from(weights: dict[str, Any]) -> Dense | Sparse | Kernel:
    """Return what :func:`as_matrices` was made of.

    Raises:
        ConfigError: it was made by a version whose large catalogues had another form.
    """
    decay = weights.get("decay", 0.0)
    if "matrix" in weights:
        return Dense(weights["matrix"], weights.get("cold"), weights.get("power", 1.0), decay)
    if "kernel" in weights:
        return Kernel(weights["kernel"], decay)
    if "sparse" not in weights:
        raise ConfigError(_GONE)
    cold = ColdItems(**weights["cold"])
    return Sparse(weights["sparse"], weights["spread"], weights["neighbour_weight"], cold, decay)


def count_items(weights: dict[str, Any]) -> int:
    """Return the size of the catalogue that the matrices are for.

    Raises:
        ConfigError: as :func:`scores_from`.
    """
    for name in ("matrix", "kernel", "sparse"):
        if name in weights:
            return int(weights[name].shape[0])
    raise ConfigError(_GONE)
