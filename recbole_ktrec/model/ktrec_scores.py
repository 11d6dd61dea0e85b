"""KTRec without its training: what it knows of items and users, and the scores that it makes of it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from recbole.model.abstract_recommender import GeneralRecommender
from torch import Tensor

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.ktease_options import read_number
from recbole_ktrec.model.ktrec_net import check_keys, network, text_sides
from recbole_ktrec.model.ktrec_order import HistoryOrder
from recbole_ktrec.model.ktrec_transfer import TransferredTexts
from recbole_ktrec.model.multi_task_settings import MultiTaskSettings
from recbole_ktrec.model.trained_encoder import take_encoder
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.losses import LOSSES
from recbole_ktrec.nn.objective import Objective
from recbole_ktrec.nn.remembered import Remembered
from recbole_ktrec.nn.residual import Residual
from recbole_ktrec.nn.scorers import score_pairs

#: Bytes of scores of the closed form that are kept while the neural part trains: mostly all that evaluations ask for.
_REMEMBERED = 2**29


class KTRecScores(GeneralRecommender):
    """The scores ``v n + w c`` of :class:`recbole_ktrec.model.ktrec.KTRec`, as what trains it sees them.

    Attributes:
        trained_on: the interactions of ``dataset``.
        taken: those that scores are made from: these, or what :meth:`recbole_ktrec.model.ktrec.KTRec.take` was given.
    """

    check_config = staticmethod(check_keys)

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        take_encoder(config)
        self.check_config(config)
        self.taken = self.trained_on = TrainingInteractions.of(dataset)
        self.multi_task = MultiTaskSettings.read(config)
        self.objective = Objective(config["hidden_share"], int(config["train_negatives"]), LOSSES[config["loss"]])
        self.history_decay = self.taken.check_decay(read_number(config, "history_decay"))
        self.order = HistoryOrder(config, self.taken, self.history_decay, self.objective)
        self.take_decay(self.history_decay or 0.0)
        # An item that nobody could take yet is no negative.
        self.candidates = torch.from_numpy(np.flatnonzero(self.taken.known))
        cold = torch.from_numpy(~self.taken.known)
        cold[0] = False  # padding is no item: where all were taken there is nothing to measure
        self.register_buffer("cold", cold, persistent=False)
        self.cold_warm_loss = read_number(config, "cold_warm_loss")
        self.transfer = TransferredTexts.read(config, dataset, self.taken.matrix)
        self.transfer_choice, self.zero_shot = dict[str, Any](), config["transfer"] == "zero_shot"
        text, user_text = text_sides(config, dataset, self.taken.matrix, self.device, self.transfer)
        self.text_fingerprint, self.live, self.text_directions = text.fingerprint, text.live, text.directions
        self.text_hashes = text.hashes
        self.net = network(config, text, self.taken.matrix, user_text, self.transfer, self.order.form)
        if config["fusion"] == "id":
            config["prior"] = "none"  # no texts in the closed form either
        # In a tuple it is no part of the module: nothing that gradients train, and no copy of it in each checkpoint.
        transfer = None if self.transfer is None else self.transfer.settings
        self._held = (KTEASE(config, dataset, self.taken, transfer) if config["closed_form"] else None,)
        self.residual_weight = float(config["residual_weight"])
        if self.residual_weight and self.closed is None:
            self.logger.warning("residual_weight is not used: closed_form is [False].")
        self.other_parameter_name = ["text_fingerprint", "closed_parts", "transfer_choice", "decay"]
        self.other_parameter_name += ["residual_size", "cold_shift", "cold_gain", "in_order", "closed_share"]
        self._begin()

    def _begin(self) -> None:
        """Set what ktrec_prepare.py and ktrec_settle.py decide to what holds before."""
        self.register_buffer("blend", torch.tensor([1.0, 0.0]))
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))
        self.cold_shift, self.cold_gain = 0.0, 1.0  # added to their neural scores, times those of the closed form
        self.residual: Residual | None = None  # the closed form's scores in the loss
        self.residual_size = 0.0
        self.settled, self.closed_share = False, math.nan  # the part of the closed form in the scores
        self._items: tuple[Tensor, Tensor] | None = None
        self._remembered: Remembered | None = None

    def neural(self, users: Tensor) -> Tensor:
        """Return the scores of all items by the neural part for ``users`` ``[m]``: ``[m, n_items]``."""
        vectors, bias = self.catalogue()
        return self.net.scorer.grid(self.user_vectors(users.to(self.device)), vectors) + bias

    def catalogue(self) -> tuple[Tensor, Tensor]:
        """Return vectors and biases of all items, computed once an evaluation."""
        if self._items is None:
            self._items = self.net.item_vectors(torch.arange(self.n_items, device=self.device))
        vectors, bias = self._items
        return vectors, bias + self.cold_shift * self.cold

    def user_vectors(self, users: Tensor) -> Tensor:
        """Return W_u of ``users`` ``[m]`` from their training histories: ``[m, width]``."""
        trained = torch.from_numpy(self.taken.trained(users.cpu().numpy())).to(self.device)
        if self.order.used:
            return self.order.vectors(self.net, users, trained)
        row, items, weight = (part.to(self.device) for part in self.histories.of(users))
        return self.net.user_vectors(trained, row, items, weight)

    @torch.no_grad()
    def predict(self, interaction: Any) -> Tensor:
        """Return R(u, i), a probability, for the pairs of the batch: ``[batch_size]``."""
        users, items = (interaction[name].to(self.device) for name in (self.USER_ID, self.ITEM_ID))
        scores = self._blended(lambda: self._neural_pairs(users, items), lambda: self.closed_pairs(users, items))
        return torch.sigmoid(self.calibration[0] * scores + self.calibration[1])

    def _neural_pairs(self, users: Tensor, items: Tensor) -> Tensor:
        vectors, bias = self.catalogue()
        distinct, index = torch.unique(users, return_inverse=True)
        return score_pairs(self.net.scorer, self.user_vectors(distinct), index, vectors, items) + bias[items]

    @torch.no_grad()
    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Return the scores of every item for the users of the batch, flat: ``[batch_size * n_items]``."""
        users = interaction[self.USER_ID]

        def closed() -> Tensor:
            return torch.from_numpy(self.closed_scores(users)).to(self.device)

        return self._blended(lambda: self.neural(users), closed).view(-1)

    def _blended(self, neural: Callable[[], Tensor], closed: Callable[[], Tensor]) -> Tensor:
        """Return v n + w c, ``blend`` being (v, w); a part that counts nothing is not computed."""
        if self.blended_form() is None:
            return self.blend[0] * neural()
        if not self.blend[0]:
            return closed().mul_(self.blend[1])
        return (self.blend[0] * neural()).add_(self.blend[1] * closed())

    def closed_scores(self, users: Tensor) -> np.ndarray:
        """Return the scores of all items by the closed form for ``users`` ``[m]``: float32 ``[m, n_items]``."""
        assert self.closed is not None
        scores = (self._remembered or self.closed.scores)(users.cpu().numpy())
        if self.cold_gain != 1:
            scores[:, self.cold.cpu().numpy()] *= np.float32(self.cold_gain)
        return scores

    def closed_pairs(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the scores of pairs by the closed form: ``[n]``."""
        assert self.closed is not None
        scores = self.closed.pairs(users.cpu().numpy(), items.cpu().numpy()).to(self.device)
        return scores * torch.where(self.cold[items], self.cold_gain, 1.0)

    @contextlib.contextmanager
    def remembering(self) -> Iterator[None]:
        """Keep the closed form's scores while the block runs: the same users are asked for at each evaluation."""
        if self.closed is not None:
            self._remembered = Remembered(self.closed.scores, self.n_users, self.n_items, _REMEMBERED)
        try:
            yield
        finally:
            self._remembered = None

    def blended_form(self) -> KTEASE | None:
        """Return the closed form if it has a part in the scores.

        Raises:
            ConfigError: it has, and is not there.
        """
        if self.blended and self.closed is not None and not self.closed.weights:
            raise ConfigError(
                "This checkpoint is of a run that was stopped in training: its closed form is not in it. Train again."
            )
        return self.closed if self.blended else None

    def take_decay(self, decay: float) -> None:
        """Weigh the histories from which scores are made by how recent what they hold is."""
        self.decay, self.histories = decay, Histories(self.taken.weighted(decay))

    @property
    def in_order(self) -> bool:
        """Whether the neural part reads histories in their order."""
        return self.order.used

    @property
    def closed(self) -> KTEASE | None:
        """The closed form beside the neural part, None without one."""
        return self._held[0]

    @property
    def blended(self) -> bool:
        """Whether the closed form has a part in the scores."""
        return bool(self.blend[1])

    def train(self, mode: bool = True) -> KTRecScores:
        """Forget the catalogue's vectors when training begins or ends: the parameters behind them change."""
        self._items = self._items if not mode and not self.training else None
        super().train(mode)
        return self

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Forget them with other parameters, too."""
        self._items = None
        if self.live is not None:
            self.live.forget()
        self.order.check_state(args[0] if args else kwargs["state_dict"])
        return super().load_state_dict(*args, **kwargs)
