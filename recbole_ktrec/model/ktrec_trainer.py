"""Trainer of KTRec: RecBole's own, with an optimiser for sparse and one for dense gradients."""

from __future__ import annotations

from typing import Any

from recbole.trainer import Trainer
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


class KTRecTrainer(Trainer):
    """As RecBole's trainer; ``learner: adam`` means Adam for dense and SparseAdam for sparse gradients."""

    def _build_optimizer(self, **kwargs: Any) -> Any:
        sparse: list[Any] = [
            table.weight for table in self.model.modules() if isinstance(table, nn.Embedding) and table.sparse
        ]
        if kwargs or not sparse or self.learner.lower() != "adam":
            return super()._build_optimizer(**kwargs)
        known = {id(parameter) for parameter in sparse}
        dense = [p for p in self.model.parameters() if p.requires_grad and id(p) not in known]
        return SparseAndDense(sparse, dense, self.learning_rate, self.weight_decay)
