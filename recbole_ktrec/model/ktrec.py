"""KTRec: item text, IDs and histories fused in one scorer, R(u, i) = sigma(W_u . f(i) + b_i).

From RecBole's calls to the formula:

    calculate_loss      nn/objective.py, or nn/next_item.py where histories are read in their order: W_u from a part of
                        each history, f(i) and b_i of some candidates, their scores, a loss of nn/losses.py
    full_sort_predict   s = v n + w c: n = W_u . f(i) + b_i from whole histories (:meth:`KTRec.neural`), c the scores of
                        the closed form (:meth:`KTRec.closed_scores`, model/ktease.py), (v, w) the buffer ``blend``
    predict             R(u, i) = sigma(a s + d) of some pairs, (a, d) the buffer ``calibration``

All of them take W_u, f(i) and b_i from the network, nn/fusion_model.py; its towers, fusions and scorers (which make the
product) are files beside it. Around it, in this folder:

    ktrec_scores        the model without its training (the class that KTRec is made of): full_sort_predict and predict
    ktrec_net           the network, of keys, texts (text_side, ktrec_transfer where an artifact moves them) and data
    ktrec_order         whether histories are read in their order, and how
    ktrec_trainer       ktrec_prepare before the training (transfer, closed form), multi_task beside it, ktrec_settle
                        after it (``blend``, ``calibration``, the level of new items)
    ktrec_feedback      one rating, taken in without training
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from recbole.utils import InputType
from torch import Tensor

from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.ktrec_feedback import take_rating
from recbole_ktrec.model.ktrec_scores import KTRecScores
from recbole_ktrec.model.ktrec_trainer import KTRecTrainer
from recbole_ktrec.text import check_fingerprint


class KTRec(KTRecScores):
    """Knowledge-transfer recommender; the keys are those of ``properties/model/KTRec.yaml``.

    A training batch is a batch of users: a part of each history is hidden and predicted from the rest, against the
    other users' hidden items and random ones; or, where order counts (``history_encoder``), each item is predicted from
    those before it. It costs what the batch holds, whatever the size of the catalogue.
    """

    input_type = InputType.POINTWISE
    trainer_class = KTRecTrainer
    train_dataloader = "user"

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Return the loss of a batch of users (only their ids are read): a scalar."""
        users = interaction[self.USER_ID].to(self.device)
        if self.order.used:
            return self.order.loss(self.net, self.histories, self.candidates, users)
        return self.objective(self.net, self.histories, self.candidates, users, self.residual)

    def fold_in(self, dataset: Any, numbers: np.ndarray | None = None) -> None:
        """Take the users' histories from ``dataset``, new users' too, without training.

        Vectors of users (``user_embedding``, ``user_text``) stay with those who had them: new users have none.

        Args:
            numbers: of its items in the training, where they may have others, see
                :meth:`recbole_ktrec.model.interactions.TrainingInteractions.again`.
        """
        self.take(self.read_again(dataset, numbers))

    def read_again(
        self, dataset: Any, numbers: np.ndarray | None = None, read: TrainingInteractions | None = None
    ) -> TrainingInteractions:
        """Return what :meth:`fold_in` takes, without taking it; ``read``: if they are read already."""
        recent = 1.0 if self.closed is None else self.closed.recent
        return self.trained_on.again(dataset, self.decay, recent, numbers, read)

    @torch.no_grad()
    def with_histories(self, taken: TrainingInteractions) -> KTRec:
        """Return a model of the same parameters with other histories; this one keeps its own, threads may ask both."""
        if not self.training:
            self.catalogue()  # once, for all of them, as is what the fit left
            if self.closed is not None and self.closed.weights:
                self.closed.scorer()
        other = copy.copy(self)
        other.order, other._held = copy.copy(self.order), (copy.copy(self.closed),)
        if taken is not self.taken:
            other.take(taken)
        return other

    def take(self, taken: TrainingInteractions) -> None:
        """Take the users' histories from ``taken``, see :meth:`fold_in`."""
        self.order.take(taken)
        self.taken = taken
        self.take_decay(self.decay)
        if self.closed is not None:
            self.closed.take(taken)

    def content_items(self) -> Tensor:
        """Return which items have a text that the model reads: bool ``[n_items]``."""
        return (self.net.text.all(torch.device("cpu")) != 0).any(dim=1)

    @property
    def closed_parts(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps of the closed form: written once, after training, not with each better epoch."""
        return [self.closed.other_parameter()] if self.settled and self.closed is not None else []

    @torch.no_grad()
    def feedback(self, user: int, item: int, value: float) -> None:
        """Take one rating in without training: R(user, item), internal ids, is ``value`` in (0, 1) afterwards.

        Raises:
            ConfigError: there is no vector of the user to move, or none that gives ``value``.
        """
        take_rating(self, user, item, value)

    def load_other_parameter(self, para: dict[str, Any] | None) -> None:
        """Refuse a checkpoint that was trained with another text encoder or artifact.

        Raises:
            DataError, EncoderError: they differ; the message names it.
        """
        para = para or {}
        if para and self.text_fingerprint:
            check_fingerprint(para["text_fingerprint"], self.text_fingerprint)
        self.transfer_choice = dict(para.get("transfer_choice") or {})
        if self.transfer and self.transfer_choice:
            self.transfer.restore(self.net, self.transfer_choice)
        if self.closed is not None and para.get("closed_parts"):
            self.closed.load_other_parameter(para["closed_parts"][0])
            self.settled = True
        self.residual_size, self.closed_share = para.get("residual_size", 0.0), para.get("closed_share", math.nan)
        self.cold_shift, self.cold_gain = para.get("cold_shift", 0.0), para.get("cold_gain", 1.0)
        self.take_decay(para.get("decay", self.decay))
        if "in_order" in para:
            self.order.restore(para["in_order"])
        self._items = None
