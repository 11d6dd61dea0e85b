"""How KTRec's neural part reads histories: as a sum, or in their order where what comes next is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import Any

import torch
from torch import Tensor

from recbole_ktrec.errors import ConfigError, DataError, number, one_of
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.nn.attention import AttentionForm
from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.next_item import NextItem
from recbole_ktrec.nn.objective import Objective
from recbole_ktrec.nn.sequences import Sequences

#: Numbers that the vectors of the histories that are read at a time hold.
_NUMBERS = 1 << 24

CHOICES = ("auto", "sum", "attention")


class HistoryOrder:
    """The order of the histories, as ``history_encoder`` says.

    Args:
        config: RecBole's.
        taken: the training interactions.
        decay: the ``history_decay`` that was asked for, None for auto.
        objective: where no order is read; its loss and its negatives hold where one is.

    Attributes:
        form: of the attention that the network needs, None where it needs none.
        used: whether histories are read in their order.
        undecided: whether the closed form is to decide it: it finds whether recent interactions count for more.

    Raises:
        ConfigError: ``attention`` where it cannot be had, or a number that cannot be used.
    """

    def __init__(self, config: Any, taken: TrainingInteractions, decay: float | None, objective: Objective) -> None:
        choice, form = read_form(config)
        if choice == "attention":
            _check(config, taken)
        offered = choice == "auto" and decay != 0 and _asks_for_next(config, taken)
        self.undecided = offered and bool(config["closed_form"])
        self.used = choice == "attention" or (offered and not self.undecided)
        self.form = form if self.used or self.undecided else None
        self._task = NextItem(self.form.length, objective.negatives, objective.loss) if self.form else None
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

    def decide(self, recent_count_more: bool) -> None:
        """Read histories in their order where recent interactions were found to count for more."""
        if self.undecided:
            self.used, self.undecided = recent_count_more, False
            how = "in their order, each item from those before it" if self.used else "as sums"
            getLogger().info(f"history_encoder: the neural part reads histories {how}")

    def restore(self, used: bool) -> None:
        """Read histories as the model of a checkpoint does."""
        self.used, self.undecided = used, False

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuse the parameters of a model that reads histories in another way.

        Raises:
            ConfigError: they have no attention, or one that this model has not.
        """
        stored = any(name.startswith("net.attention.") for name in state)
        if stored is not (self.form is not None):
            other = "attention" if stored else "sum"
            raise ConfigError(f"The checkpoint is of a model with history_encoder [{other}]: give that, too.")

    def loss(self, net: FusionModel, histories: Histories, candidates: Tensor, users: Tensor) -> Tensor:
        """Return the loss of a batch of users, see :class:`recbole_ktrec.nn.next_item.NextItem`."""
        assert self._sequences is not None and self._task is not None
        return self._task(net, histories, self._sequences, candidates, users)

    def vectors(self, net: FusionModel, users: Tensor, trained: Tensor) -> Tensor:
        """Return W_u of ``users`` ``[m]`` from the last of what they took: ``[m, width]``.

        Args:
            trained: their numbers in the training, ``[m]``.
        """
        assert self.form is not None
        some = max(1, _NUMBERS // (self.form.length * net.history_fusion.out_width))
        pairs = zip(users.split(some), trained.split(some), strict=True)
        return torch.cat([self._vectors(net, part, numbers) for part, numbers in pairs])

    def _vectors(self, net: FusionModel, users: Tensor, trained: Tensor) -> Tensor:
        assert self._sequences is not None and self.form is not None
        read, counts = (part.to(trained.device) for part in self._sequences.last(users, self.form.length))
        at = torch.arange(len(users), device=trained.device), (counts - 1).clamp(min=0)
        return net.vectors_in_order(trained, read, counts, at)


def _asks_for_next(config: Any, taken: TrainingInteractions) -> bool:
    """Return whether the order is known and what comes next is asked for; parts that are files may be of any split."""
    later = str(config["eval_args"].get("order")).upper() == "TO" and not config["benchmark_filename"]
    return later and taken.places is not None and config["user_text"] != "history_document"


def _check(config: Any, taken: TrainingInteractions) -> None:
    if taken.places is None:
        raise ConfigError(
            "history_encoder [attention] needs the order of the interactions: name its column with TIME_FIELD and "
            "load it (load_col), or leave history_encoder at auto."
        )
    if config["user_text"] == "history_document":
        raise ConfigError(
            "history_encoder [attention] cannot be had with user_text [history_document]: the document holds what is "
            "to be predicted."
        )


def read_form(config: Any) -> tuple[str, AttentionForm]:
    """Return how histories are asked to be read, one of ``CHOICES``, and the attention where it comes to that.

    Raises:
        ConfigError: a value cannot be used.
    """
    # A checkpoint of before has no such keys.
    if "history_encoder" not in config:
        return "sum", AttentionForm(1)
    choice = one_of("history_encoder", config["history_encoder"] or "auto", CHOICES)
    length, layers, heads = (
        int(number(key, config[key], least=1, whole=True))
        for key in ("attention_length", "attention_layers", "attention_heads")
    )
    dropout = float(number("attention_dropout", config["attention_dropout"], least=0, most=1))
    return choice, AttentionForm(length, layers, heads, dropout)
