"""An unknown model name gets a message of its own; RecBole says ``No module named 'lightgbm'``."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import, replace
from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.register.models import KINDS, MODELS

#: Names that papers use -> RecBole's.
OTHER_NAMES = {"ncf": "NeuMF", "mf": "BPR", "bprmf": "BPR", "multvae": "MultiVAE", "vae": "MultiVAE",
               "slim": "SLIMElastic", "knn": "ItemKNN", "popularity": "Pop"}  # fmt: skip


def meant(name: str, known: Iterable[str]) -> str:
    """Return, after a blank, what RecBole calls the model ``name``, or the known name closest to it."""
    own = OTHER_NAMES.get(name.lower().replace("-", ""))
    return f" RecBole calls it [{own}]." if own else nearest(name, known)


def known_models() -> list[str]:
    """Return the names of RecBole's models (each but Random has a property file) and of the registered ones."""
    files = (host_properties() / "model").glob("*.yaml")
    return sorted({"Random", *MODELS, *(file.stem for file in files)}, key=str.lower)


def _is_own(model: str, known: Iterable[str]) -> bool:
    """Return whether a user has put a module of this name among those of RecBole's models."""
    modules = (f"recbole.model.{kind}_recommender.{model.lower()}" for kind in KINDS)
    is_new = model.isidentifier() and model.lower() not in map(str.lower, known)
    return is_new and any(map(importlib.util.find_spec, modules))


def check_model(name: str) -> None:
    """Raise ConfigError with the nearest name if nobody, RecBole, plugin or user, has a model ``name``."""
    known = known_models()
    if name not in known and not _is_own(name, known):
        raise ConfigError(f"Unknown model [{name}].{meant(name, known)}")


def _name_package(model: str, error: Exception) -> None:
    """Raise ConfigError with what to install where a package that ``model`` needs is missing."""
    package = (getattr(error, "name", None) or "recbole").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and not package.startswith("recbole"):
        raise ConfigError(
            f"Model [{model}] needs [{package}], which is not installed: pip install {package}"
        ) from error


def _explain(utils: ModuleType) -> None:
    original = utils.get_model

    @functools.wraps(original)
    def get_model(model_name: str) -> Any:
        try:
            return original(model_name)
        except (ModuleNotFoundError, ValueError, AttributeError) as error:
            if model_name in known_models():  # a real fault of that model
                _name_package(model_name, error)
            check_model(model_name)
            raise

    replace(utils, "get_model", get_model)


def install() -> None:
    """Wrap RecBole's look-up of models by name."""
    after_import("recbole.utils.utils", _explain)
