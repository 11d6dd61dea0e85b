"""A split by time (``TS``) in random order (RecBole's default ``RO``) trains on the future, so it is warned of."""

from __future__ import annotations

import functools
from logging import getLogger
from types import ModuleType
from typing import Any


def warn_of_random_order(configurator: ModuleType) -> bool:
    """Log a warning whenever a configuration splits by time but orders at random."""
    original = configurator.Config._set_default_parameters

    @functools.wraps(original)
    def _set_default_parameters(self: Any) -> None:
        original(self)
        chosen = self.final_config_dict["eval_args"]
        if "TS" in (chosen["split"] or {}) and chosen["order"] == "RO":
            getLogger().warning(
                "eval_args: split TS with order RO puts later interactions into training; use order TO."
            )

    configurator.Config._set_default_parameters = _set_default_parameters
    return True
