"""Which of repeated interactions stays, and in which order the others stand, on any processor.

RecBole 1.2.1 sorts interactions by time before it takes repeats out (``rm_dup_inter``), with numpy's quicksort. That
leaves what has the same time in an order of its own, another one where the processor has AVX-512: the same seed then
draws another split on another machine. Here what has the same time stays as the file has it. Without times RecBole
warns each time that it reads a data set, and of which one it does not say.
"""

from __future__ import annotations

import functools
from logging import getLogger
from types import ModuleType
from typing import Any


def sort_stably(module: ModuleType) -> bool:
    """Let ``Dataset._remove_duplication`` keep the order of what has the same time."""
    plain = module.Dataset._remove_duplication

    @functools.wraps(plain)
    def _remove_duplication(self: Any) -> None:
        keep, time = self.config["rm_dup_inter"], self.time_field
        if keep is None:
            plain(self)
            return
        self._check_field("uid_field", "iid_field")
        if time in self.inter_feat:
            self.inter_feat.sort_values(time, kind="stable", inplace=True)
            self.logger.info(
                f"Interactions were sorted by [{time}]; of those with the same time the first stays first."
            )
        else:
            _warn_of_no_times(self.dataset_name, time, keep)
        self.inter_feat.drop_duplicates([self.uid_field, self.iid_field], keep=keep, inplace=True)

    module.Dataset._remove_duplication = _remove_duplication
    return True


@functools.cache
def _warn_of_no_times(name: str, time: str | None, keep: str) -> None:
    """Say it once: `ktrec pretrain` reads each of its sources several times."""
    getLogger().warning(
        f"[{name}]: rm_dup_inter [{keep}] goes by the order of the file, as no times are loaded (TIME_FIELD [{time}])."
    )
