"""Fitted KTEASE scores as plain matrices, for checkpoints, and back."""

from __future__ import annotations

from typing import Any

from recbole_ktrec.nn.cold_items import ColdItems
from recbole_ktrec.nn.fitted import Dense, Factored, Kernel
from recbole_ktrec.nn.low_rank import LowRankInverse
from recbole_ktrec.nn.tuning import Choice


def as_matrices(fitted: Dense | Factored | Kernel) -> dict[str, Any]:
    """Return arrays, sparse matrices and numbers from which :func:`scores_from` makes the same scores."""
    if isinstance(fitted, Dense):
        return {"matrix": fitted.matrix, "cold": fitted.cold, "power": fitted.power, "decay": fitted.decay}
    if isinstance(fitted, Kernel):
        return {"kernel": fitted.prior, "decay": fitted.decay}
    inverse = fitted.inverse
    assert isinstance(inverse, LowRankInverse)
    return {
        "interactions": inverse.interactions,
        "user_weights": inverse.weights,
        "eigenpairs": inverse.eigenpairs,
        "item_penalties": inverse.penalties,
        "prior": fitted.prior,
        "pulled": fitted.pulled,
        "spread": fitted.spread,
        "choice": vars(fitted.choice),
        "cold": vars(fitted.cold),
        "decay": fitted.decay,
    }


def scores_from(weights: dict[str, Any]) -> Dense | Factored | Kernel:
    """Return what :func:`as_matrices` was made of."""
    decay = weights.get("decay", 0.0)
    if "matrix" in weights:
        return Dense(weights["matrix"], weights.get("cold"), weights.get("power", 1.0), decay)
    if "kernel" in weights:
        return Kernel(weights["kernel"], decay)
    choice = Choice(**weights["choice"])
    inverse = LowRankInverse(
        weights["interactions"],
        weights["user_weights"],
        choice.regularisation,
        weights["eigenpairs"],
        weights.get("item_penalties"),  # checkpoints before 0.2 have none
    )
    return Factored(
        inverse, weights["prior"], weights["pulled"], weights["spread"], choice, ColdItems(**weights["cold"]), decay
    )


def count_items(weights: dict[str, Any]) -> int:
    """Return the size of the catalogue that the matrices are for."""
    whole = weights.get("matrix", weights.get("kernel"))
    return int(len(weights["pulled"]) if whole is None else whole.shape[0])
