"""``use_gpu: False``: RecBole 1.2.1 reads it where it reports memory alone, and trains on the GPU all the same."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any


def leave_gpu_out(configurator: ModuleType) -> bool:
    """Let ``Config._init_device`` take the CPU where ``use_gpu`` is False, as an empty ``gpu_id`` does."""
    original = configurator.Config._init_device

    @functools.wraps(original)
    def _init_device(self: Any) -> None:
        if self.final_config_dict.get("use_gpu") is False:
            self.final_config_dict["gpu_id"] = ""
        original(self)

    configurator.Config._init_device = _init_device
    return True
