"""What KTRec minimises: hidden items of a batch of users, predicted from the rest of their histories."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.history import Histories, hide, shared_candidates
from recbole_ktrec.nn.losses import Loss
from recbole_ktrec.nn.residual import Residual


@dataclass(frozen=True)
class Objective:
    """The form of the task.

    Attributes:
        hidden_share: expected share of each history that is hidden.
        negatives: random candidates of a batch, beside the other users' hidden items.
        loss: over the scores of the users against the candidates.
    """

    hidden_share: float
    negatives: int
    loss: Loss

    def __call__(self, net: FusionModel, histories: Histories, drawable: Tensor, users: Tensor,
                 residual: Residual | None = None) -> Tensor:  # fmt: skip
        """Return the loss of a batch of users: a scalar. What is left of a history counts the same, new or old.

        Args:
            drawable: items that may be drawn as candidates, ``[k]``.
            users: internal ids ``[m]``, on the device of ``net``.
            residual: adds the scores of another scorer, which then need not be learned.
        """
        row, items, _ = (part.to(users.device) for part in histories.of(users))
        hidden = hide(row.cpu(), self.hidden_share).to(users.device)
        vectors = net.user_vectors(users, row[~hidden], items[~hidden])
        drawn = drawable[torch.randint(len(drawable), (self.negatives,))].to(users.device)
        candidates, column, known = shared_candidates(row, items, hidden, drawn, len(users))
        f, bias = net.item_vectors(candidates)
        scores = net.scorer.grid(vectors, f) + bias
        if residual is not None:
            scores = scores + residual(len(users), row[~hidden], items[~hidden], candidates)
        return self.loss(scores, row[hidden], column[hidden], known)
