"""Models by name: RecBole looks for the class in a module ``recbole.model.<kind>_recommender.<name.lower()>``.

A finder answers for exactly the registered names, so the look-up works in every part of RecBole that takes a name, and
the module of a model is imported no sooner than somebody asks for it. A model may bring its own trainer and dataset:
the name ``<Model>Trainer`` or ``<Model>Dataset`` in its module, or an attribute ``trainer_class`` or ``dataset_class``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.errors import ConfigError

KINDS = ("general", "context_aware", "sequential", "knowledge_aware")


class Entry(NamedTuple):
    """A model that RecBole can find.

    Attributes:
        module: the dotted path of the module that holds the class.
        kind: RecBole's kind of recommender, one of ``KINDS``.
        shared: files of ``properties/`` that are read before the model's own file.
        property_file: the model's own file; None stands for ``properties/model/<name>.yaml``, or, for a user's model,
            for those of the registered model that it is derived from alone.
    """

    module: str
    kind: str = "general"
    shared: tuple[str, ...] = ("text.yaml",)
    property_file: Path | None = None


#: The plugin's models, and those that a user registers.
MODELS: dict[str, Entry] = {
    "KTRec": Entry("recbole_ktrec.model.ktrec", "general", ("text.yaml", "model/KTEASE.yaml")),
    "KTEASE": Entry("recbole_ktrec.model.ktease", "general"),
}


def register_model(
    name: str, module: str, kind: str = "general", property_file: str | os.PathLike[str] | None = None
) -> None:
    """Make RecBole find class ``name`` of ``module`` (a dotted path) by its name, wherever it takes a name.

    Args:
        property_file: a YAML file with the model's default settings; only these and RecBole's keys are then accepted.
            Without, any key may be one that the model reads. What is derived from a registered model (KTRec, KTEASE)
            has its settings beside these, and needs no file.

    Raises:
        ConfigError: ``kind`` is none of RecBole's (general, context_aware, sequential, knowledge_aware), or the
            property file does not exist.
    """
    if kind not in KINDS:
        raise ConfigError(f"Kind [{kind}] of model [{name}] is not one of {', '.join(KINDS)}.")
    own = None if property_file is None else Path(property_file).absolute()
    if own is not None and not own.is_file():
        raise ConfigError(f"Property file [{own}] of model [{name}] does not exist.")
    MODELS[name] = Entry(module, kind, (), own)


def model_class(name: str) -> Any:
    """Return the class of a registered model, importing its module."""
    return getattr(importlib.import_module(MODELS[name].module), name)


def is_of_package(name: str) -> bool:
    """Return whether a registered model is one of the plugin, and none of a user's own."""
    return MODELS[name].module.partition(".")[0] == __name__.partition(".")[0]


def base_of(model: type) -> str | None:
    """Return the name of the registered model that the class ``model`` is derived from, None if there is none."""
    for one in model.__mro__[1:]:
        if one.__name__ in MODELS and model_class(one.__name__) is one:
            return one.__name__
    return None


def register_derived(model: type) -> None:
    """Register a class that is derived from a registered model, as ``Config`` takes it: trainer, loader, settings.

    Raises:
        ConfigError: it does not stand at the top of a module, so that RecBole could not find it by its name, or has
            the name of another one.
    """
    name = model.__name__
    if (base := base_of(model)) is None:
        return
    if name in MODELS:
        if MODELS[name].module != model.__module__ and model_class(name) is not model and name != base:
            raise ConfigError(
                f"Model [{name}] of [{model.__module__}] has the name of one of [{MODELS[name].module}], which RecBole "
                "would take for it: give it another."
            )
        return
    if getattr(sys.modules.get(model.__module__), name, None) is not model:
        raise ConfigError(f"Model [{name}] is derived from [{base}] in a function: write it at the top of a module.")
    register_model(name, model.__module__, MODELS[base].kind)


def check_of(model: Any) -> Callable[[Any], object] | None:
    """Return ``check_config`` of a model class if it is a static or class method, which takes a configuration.

    What instances have by that name is their own affair.
    """
    own = inspect.getattr_static(model, "check_config", None)
    return model.check_config if isinstance(own, staticmethod | classmethod) else None


def _part(name: str, suffix: str) -> Any:
    """Return the model's own ``Trainer`` or ``Dataset`` (the ``suffix``), or None."""
    model = model_class(name)
    own = getattr(importlib.import_module(MODELS[name].module), name + suffix, None)
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
        for name, entry in MODELS.items():
            if fullname == f"recbole.model.{entry.kind}_recommender.{name.lower()}":
                return importlib.machinery.ModuleSpec(fullname, _ModelLoader(name), origin=entry.module)
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
