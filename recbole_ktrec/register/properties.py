"""The plugin's property files in RecBole's order of precedence.

RecBole reads: overall -> model -> sample -> dataset -> kind of model -> files -> dict -> command line. The plugin's
model files are slipped in right after ``overall.yaml``, its dataset file right after ``sample.yaml``, for registered
models only.
"""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

from recbole_ktrec import resources
from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register import keys
from recbole_ktrec.register.models import MODELS, base_of, check_of, model_class, register_derived

#: The attribute of a configuration that lists the property files that were slipped in.
_FILES = "ktrec_property_files"


def model_files(model: str) -> list[Path]:
    """Return the property files of a registered model, in the order they are read; none of a user's own that has no
    file, and is derived from no model that has."""
    entry = MODELS[model]
    if entry.shared:
        shared = [resources.resource_dir("properties") / name for name in entry.shared]
        return [*shared, entry.property_file or resources.model_property_file(model)]
    base, own = base_of(model_class(model)), entry.property_file
    return [*(model_files(base) if base else ()), *([own] if own else ())]


def dataset_files(dataset: str) -> list[Path]:
    """Return the plugin's property file of ``dataset`` in a list, or an empty list."""
    own = resources.dataset_property_file(dataset)
    return [own] if own.is_file() else []


def converted_file(dataset: str, data_path: object = None) -> list[Path]:
    """Return ``<data_path>/<dataset>/<dataset>.yaml``, as ``ktrec convert`` writes it, in a list if it is there."""
    made = Path(str(data_path or "dataset/")) / dataset / f"{dataset}.yaml"
    return [made] if made.is_file() else []


def config_files_for(model: str, dataset: str) -> list[str]:
    """Return the plugin's dataset file for a ``config_file_list``, so that every model sees the same data.

    Registered models read it anyway; a built-in model does only when it is told to. Where RecBole has a file of its own
    for the data set (ml-100k), that one is in force for all, and there is nothing to add.
    """
    host_file = host_properties() / "dataset" / f"{dataset}.yaml"
    return [] if model in MODELS or host_file.is_file() else [str(file) for file in dataset_files(dataset)]


def _slipped_in(config: Any, file: str) -> list[Path]:
    """Return the plugin's property files that belong right after RecBole's ``file``."""
    if config.model not in MODELS:
        return []
    if Path(file).name == "overall.yaml":
        return model_files(config.model)
    if Path(file).name != "sample.yaml":
        return []
    return dataset_files(config.dataset) + _beside(config)


def _beside(config: Any) -> list[Path]:
    return converted_file(config.dataset, config.external_config_dict.get("data_path"))


def _add_files(config_class: Any) -> None:
    original = config_class._update_internal_config_dict
    from yaml import YAMLError

    @functools.wraps(original)
    def _update_internal_config_dict(self: Any, file: str) -> Any:
        config_dict = original(self, file)
        for own in _slipped_in(self, file):
            known = set(self.internal_config_dict)
            vars(self).setdefault(_FILES, []).append(str(own))
            try:
                added = original(self, str(own))
            except (YAMLError, OSError) as error:
                raise ConfigError(f"Property file [{own}] of model [{self.model}] cannot be read: {error}") from error
            if own in _beside(self):  # before the category: that is RecBole's own list of known keys
                keys.check_beside(own, added or (), known)
            if Path(file).name == "sample.yaml":  # as RecBole does: what a saved dataset is compared by
                category = self.parameters["Dataset"]
                category += [key for key in added or () if key not in category]
        return config_dict

    config_class._update_internal_config_dict = _update_internal_config_dict


def _name_files(config_class: Any) -> None:
    """Let the log, which begins with the configuration, say where it is from."""
    original = config_class.__str__

    @functools.wraps(original)
    def __str__(self: Any) -> str:
        files = vars(self).get(_FILES)
        return original(self) + (f"\nProperty files of recbole_ktrec: {', '.join(files)}\n" if files else "")

    config_class.__str__ = __str__


def _take_derived(config_class: Any) -> None:
    """Let a class that is derived from a registered model, and given as a class, have what that one has."""
    original, restore = config_class._get_model_and_dataset, getattr(config_class, "__setstate__", None)

    @functools.wraps(original)
    def _get_model_and_dataset(self: Any, model: Any, dataset: Any) -> Any:
        found = original(self, model, dataset)
        register_derived(found[1])
        return found

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        """Take a configuration out of a checkpoint, perhaps in a process that has heard of the class only by it."""
        restore(self, state) if restore else vars(self).update(state)
        if isinstance(model := getattr(self, "model_class", None), type):
            register_derived(model)

    config_class._get_model_and_dataset = _get_model_and_dataset
    config_class.__setstate__ = __setstate__


def _check_keys(config_class: Any) -> None:
    original = config_class._load_internal_config_dict

    @functools.wraps(original)
    def _load_internal_config_dict(self: Any, model: str, model_class: Any, dataset: str) -> None:
        original(self, model, model_class, dataset)
        if model in MODELS:
            keys.check(self, any_key=not model_files(model))

    config_class._load_internal_config_dict = _load_internal_config_dict


def _check_values(config_class: Any) -> None:
    """Let a registered model that has a ``check_config`` refuse values before anything is logged or loaded."""
    original = config_class.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if self.model in MODELS and (check := check_of(self.model_class)):
            check(self)

    config_class.__init__ = __init__


def _patch(configurator: ModuleType) -> None:
    _take_derived(configurator.Config)
    _add_files(configurator.Config)
    _name_files(configurator.Config)
    _check_keys(configurator.Config)
    _check_values(configurator.Config)


def install() -> None:
    """Slip the property files in, and check the keys, as soon as RecBole's ``Config`` is there."""
    after_import("recbole.config.configurator", _patch)
