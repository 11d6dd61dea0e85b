"""Text vectors of an encoder in training: with gradient for the items of a batch, cached for an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ktrec.nn.shared import SharedRows
from recbole_ktrec.nn.whitening import Whitening
from recbole_ktrec.text.encoder import TextEncoder


class LiveText(nn.Module):
    """``stored + (whitened encoder(text) - whitened frozen vector)``: starts as the stored vectors, smoothing included.

    Args:
        texts: one an item, None where there is none.
        encoder: in training.
        whitening: fitted on the frozen vectors, and kept.
        frozen: whitened frozen vectors ``[n_items, width]``.
        stored: what the model reads without training: ``frozen``, smoothed over the graph.
    """

    mean: Tensor
    matrix: Tensor

    def __init__(
        self,
        texts: Sequence[str | None],
        encoder: TextEncoder,
        whitening: Whitening,
        frozen: np.ndarray,
        stored: SharedRows,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.ids = self.encoder.tokenize(texts, remember=False)
        self.frozen, self.stored = SharedRows(frozen), stored
        self.register_buffer("mean", torch.from_numpy(whitening.mean), persistent=False)
        self.register_buffer("matrix", torch.from_numpy(whitening.matrix), persistent=False)
        self._all: Tensor | None = None

    def rows(self, items: Tensor) -> Tensor:
        """Return the vectors of ``items`` ``[m]``: ``[m, width]``; in training with gradient to the encoder.

        Scores are made without gradients, perhaps by a model in training mode (RecBole loads it so): no dropout there.
        """
        if not self.training:
            return self._whole(items.device)[items]
        ids = [self.ids[item] for item in items.tolist()]
        return self._moved(items, self.encoder(ids) if torch.is_grad_enabled() else self.encoder.vectors(ids))

    @torch.no_grad()
    def vectors(self, texts: Sequence[str | None]) -> Tensor:
        """Return the whitened vectors of other texts than the items', ``[n, width]``, as the encoder is now."""
        return self._whitened(self.encoder.vectors(texts))

    def _whitened(self, vectors: Tensor) -> Tensor:
        return F.normalize((vectors - self.mean) @ self.matrix, dim=1)

    def _moved(self, items: Tensor, vectors: Tensor) -> Tensor:
        live = self._whitened(vectors)
        known = torch.tensor([bool(self.ids[item]) for item in items.tolist()], device=items.device).unsqueeze(1)
        return self.stored.rows(items) + (live - self.frozen.rows(items)) * known

    @torch.no_grad()
    def _whole(self, device: torch.device) -> Tensor:
        if self._all is None:
            everything = torch.arange(len(self.stored), device=device)
            self._all = self._moved(everything, self.encoder.vectors(self.ids))
        return self._all

    def forget(self) -> None:
        """Forget the evaluation's vectors: the encoder has changed."""
        self._all = None

    def train(self, mode: bool = True) -> LiveText:
        """Forget the evaluation's vectors when training begins or ends."""
        self._all = self._all if not mode and not self.training else None
        super().train(mode)
        return self
