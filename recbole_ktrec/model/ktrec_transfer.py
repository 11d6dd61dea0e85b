"""KTRec with an artifact: whose text vectors the neural part reads, and what of its towers is trained."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch.nn import functional as F

from recbole_ktrec.errors import ConfigError, EncoderError
from recbole_ktrec.model.held_out import HeldOut
from recbole_ktrec.model.item_text import load_item_text, load_user_text
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.model.transfer import TransferSettings, listed, means, other_artifact, pick, reasons, shown
from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.graph import smooth_items
from recbole_ktrec.nn.samples import FEWEST, masked_ndcg_by_user
from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.towers import TowerPair
from recbole_ktrec.nn.whitening import whitened_text
from recbole_ktrec.text import ItemVectors

_ADAPTER_RANK = 16
#: Vectors of items, and of users where they are read.
Texts = tuple[SharedRows, SharedRows | None]
_logger = logging.getLogger(__name__)


@dataclass
class TransferredTexts:
    """The texts with and without the artifact; copies of a model share them.

    Attributes:
        settings: of the transfer.
        fingerprint: of the encoder.
        origin: what of the artifact the transferred vectors are made with.
        transferred: vectors of items and, if they are read, of users.
        untrained: gives those that it competes with, made when they are asked for: the encoder may be another one.
    """

    settings: TransferSettings
    fingerprint: dict[str, Any]
    origin: dict[str, Any]
    transferred: Texts
    untrained: Callable[[], Texts]

    def __deepcopy__(self, memo: dict[int, object]) -> TransferredTexts:
        return self

    @classmethod
    def read(cls, config: Any, dataset: Any, interactions: sp.csr_matrix) -> TransferredTexts | None:
        """Return them, or None where ``pretrained`` names nothing.

        Raises:
            ConfigError: another key contradicts ``pretrained``.
            EncoderError: the artifact is of another encoder.
        """
        settings = TransferSettings.read(config)
        _check(config, settings)
        if settings is None:
            return None
        found, user = load_item_text(config, dataset), load_user_text(config, dataset, interactions)
        settings.warn_of_copies(config, dataset, found.hashes)
        artifact, layers = settings.artifact, int(config["graph_layers"])
        artifact.check(found.fingerprint, found.matrix.shape[1])
        shape = artifact.shape_for(interactions)

        def moved(one: ItemVectors) -> np.ndarray:
            return artifact.transferred(whitened_text(np.asarray(one.matrix), one.has_text, artifact.whitening), shape)

        def plain(one: ItemVectors) -> np.ndarray:
            return whitened_text(np.asarray(one.matrix), one.has_text, float(config["whitening"]))

        def made(make: Callable[[ItemVectors], np.ndarray], items: ItemVectors, users: ItemVectors | None) -> Texts:
            smooth = SharedRows(smooth_items(interactions, make(items), layers))
            return smooth, None if users is None else SharedRows(make(users))

        @functools.cache
        def untrained() -> Texts:
            view = UntrainedEncoder.of(config)
            if view is config:
                return made(plain, found, user)
            return made(plain, load_item_text(view, dataset), load_user_text(view, dataset, interactions))

        origin = {"weights_sha256": artifact.card["weights_sha256"], "shape": asdict(shape)}
        return cls(settings, found.fingerprint, origin, made(moved, found, user), untrained)

    def add_towers(self, net: FusionModel) -> None:
        """Let ``net`` have towers for the transferred texts too, where their rank is another than the others'."""
        given, how = net.options.tower_rank, self.settings.how
        rank = {"full": None, "adapter": given or _ADAPTER_RANK}.get(how, given)
        if rank != given:
            net.pair_towers(rank)

    def choose(self, interactions: sp.csr_matrix, found: HeldOut | None) -> dict[str, Any]:
        """Return which texts are read and why: those of the artifact only where :func:`pick` prefers them.

        Args:
            interactions: of the training part, ``[n_users, n_items]``.
        """
        how, scores = self.settings.how, dict[str, float]()
        if self.settings.zero_shot or not self.settings.guard:
            why = "zero-shot" if self.settings.zero_shot else "transfer_guard is off"
            used, why = "transferred", self.settings.artifact.taken_because(why, interactions)
        elif found is None or len(found.item) < FEWEST:
            why = "too few validation interactions to compare"
            used, why = "transferred", self.settings.artifact.taken_because(why, interactions)
        else:
            used, why, scores = self._compared(interactions, found)
        _logger.info(f"Transfer [{how}], text vectors: {shown(used)} ({why}){listed(scores)}")
        return {"transfer": how, "used": used, "why": why, "ndcg": scores, "artifact": self.origin}

    def _compared(self, interactions: sp.csr_matrix, found: HeldOut) -> tuple[str, str, dict[str, float]]:
        try:
            texts = {"untrained": self.untrained()[0], "transferred": self.transferred[0]}
        except EncoderError as error:
            _logger.warning(f"The guard cannot compare with the untrained encoder, which is not to be had: {error}")
            return "transferred", "the untrained encoder is not to be had", {}
        values = {name: _kernel_ndcg(text, interactions, found) for name, text in texts.items()}
        return pick(values), f"NDCG@10 of history and text on validation data; {reasons(values)}", means(values)

    def apply(self, net: FusionModel, used: str) -> None:
        """Let ``net`` read the texts ``used``; each of them has its own towers, frozen ones none."""
        net.text, net.user_text = self.transferred if used == "transferred" else self.untrained()
        fixed = used == "transferred" and self.settings.how == "frozen"
        for tower in (net.item_tower, net.history_tower, net.user_tower):
            if isinstance(tower, TowerPair):
                tower.takes_second = used == "transferred"
            elif tower is not None:
                tower.fixed = fixed

    def restore(self, net: FusionModel, choice: dict[str, Any]) -> None:
        """Let ``net`` read the texts that ``choice``, of a checkpoint, says.

        Raises:
            DataError: its towers were trained on what another artifact made of the texts.
        """
        if choice["used"] == "transferred" and choice.get("artifact") != self.origin:
            raise other_artifact(self.settings.artifact.folder)
        self.apply(net, choice["used"])


def _check(config: Any, settings: TransferSettings | None) -> None:
    zero_shot, wanted = config["transfer"] == "zero_shot", "" if settings is None else "pretrained and "
    if settings is None and not zero_shot:
        return
    wrong = {
        "fusion": config["fusion"] == "id",
        "text_encoder_training": config["text_encoder_training"] not in (None, "frozen"),
        "source_datasets": bool(config["source_datasets"]),
        "closed_form": zero_shot and not config["closed_form"],
    }
    if settings is not None:
        wrong["embedding_size"] = config["embedding_size"] not in (None, len(settings.artifact.matrix))
    for key in [key for key, contradicts in wrong.items() if contradicts]:
        raise ConfigError(f"{key} [{config[key]}] cannot be had with {wanted}transfer [{config['transfer']}].")


def _kernel_ndcg(text: SharedRows, interactions: sp.csr_matrix, found: HeldOut) -> np.ndarray:
    """Return NDCG@10 by user of the untrained model: the cosine of an item's text and the sum of the history's."""
    vectors = text.all(torch.device("cpu"))
    rows = interactions[found.users.numpy()]
    scores = F.normalize(torch.from_numpy(rows @ vectors.numpy()), dim=1) @ vectors.T
    return masked_ndcg_by_user(scores.numpy(), *found.asked(interactions))
