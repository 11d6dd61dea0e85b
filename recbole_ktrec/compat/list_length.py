"""Lists longer than the catalogue: torch tells of an index, where the key and the number of items are what is wrong."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import ConfigError


def refuse_long_lists(collector: ModuleType) -> bool:
    """Let ``Collector.eval_batch_collect`` compare ``topk`` with the items that it ranks (the padding is among them).

    Only there: a model that is never evaluated may have any catalogue.
    """
    original = collector.Collector.eval_batch_collect

    @functools.wraps(original)
    def eval_batch_collect(self: Any, scores_tensor: Any, *args: Any, **kwargs: Any) -> Any:
        ranked = any(map(self.register.need, ("rec.items", "rec.topk", "rec.lists")))
        if ranked and max(self.topk) > scores_tensor.shape[-1]:
            raise ConfigError(f"topk [{max(self.topk)}] is more than the [{scores_tensor.shape[-1] - 1}] items.")
        return original(self, scores_tensor, *args, **kwargs)

    collector.Collector.eval_batch_collect = eval_batch_collect
    return True
