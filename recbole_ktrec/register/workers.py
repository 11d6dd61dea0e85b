"""What other processes start from: functions are pickled by reference, so the reference must name a module of ours.

``run(nproc=2)`` and ray start fresh processes that import only what the pickled function names. Named here, it brings
the plugin along; the models that the parent has registered travel with it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import, replace
from recbole_ktrec.register.models import MODELS, Entry

_ORIGINALS: dict[str, Any] = {}
#: Of the names that RecBole's own two functions have in this module.
_PREFIX = "_recbole_"


def _worker(models: dict[str, Entry]) -> _Worker:
    MODELS.update(models)
    return _Worker()


class _Worker:
    """RecBole's ``run_recboles``, carrying the registered models into the process that it is unpickled in."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _worker, (dict(MODELS),)

    def __call__(self, rank: int, *args: Any) -> Any:
        import recbole.quick_start  # noqa: F401 - fills _ORIGINALS in a fresh process

        return _ORIGINALS["run_recboles"](rank, *args)


def objective_function(config_dict: Any = None, config_file_list: Any = None, saved: bool = True) -> Any:
    """RecBole's objective function of a hyper-parameter search (same arguments, same result)."""
    import recbole.quick_start  # noqa: F401 - fills _ORIGINALS in a fresh process

    return _ORIGINALS["objective_function"](config_dict, config_file_list, saved)


def __getattr__(name: str) -> Any:
    """Return RecBole's own function for ``_recbole_<name>``, by which one that was imported earlier is pickled."""
    if name not in (_PREFIX + "run_recboles", _PREFIX + "objective_function"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import recbole.quick_start  # noqa: F401 - fills _ORIGINALS in a fresh process

    return _ORIGINALS[name.removeprefix(_PREFIX)]


def _exchange(quick_start: ModuleType) -> None:
    for name, new in (("run_recboles", _Worker()), ("objective_function", objective_function)):
        _ORIGINALS[name] = original = getattr(quick_start, name)
        original.__module__, original.__qualname__ = __name__, _PREFIX + name
        replace(quick_start, name, new)


def install() -> None:
    """Exchange RecBole's two entry points as soon as they are there."""
    after_import("recbole.quick_start.quick_start", _exchange)
