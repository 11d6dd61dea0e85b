"""The plugin's property files in RecBole's order of precedence.

RecBole reads: overall -> model -> sample -> dataset -> kind of model -> files -> dict -> command line. The plugin's
model file is slipped in right after ``overall.yaml``, its dataset file right after ``sample.yaml``, for its own models
only.
"""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.register.models import MODELS
from recbole_ktrec.resources import dataset_property_file, model_property_file


def _slipped_in(config: Any, file: str) -> Path | None:
    """Return the plugin's property file that belongs right after RecBole's ``file``, if there is one."""
    path = Path(file)
    if config.model in MODELS and path.name == "overall.yaml":
        own = model_property_file(config.model)
    elif config.model in MODELS and path.name == "sample.yaml":
        own = dataset_property_file(config.dataset)
    else:
        return None
    return own if own.is_file() else None


def _add_files(configurator: ModuleType) -> None:
    original = configurator.Config._update_internal_config_dict

    @functools.wraps(original)
    def _update_internal_config_dict(self: Any, file: str) -> Any:
        config_dict = original(self, file)
        own = _slipped_in(self, file)
        if own is not None:
            original(self, str(own))
        return config_dict

    configurator.Config._update_internal_config_dict = _update_internal_config_dict


def install() -> None:
    """Slip the property files in as soon as RecBole's ``Config`` is there."""
    after_import("recbole.config.configurator", _add_files)
