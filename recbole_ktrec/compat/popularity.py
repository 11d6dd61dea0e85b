"""How often an item was taken, for RecBole's Pop.

RecBole 1.2.1 counts an item once a training batch however often it occurs there (its issues 1844 and 2198), and the
negatives that are drawn for other models with it. What it ranks by is no popularity but a number of batches, the
flatter the larger they are.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any


def count_every_interaction(module: ModuleType) -> bool:
    """Let Pop count each interaction of a batch, and nothing that was drawn."""
    import torch

    start, plain = module.Pop.__init__, module.Pop.calculate_loss

    @functools.wraps(start)
    def __init__(self: Any, config: Any, dataset: Any) -> None:
        start(self, config, dataset)
        self._label = config["LABEL_FIELD"]

    @functools.wraps(plain)
    def calculate_loss(self: Any, interaction: Any) -> Any:
        items = interaction[self.ITEM_ID]
        taken = interaction[self._label] > 0 if self._label in interaction else slice(None)
        counted = self.item_cnt + torch.bincount(items[taken], minlength=self.n_items)[:, None]
        loss = plain(self, interaction)
        self.item_cnt, self.max_cnt = counted, counted.max(dim=0)[0]
        return loss

    module.Pop.__init__, module.Pop.calculate_loss = __init__, calculate_loss
    return True
