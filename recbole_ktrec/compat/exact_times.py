"""The order of interactions, read before RecBole rounds their times.

RecBole 1.2.1 turns ``TIME_FIELD`` into 32-bit floats before it sorts by it: seconds since 1970 then move in steps of
128, and what happened within two minutes is "ordered" as the file has it, often the wrong way round. Its sorts are
stable, so rows that come in their exact order keep it. In random order (``order: RO``) and in ready-made parts
(``benchmark_filename``) rows are drawn, or cut, by where they stand: there they stay, and a column beside the others,
:data:`PLACES`, keeps which is later.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing the plugin costs next to nothing
    import numpy as np

#: Column of the interactions: the place of their times among all, from 0 on, equal where times are equal. Only where
#: rounding would lose it, and no field of the data set: no model takes it for a feature.
PLACES = "ktrec:place_in_time"


def sort_before_rounding(module: ModuleType) -> bool:
    """Let ``Dataset`` of ``recbole.data.dataset.dataset`` keep the order in time when it makes tensors."""
    plain = module.Dataset._change_feat_format

    def change_feat_format(self: Any) -> None:
        time, sorted_later = self.time_field, self.config["eval_args"]["order"] == "TO"
        places = None
        if time in self.inter_feat:
            if sorted_later and self.benchmark_filename_list is None:
                self.inter_feat = self.inter_feat.sort_values(time, kind="stable", ignore_index=True)
            elif type(self) is module.Dataset:  # those of sequences look at every column
                places = _places(self.inter_feat[time].to_numpy())
        plain(self)
        if places is not None:
            _add(self.inter_feat, places)

    module.Dataset._change_feat_format = change_feat_format
    return True


def _places(times: np.ndarray) -> np.ndarray | None:
    """Return the dense ranks of ``times`` ``[n]``, None where 32 bits tell them apart as well."""
    import numpy as np

    distinct, places = np.unique(times, return_inverse=True)
    return places if len(np.unique(distinct.astype(np.float32))) < len(distinct) else None


def _add(interactions: Any, places: np.ndarray) -> None:
    import torch
    from recbole.data.interaction import Interaction

    interactions.update(Interaction({PLACES: torch.from_numpy(places)}))


def order_in_time(interactions: Any, time: str) -> np.ndarray:
    """Return numbers ``[n]`` that order RecBole's ``interactions`` by ``time``, exactly where that is known."""
    import numpy as np

    return np.asarray(interactions[PLACES if PLACES in interactions.columns else time])
