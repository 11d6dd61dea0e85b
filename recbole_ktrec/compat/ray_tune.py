"""RecBole imports ``ray.tune`` whether it is used or not; ray 2.6.3, its newest allowed, often cannot be imported.

(Python 3.12 and newer have no such ray; setuptools 82 has no ``pkg_resources``; numpy 2 has no ``bool8``.) Two
stand-in modules then let RecBole start. They know ``tune.report`` outside a ray session, which does nothing in the
real one either.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
import warnings
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import MissingExtraError


def _report(_metric: Any = None, **metrics: Any) -> None:
    """Outside a ray session there is nobody to report to."""


def _absent(name: str) -> Any:
    if name.startswith("__"):  # inspect, doctest and others probe modules for such names
        raise AttributeError(name)
    raise MissingExtraError("ray==2.6.3", "tune", f"ray.tune.{name} (Python 3.11 or older, setuptools<81, numpy<2)")


def _module(name: str, **attributes: Any) -> ModuleType:
    module = ModuleType(name, "Stand-in of recbole_ktrec for a ray that cannot be imported.")
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=name == "ray")
    vars(module).update(attributes)
    return module


def stand_in() -> dict[str, ModuleType]:
    """Return the modules ``ray`` and ``ray.tune`` that RecBole can import in place of the real ones."""
    tune = _module("ray.tune", report=_report, __getattr__=_absent)
    return {"ray": _module("ray", tune=tune, __path__=[]), "ray.tune": tune}


def ensure_ray(_quick_start: ModuleType) -> bool:
    """Import ray, or enter the stand-in when that fails for whatever reason; return whether it was needed."""
    try:
        with warnings.catch_warnings():  # ray's own remark about pkg_resources
            warnings.simplefilter("ignore")
            importlib.import_module("ray.tune")
        return False
    except Exception:  # any: AttributeError from numpy, ModuleNotFoundError, errors of a half-installed ray
        for name in [n for n in sys.modules if n.split(".")[0] == "ray"]:
            del sys.modules[name]
        sys.modules.update(stand_in())
        return True
