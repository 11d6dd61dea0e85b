"""Training batches of users: a model with ``train_dataloader = "user"`` gets RecBole's ``UserDataLoader``.

RecBole's own table of data loaders is local to ``get_dataloader``, so that function is wrapped; built-in models pass
through untouched.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import, replace
from recbole_ktrec.register.models import MODELS, model_class


def _wrap(utils: ModuleType) -> None:
    original = utils.get_dataloader  # type: ignore[attr-defined]

    @functools.wraps(original)
    def get_dataloader(config: Any, phase: str) -> Any:
        name = config["model"]
        if phase == "train" and name in MODELS and getattr(model_class(name), "train_dataloader", None) == "user":
            from recbole.data.dataloader import UserDataLoader

            if config["train_neg_sample_args"]:  # the trainer would ask the loader to draw by the model's scores
                config["train_neg_sample_args"]["dynamic"] = False
            return UserDataLoader
        return original(config, phase)

    replace(utils, "get_dataloader", get_dataloader)


def install() -> None:
    """Wrap the look-up as soon as it is there."""
    after_import("recbole.data.utils", _wrap)
