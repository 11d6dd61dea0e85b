"""The text vectors of a data set's items as the fusion model reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.model.item_text import load_item_text, load_texts
from recbole_ktrec.model.live_text import LiveText
from recbole_ktrec.nn.graph import smooth_items
from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.whitening import fit_whitening, whitened_text
from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.encoder import TextEncoder


@dataclass(frozen=True)
class TextSide:
    """Vectors of the items' texts.

    Attributes:
        stored: whitened and smoothed ``[n_items, width]``.
        fingerprint: of the encoder; empty without text.
        live: the encoder, if it is trained.
        directions: of the text space that are kept ``[dim, width]``, None if all are.
        hashes: one of each different text, see :func:`recbole_ktrec.text.vectors.text_hashes`; none without text.
    """

    stored: SharedRows
    fingerprint: dict[str, Any]
    live: LiveText | None = None
    directions: np.ndarray | None = None
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    @property
    def live_rows(self) -> Callable[[Tensor], Tensor] | None:
        """What gives the vectors of items ``[m]`` in place of ``stored``, None if the encoder is not trained."""
        return None if self.live is None else self.live.rows


def text_side(config: Any, dataset: Any, interactions: sp.csr_matrix, device: torch.device,
              encoder: TextEncoder | None = None, directions: np.ndarray | None = None) -> TextSide:  # fmt: skip
    """Return the text vectors of the items of ``dataset``, whitened on their own.

    Args:
        interactions: of the training part, binary ``[n_users, n_items]``.
        encoder: one that is trained already, to be shared; None loads one if it is to be trained.
        directions: of the text space that another data set keeps, to be shared; None: those that ``embedding_size``
            asks for.
    """
    found = load_item_text(config, dataset)
    power, width = float(config["whitening"]), config["embedding_size"]
    if not found.has_text.any():
        return TextSide(SharedRows(whitened_text(found.matrix, found.has_text, power, width)), found.fingerprint)
    whitening = fit_whitening(found.matrix[np.flatnonzero(found.has_text)], power, width, directions)
    plain = whitening.rows(found.matrix, found.has_text)
    stored = SharedRows(smooth_items(interactions, plain, int(config["graph_layers"])))
    settings, live = TextSettings.from_mapping(config), None
    if settings.encoder_training != "frozen":
        texts = load_texts(config, dataset)
        if encoder is None:
            encoder = TextEncoder.load(settings, device)
            encoder.set_training()
        live = LiveText(texts, encoder, whitening, plain, stored)
    return TextSide(stored, found.fingerprint, live, whitening.directions, found.hashes)
