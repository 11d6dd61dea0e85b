"""What KTRec minimises where order counts: each item of a history, predicted from those before it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.history import Histories, shared_candidates
from recbole_ktrec.nn.losses import Loss
from recbole_ktrec.nn.sequences import Sequences

#: Steps of a batch that are scored, drawn at random where there are more: memory is this times the candidates. Of
#: scorers that hold more than a number a score there are fewer.
_STEPS = 4096


@dataclass(frozen=True)
class NextItem:
    """The form of the task.

    Attributes:
        length: steps of a history that are read at once.
        negatives: random candidates of a batch, beside what the others took next.
        loss: over the scores of the steps against the candidates.
    """

    length: int
    negatives: int
    loss: Loss

    def __call__(
        self, net: FusionModel, histories: Histories, sequences: Sequences, drawable: Tensor, users: Tensor
    ) -> Tensor:
        """Return the loss of a batch of users: a scalar.

        What a user took at any time is no negative.

        Args:
            drawable: items that may be drawn as candidates, ``[k]``.
            users: internal ids ``[m]``, on the device of ``net``.
        """
        read, following, counts = (part.to(users.device) for part in sequences.windows(users, self.length))
        row, step = _some(torch.nonzero(following), _STEPS // net.scorer.weight)
        wanted = following[row, step]
        vectors = net.vectors_in_order(users, read, counts, (row, step))
        drawn = drawable[torch.randint(len(drawable), (self.negatives,))].to(users.device)
        owner, items, _ = (part.to(users.device) for part in histories.of(users))
        hidden = torch.zeros_like(items, dtype=torch.bool)
        candidates, _, known = shared_candidates(owner, items, hidden, torch.cat([wanted, drawn]), len(users))
        f, bias = net.item_vectors(candidates)
        scores = net.scorer.grid(vectors, f) + bias
        column = torch.searchsorted(candidates, wanted)
        return self.loss(scores, torch.arange(len(wanted), device=users.device), column, known[row])


def _some(steps: Tensor, most: int) -> tuple[Tensor, Tensor]:
    if len(steps) > most:
        steps = steps[torch.randperm(len(steps))[:most].to(steps.device)]
    row, step = steps.T
    return row, step
