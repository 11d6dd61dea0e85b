"""Fitted KTEASE scores as plain matrices, for checkpoints, and back."""

from __future__ import annotations

from typing import Any

from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.fitted import Dense, Kernel, Sparse


def as_matrices(fitted: Dense | Sparse | Kernel) -> dict[str, Any]:
    """Return arrays, sparse matrices and numbers from which :func:`scores_from` makes the same scores."""
    if isinstance(fitted, Dense):
        return dict(vars(fitted))
    if isinstance(fitted, Kernel):
        return {"kernel": fitted.prior, "decay": fitted.decay}
    return {
        "sparse": fitted.matrix,
        "spread": fitted.spread,
        "neighbour_weight": fitted.neighbour_weight,
        "cold": vars(fitted.cold),
        "decay": fitted.decay,
        "popular": fitted.popular,
    }


def scores_from(weights: dict[str, Any]) -> Dense | Sparse | Kernel:
    """Return what :func:`as_matrices` was made of."""
    decay = weights["decay"]
    if "matrix" in weights:
        return Dense(weights["matrix"], weights["cold"], weights["power"], decay, weights.get("popular"))
    if "kernel" in weights:
        return Kernel(weights["kernel"], decay)
    cold = ColdItems(**weights["cold"])
    matrices = weights["sparse"], weights["spread"], weights["neighbour_weight"]
    return Sparse(*matrices, cold, decay, weights.get("popular"))


def count_items(weights: dict[str, Any]) -> int:
    """Return the size of the catalogue that the matrices are for."""
    return next(int(weights[name].shape[0]) for name in ("matrix", "kernel", "sparse") if name in weights)
