"""Training on what another scorer leaves to explain: its scores stand beside the trained ones in the loss."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.nn.matrices import Score


class Residual:
    """Scores of a fixed scorer for what is visible of the histories of a batch, as they count in the loss.

    Args:
        score: gives the scores, float32.
        scale: what a score counts beside one of the trained part.
        n_items: size of the catalogue.
    """

    def __init__(self, score: Score, scale: float, n_items: int) -> None:
        self._score, self.scale, self._n_items = score, scale, n_items

    def __deepcopy__(self, memo: dict[int, object]) -> Residual:
        return self  # nothing that is trained: copies of a model share it

    def __call__(self, users: int, row: Tensor, items: Tensor, candidates: Tensor) -> Tensor:
        """Return the scores, scaled, on the device of ``candidates``: ``[users, c]``.

        Args:
            users: how many the batch has.
            row, items: their visible interactions, ``[n]`` each; every one counts the same.
            candidates: items ``[c]`` that scores are wanted of.
        """
        ones = np.ones(len(row), dtype=np.float32)
        visible = sp.csr_matrix((ones, (row.cpu().numpy(), items.cpu().numpy())), (users, self._n_items))
        scores = torch.from_numpy(self._score(visible)[:, candidates.cpu().numpy()])
        return scores.mul_(self.scale).to(candidates.device)
