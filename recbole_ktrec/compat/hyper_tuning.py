"""RecBole imports hyperopt in the middle of a search, and does not install it: the missing one is told of before."""

from __future__ import annotations

import functools
import importlib.util
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import MissingExtraError


def ask_for_hyperopt(hyper_tuning: ModuleType) -> bool:
    """Let ``HyperTuning`` name the extra to install; return False where hyperopt is there."""
    if importlib.util.find_spec("hyperopt") is not None:
        return False
    search = hyper_tuning.HyperTuning  # type: ignore[attr-defined]
    original = search.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        if importlib.util.find_spec("hyperopt") is None:  # installed since, in a notebook
            raise MissingExtraError("hyperopt==0.2.5", "tune", "RecBole's HyperTuning")
        original(self, *args, **kwargs)

    search.__init__ = __init__
    return True
