"""Optimisers behind the interface of one, as RecBole's trainer expects it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn, optim


class SparseAndDense:
    """Two Adam optimisers behind the interface of one, so that an epoch costs what its batches touch.

    Args:
        sparse: parameters whose gradients are sparse (ID embeddings).
        dense: all others.
    """

    def __init__(self, sparse: list[nn.Parameter], dense: list[nn.Parameter], lr: float, weight_decay: float) -> None:
        self.parts: list[optim.Optimizer] = [optim.AdamW(dense, lr=lr, weight_decay=weight_decay)]
        if sparse:
            self.parts.append(optim.SparseAdam(sparse, lr=lr))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both, as schedulers and scalers read them."""
        return [group for part in self.parts for group in part.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of both."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self, closure: Any = None) -> None:
        """Step both."""
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both."""
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the states of both back."""
        for part, saved in zip(self.parts, state["parts"], strict=True):
            part.load_state_dict(saved)


def sparse_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Return the tables of ``model`` whose gradients are sparse."""
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding) and module.sparse]
    return [parameter for table in tables for parameter in table.parameters()]


def without(parameters: Iterable[nn.Parameter], others: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Return those of ``parameters`` that are trained and not among ``others``."""
    known = {id(parameter) for parameter in others}
    return [parameter for parameter in parameters if parameter.requires_grad and id(parameter) not in known]
