"""The order of interactions, read before RecBole rounds their times.

RecBole 1.2.1 turns ``TIME_FIELD`` into 32-bit floats before it sorts by it: seconds since 1970 then move in steps of
128, and what happened within two minutes is "ordered" as the file has it, often the wrong way round. Its sorts are
stable, so rows that come in their exact order keep it. Random order (``order: RO``) and ready-made parts
(``benchmark_filename``) stay as they are: their rows are drawn, or cut, by where they stand.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any


def sort_before_rounding(module: ModuleType) -> bool:
    """Let ``Dataset`` of ``recbole.data.dataset.dataset`` sort by time before it makes tensors, where it will sort."""
    plain = module.Dataset._change_feat_format

    def change_feat_format(self: Any) -> None:
        time, sorted_later = self.time_field, self.config["eval_args"]["order"] == "TO"
        if sorted_later and self.benchmark_filename_list is None and time in self.inter_feat:
            self.inter_feat = self.inter_feat.sort_values(time, kind="stable", ignore_index=True)
        plain(self)

    module.Dataset._change_feat_format = change_feat_format
    return True
