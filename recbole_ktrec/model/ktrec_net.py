"""What KTRec's network is made of, by its keys and the data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.errors import ConfigError, number, one_of, switch
from recbole_ktrec.model import ktease_options, multi_task_settings
from recbole_ktrec.model.item_text import USER_TEXTS, load_user_text
from recbole_ktrec.model.ktrec_order import read_form
from recbole_ktrec.model.ktrec_transfer import TransferredTexts
from recbole_ktrec.model.text_side import TextSide, text_side
from recbole_ktrec.nn.attention import AttentionForm
from recbole_ktrec.nn.fusion import FUSIONS
from recbole_ktrec.nn.fusion_model import FusionModel, FusionOptions
from recbole_ktrec.nn.losses import LOSSES
from recbole_ktrec.nn.scorers import SCORERS
from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.whitening import whitened_text
from recbole_ktrec.text.training import check_extra

_CHOICES: dict[str, Iterable[str]] = {"fusion": FUSIONS, "scorer": SCORERS, "loss": LOSSES, "user_text": USER_TEXTS}
_NUMBERS: dict[str, dict[str, Any]] = {
    "temperature": {"above": 0},
    "whitening": {"least": 0, "most": 1},
    "graph_layers": {"least": 0, "whole": True},
    "hidden_share": {"above": 0, "most": 1},
    "id_dropout": {"least": 0, "most": 1},
    "train_negatives": {"least": 1, "whole": True},
    "residual_weight": {"least": 0},
    "user_document_items": {"least": 1, "whole": True},
}
#: Length of the vectors where no text encoder gives one.
_WIDTH = 64


def check_keys(config: Any) -> None:
    """Refuse values that cannot be used, whatever the data.

    Raises:
        ConfigError: the message names the key.
        DataError: ``pretrained`` is not the folder of an artifact.
        MissingExtraError: ``text_encoder_training`` asks for an extra that is not installed.
    """
    ktease_options.check_keys(config)
    check_extra(config["text_encoder_training"])
    read_form(config)
    multi_task_settings.read_numbers(config)
    for key, known in _CHOICES.items():
        one_of(key, config[key], known)
    for key, bounds in _NUMBERS.items():
        number(key, config[key], **bounds)
    for key in ("embedding_size", "tower_rank", "valid_users"):
        if config[key] is not None:  # ~ is a number that the data give
            number(key, config[key], least=1, whole=True)
    for key in ("closed_form", "user_embedding"):
        switch(key, config[key])
    if str(config["learner"]).lower() == "sparse_adam":
        raise ConfigError("learner [sparse_adam] cannot train towers: learner [adam] takes it for the ID tables alone.")


def network(config: Any, text: TextSide, interactions: sp.csr_matrix, user_text: SharedRows | None,
            transfer: TransferredTexts | None,
            attention: AttentionForm | None = None) -> FusionModel:  # fmt: skip
    """Return the network; with ``transfer`` it has the towers of every variant that the guard may take."""
    options = replace(_options(config), attention=attention)
    net = FusionModel(text.stored, interactions.shape[0], options, user_text, text.live_rows)
    items, users = (torch.from_numpy(np.asarray(interactions.sum(axis=axis)).ravel() == 0) for axis in (0, 1))
    net.silence(items, users)
    if transfer:
        transfer.add_towers(net)
    return net


def _options(config: Any) -> FusionOptions:
    """Return the form of the network.

    The gradients of ID tables are sparse, so that a step costs what its batch touches, but where something asks for all
    rows: another learner than Adam, weight decay, clipping by the norm of all gradients, several processes (RecBole's
    synchronisation adds dense gradients to every parameter).
    """
    plain_adam = str(config["learner"]).lower() == "adam" and not config["weight_decay"]
    return FusionOptions(
        fusion=config["fusion"],
        scorer=config["scorer"],
        temperature=float(config["temperature"]),
        tower_rank=config["tower_rank"],
        id_dropout=float(config["id_dropout"]),
        history_text=config["user_text"] != "none",
        user_embedding=bool(config["user_embedding"]),
        sparse=bool(config["single_spec"]) and plain_adam and not config["clip_grad_norm"],
    )


def text_sides(config: Any, dataset: Any, interactions: sp.csr_matrix, device: torch.device,
               transfer: TransferredTexts | None) -> tuple[TextSide, SharedRows | None]:  # fmt: skip
    """Return the text vectors of the items, and those of the users' own texts, None where the keys ask for none.

    They are compared, so both keep the same directions of the text space: those of the items.
    """
    if transfer:
        return TextSide(transfer.transferred[0], transfer.fingerprint), transfer.transferred[1]
    if config["fusion"] == "id":  # items say nothing: zeros, as long as the users' texts
        own = _user_side(config, dataset, interactions)
        shape = interactions.shape[1], int(own.width if own is not None else config["embedding_size"] or _WIDTH)
        return TextSide(SharedRows(np.zeros(shape, dtype=np.float32)), {}), own
    items = text_side(config, dataset, interactions, device)
    return items, _user_side(config, dataset, interactions, items.directions)


def _user_side(
    config: Any, dataset: Any, interactions: sp.csr_matrix, directions: np.ndarray | None = None
) -> SharedRows | None:
    found = load_user_text(config, dataset, interactions)
    if found is None:
        return None
    whitening, width = float(config["whitening"]), config["embedding_size"]
    return SharedRows(whitened_text(found.matrix, found.has_text, whitening, width, directions))
