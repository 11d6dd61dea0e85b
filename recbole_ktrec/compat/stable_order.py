"""Which of repeated interactions stays, and in which order the others stand, on any processor.

RecBole 1.2.1 sorts interactions by time before it takes repeats out (``rm_dup_inter``), with numpy's quicksort. That
leaves what has the same time in an order of its own, another one where the processor has AVX-512: the same seed then
draws another split on another machine. Here what has the same time stays as the file has it.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any


def sort_stably(module: ModuleType) -> bool:
    """Let ``Dataset._remove_duplication`` keep the order of what has the same time."""
    plain = module.Dataset._remove_duplication

    @functools.wraps(plain)
    def _remove_duplication(self: Any) -> None:
        keep, time = self.config["rm_dup_inter"], self.time_field
        if keep is None or time not in self.inter_feat:
            plain(self)
            return
        self._check_field("uid_field", "iid_field")
        self.inter_feat.sort_values(time, kind="stable", inplace=True)
        self.logger.info(f"Interactions were sorted by [{time}]; of those with the same time the first stays first.")
        self.inter_feat.drop_duplicates([self.uid_field, self.iid_field], keep=keep, inplace=True)

    module.Dataset._remove_duplication = _remove_duplication
    return True
