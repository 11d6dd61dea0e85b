"""A frozen array that copies of a model share: deep copies and checkpoints do not carry it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class SharedRows:
    """Rows of a frozen matrix, moved to a device the first time that they are asked for there.

    Args:
        matrix: float32 ``[n, width]``, may be memory-mapped.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self._on: dict[torch.device, Tensor] = {torch.device("cpu"): torch.from_numpy(np.ascontiguousarray(matrix))}

    def __deepcopy__(self, memo: dict[int, object]) -> SharedRows:
        return self

    def __len__(self) -> int:
        return len(self._on[torch.device("cpu")])

    @property
    def width(self) -> int:
        """Length of a row."""
        return self._on[torch.device("cpu")].shape[1]

    def all(self, device: torch.device) -> Tensor:
        """Return the whole matrix on ``device``."""
        if device not in self._on:
            self._on[device] = self._on[torch.device("cpu")].to(device)
        return self._on[device]

    def rows(self, index: Tensor) -> Tensor:
        """Return the rows ``index`` ``[m]``, on the device of ``index``: ``[m, width]``."""
        return self.all(index.device)[index]
