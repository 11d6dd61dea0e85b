"""The order of interactions, read before RecBole rounds their times.

RecBole 1.2.1 turns ``TIME_FIELD`` into 32-bit floats before it sorts by it: seconds since 1970 then move in steps of
128, and what happened within two minutes is "ordered" as the file has it, often the wrong way round. Its sorts are
stable, so rows that come in their exact order keep it. In random order (``order: RO``) and in ready-made parts
(``benchmark_filename``) rows are drawn, or cut, by where they stand: there they stay, and a column beside the others,
:data:`EXACT`, keeps the times as they were read.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing the plugin costs next to nothing
    import numpy as np

#: Column of the interactions: their times in 64 bits. Only where rounding changes one, and no field of the data set:
#: no model takes it for a feature.
EXACT = "ktrec:exact_time"


def sort_before_rounding(module: ModuleType) -> bool:
    """Let ``Dataset`` of ``recbole.data.dataset.dataset`` keep the order in time when it makes tensors."""
    plain = module.Dataset._change_feat_format

    def change_feat_format(self: Any) -> None:
        time, sorted_later = self.time_field, self.config["eval_args"]["order"] == "TO"
        exact = None
        if time in self.inter_feat:
            _warn_of_tokens(self, time)
            if sorted_later and self.benchmark_filename_list is None:
                self.inter_feat = self.inter_feat.sort_values(time, kind="stable", ignore_index=True)
            elif type(self) is module.Dataset and _takes_a_column(self.config):  # sequences look at every column
                exact = _exact(self.inter_feat[time].to_numpy())
        plain(self)
        if exact is not None:
            _add(self.inter_feat, exact)

    module.Dataset._change_feat_format = change_feat_format
    return True


def _warn_of_tokens(dataset: Any, time: str) -> None:
    """Say that times in a ``token`` column are none: RecBole sorts and splits by the numbers of the tokens.

    It gives these as the tokens first appear, which is an order in time only if the file is.
    """
    if dataset.field2type[time].value == "token":
        dataset.logger.warning(
            f"Data set [{dataset.dataset_name}]: the times [{time}] are tokens, which RecBole numbers as they first "
            f"appear: their order is that of the file. Write [{time}:float] in the header of the .inter file."
        )


def _takes_a_column(config: Any) -> bool:
    """Return whether a column more changes nothing: decision trees learn from every one that is there."""
    from recbole.utils import ModelType

    return bool(config["MODEL_TYPE"] != ModelType.DECISIONTREE)


def _exact(times: np.ndarray) -> np.ndarray | None:
    """Return ``times`` ``[n]`` in 64 bits, None where 32 bits hold them as well."""
    import numpy as np

    if times.dtype == object:  # pairs by now, of a field in numerical_features
        return None
    return None if np.array_equal(times, times.astype(np.float32)) else times.astype(np.float64)


def _add(interactions: Any, times: np.ndarray) -> None:
    import torch
    from recbole.data.interaction import Interaction

    interactions.update(Interaction({EXACT: torch.from_numpy(times)}))


def order_in_time(interactions: Any, time: str) -> np.ndarray:
    """Return numbers ``[n]`` that order RecBole's ``interactions`` by ``time``, exactly where that is known."""
    import numpy as np

    return np.asarray(interactions[EXACT if EXACT in interactions.columns else time])
