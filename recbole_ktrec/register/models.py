"""Models by name: RecBole looks for the class in a module ``recbole.model.<kind>_recommender.<name.lower()>``.

A finder answers for exactly the registered names, so the look-up works in every part of RecBole that takes a name, and
the module of a model is imported no sooner than somebody asks for it. A model may bring its own trainer and dataset:
the name ``<Model>Trainer`` or ``<Model>Dataset`` in its module, or an attribute ``trainer_class`` or ``dataset_class``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.errors import ConfigError

KINDS = ("general", "context_aware", "sequential", "knowledge_aware")

#: model -> (its module, kind of recommender); a model file properties/model/<model>.yaml goes with it.
MODELS: dict[str, tuple[str, str]] = {}


def register_model(name: str, module: str, kind: str = "general") -> None:
    """Make RecBole find class ``name`` of ``module`` (a dotted path) by its name.

    Raises:
        ConfigError: ``kind`` is none of RecBole's (general, context_aware, sequential, knowledge_aware).
    """
    if kind not in KINDS:
        raise ConfigError(f"Kind [{kind}] of model [{name}] is not one of {', '.join(KINDS)}.")
    MODELS[name] = (module, kind)


def model_class(name: str) -> Any:
    """Return the class of a registered model, importing its module."""
    return getattr(importlib.import_module(MODELS[name][0]), name)


def _part(name: str, suffix: str) -> Any:
    """Return the model's own ``Trainer`` or ``Dataset`` (the ``suffix``), or None."""
    model = model_class(name)
    own = getattr(importlib.import_module(MODELS[name][0]), name + suffix, None)
    return own or getattr(model, f"{suffix.lower()}_class", None)


class _ModelLoader(importlib.abc.Loader):
    """Fill the module that RecBole looks for with the model's class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        setattr(module, self.name, model_class(self.name))


class _ModelFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith("recbole.model."):
            return None
        for name, (_, kind) in MODELS.items():
            if fullname == f"recbole.model.{kind}_recommender.{name.lower()}":
                return importlib.machinery.ModuleSpec(fullname, _ModelLoader(name), origin=MODELS[name][0])
        return None


def _offer_parts(suffix: str) -> Any:
    """Return a callback that lets ``<Model><suffix>`` be found as an attribute of the imported module."""

    def offer(module: ModuleType) -> None:
        def __getattr__(attribute: str) -> Any:
            name = attribute.removesuffix(suffix)
            part = _part(name, suffix) if name != attribute and name in MODELS else None
            if part is None:
                raise AttributeError(f"module {module.__name__!r} has no attribute {attribute!r}")
            return part

        module.__getattr__ = __getattr__  # type: ignore[method-assign]

    return offer


def install() -> None:
    """Enter the finder and the look-ups of trainers and datasets."""
    sys.meta_path.insert(0, _ModelFinder())
    after_import("recbole.trainer", _offer_parts("Trainer"))
    after_import("recbole.data.dataset", _offer_parts("Dataset"))
