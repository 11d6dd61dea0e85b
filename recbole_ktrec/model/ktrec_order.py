"""How KTRec's neural part reads histories: as a sum, or in their order where what comes next is asked for."""

from __future__ import annotations

from logging import getLogger
from typing import Any

import torch
from torch import Tensor

from recbole_ktrec.errors import ConfigError, DataError, number, one_of
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.losses import LOSSES
from recbole_ktrec.nn.next_item import NextItem
from recbole_ktrec.nn.sequences import Sequences

#: Users whose histories are read at a time.
_USERS = 1024

CHOICES = ("auto", "sum", "attention")


class HistoryOrder:
    """The order of the histories, as ``history_encoder`` says.

    Args:
        config: RecBole's.
        taken: the training interactions.

    Attributes:
        form: of the attention that the network needs, None where it needs none.
        used: whether histories are read in their order. Where auto leaves it open, the closed form decides: it knows
            whether recent interactions count for more.

    Raises:
        ConfigError: ``attention`` where no order is known, or a number that cannot be used.
    """

    def __init__(self, config: Any, taken: TrainingInteractions) -> None:
        choice = config["history_encoder"] or "sum"  # a checkpoint of before has no such key
        one_of("history_encoder", choice, CHOICES)
        if choice == "attention" and taken.places is None:
            raise ConfigError(
                "history_encoder [attention] needs the order of the interactions: name its column with TIME_FIELD and "
                "load it (load_col), or leave history_encoder at auto."
            )
        in_time = taken.places is not None and str(config["eval_args"].get("order")).upper() == "TO"
        self.open = choice == "auto" and in_time and bool(config["closed_form"])
        self.used = choice == "attention" or (choice == "auto" and in_time and not self.open)
        self.form = _form(config) if self.used or self.open else None
        self._task = NextItem(self.form[0] if self.form else 1, int(config["train_negatives"]), LOSSES[config["loss"]])
        self.take(taken)

    def take(self, taken: TrainingInteractions) -> None:
        """Read the histories of ``taken``.

        Raises:
            DataError: they have no order, and the model needs one.
        """
        if self.used and taken.places is None:
            raise DataError(
                "The model reads histories in their order (history_encoder [attention]), and these have no times: "
                "name their column with TIME_FIELD and load it (load_col)."
            )
        self._sequences = Sequences(taken.places) if self.form and taken.places is not None else None

    def decide(self, decay: float) -> None:
        """Read histories in their order where recent interactions were found to count for more (``decay``)."""
        if self.open:
            self.used, self.open = bool(decay), False
            how = "in their order, each item from those before it" if self.used else "as sums"
            getLogger().info(f"history_encoder: the neural part reads histories {how}")

    def loss(self, net: FusionModel, histories: Histories, candidates: Tensor, users: Tensor, live: Any) -> Tensor:
        """Return the loss of a batch of users, see :class:`recbole_ktrec.nn.next_item.NextItem`."""
        assert self._sequences is not None
        return self._task(net, histories, self._sequences, candidates, users, live)

    def vectors(self, net: FusionModel, users: Tensor, trained: Tensor, live: Any) -> Tensor:
        """Return W_u of ``users`` ``[m]`` from the last of what they took: ``[m, width]``.

        Args:
            trained: their numbers in the training, ``[m]``.
        """
        pairs = zip(users.split(_USERS), trained.split(_USERS), strict=True)
        return torch.cat([self._vectors(net, some, numbers, live) for some, numbers in pairs])

    def _vectors(self, net: FusionModel, users: Tensor, trained: Tensor, live: Any) -> Tensor:
        assert self._sequences is not None
        read, counts = (part.to(trained.device) for part in self._sequences.last(users, self._task.length))
        at = torch.arange(len(users), device=trained.device), (counts - 1).clamp(min=0)
        return net.vectors_in_order(trained, read, counts, at, live)


def _form(config: Any) -> tuple[int, int, int, float]:
    length, layers, heads = (
        int(number(key, config[key], least=1, whole=True))
        for key in ("attention_length", "attention_layers", "attention_heads")
    )
    return length, layers, heads, float(number("attention_dropout", config["attention_dropout"], least=0, most=1))
