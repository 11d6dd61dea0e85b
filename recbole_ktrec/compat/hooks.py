"""Do something just before or just after a module is imported, so that importing the plugin stays cheap.

``import recbole_ktrec`` itself imports neither torch nor RecBole: each remedy waits here for the module that needs it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Callback = Callable[[ModuleType], object]


class _Finder(importlib.abc.MetaPathFinder):
    """Let the other finders find a watched module, and run its callbacks around its execution."""

    def __init__(self) -> None:
        self.before: dict[str, list[Callback]] = defaultdict(list)
        self.after: dict[str, list[Callback]] = defaultdict(list)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.before and fullname not in self.after:
            return None
        for finder in (f for f in sys.meta_path if f is not self and hasattr(f, "find_spec")):  # old ones have none
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return self._watched(spec)
        return None

    def _watched(self, spec: importlib.machinery.ModuleSpec) -> importlib.machinery.ModuleSpec:
        loader = spec.loader
        if loader is None:
            return spec
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            _run(self.before[spec.name], module)
            execute(module)
            _run(self.after[spec.name], module)

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


_FINDER = _Finder()


def _run(callbacks: list[Callback], module: ModuleType) -> None:
    for callback in callbacks:
        callback(module)


def _watch() -> None:
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def before_import(name: str, callback: Callback) -> None:
    """Call ``callback(module)`` just before the code of module ``name`` runs; at once, if it has run already."""
    _watch()
    _FINDER.before[name].append(callback)
    if name in sys.modules:
        callback(sys.modules[name])


def after_import(name: str, callback: Callback) -> None:
    """Call ``callback(module)`` as soon as module ``name`` is imported; at once, if it is already."""
    _watch()
    _FINDER.after[name].append(callback)
    if name in sys.modules:
        callback(sys.modules[name])


def replace(module: ModuleType, attribute: str, new: Any) -> None:
    """Set ``module.attribute`` to ``new``, also where other modules of RecBole have imported the old object by name."""
    old = getattr(module, attribute)
    for name, other in list(sys.modules.items()):
        if name.split(".")[0] == "recbole" and vars(other).get(attribute) is old:
            setattr(other, attribute, new)
    setattr(module, attribute, new)
