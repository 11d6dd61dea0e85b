"""A model with a trainer of its own is trained by no other: RecBole's would leave KTEASE unfitted without a word."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.errors import ConfigError


def _refuse_others(trainers: ModuleType) -> None:
    original = trainers.Trainer.fit

    @functools.wraps(original)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        own = getattr(self.model, "trainer_class", None)
        if isinstance(own, type) and not isinstance(self, own):
            name, given = type(self.model).__name__, type(self).__name__
            raise ConfigError(
                f"[{given}] cannot train [{name}], which has a trainer of its own: take "
                'get_trainer(config["MODEL_TYPE"], config["model"])(config, model) (recbole.utils).'
            )
        return original(self, *args, **kwargs)

    trainers.Trainer.fit = fit


def install() -> None:
    """Look at the model of each trainer before it is trained."""
    after_import("recbole.trainer.trainer", _refuse_others)
