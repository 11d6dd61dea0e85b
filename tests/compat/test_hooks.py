"""Callbacks around the import of a module."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from recbole_ktrec import compat
from recbole_ktrec.compat import hooks
from recbole_ktrec.compat.hooks import after_import, before_import, replace


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "hooked_module.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "hooked_module", raising=False)
    return "hooked_module"


def test_before_and_after(module: str) -> None:
    seen: list[tuple[str, bool]] = []
    before_import(module, lambda m: seen.append(("before", hasattr(m, "VALUE"))))
    after_import(module, lambda m: seen.append(("after", hasattr(m, "VALUE"))))
    importlib.import_module(module)
    assert seen == [("before", False), ("after", True)]


def test_a_remedy_acts_again_on_a_module_that_is_reloaded(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def mend(host: ModuleType) -> bool:
        host.VALUE += 1  # type: ignore[attr-defined]
        return True

    monkeypatch.setattr(compat, "_ACTED", {})
    compat._arm(compat.Remedy("a test", "", module, mend))
    loaded = importlib.import_module(module)
    assert importlib.reload(loaded).VALUE == 2


def test_an_importer_of_the_old_kind_is_passed_over(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    after_import(module, lambda m: None)
    monkeypatch.setattr(sys, "meta_path", [object(), *sys.meta_path])
    assert hooks._FINDER.find_spec(module) is not None


def test_after_acts_at_once_on_a_module_that_is_there() -> None:
    seen: list[str] = []
    after_import("json", lambda m: seen.append(m.__name__))
    assert seen == ["json"]


def test_replace_reaches_modules_of_recbole_that_imported_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def old() -> None: ...

    def new() -> None: ...

    source, host, stranger = ModuleType("source"), ModuleType("recbole.fake"), ModuleType("stranger")
    for each in (source, host, stranger):
        each.old = old  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, each.__name__, each)
    replace(source, "old", new)
    assert source.old is new and host.old is new and stranger.old is old  # type: ignore[attr-defined]


def test_importing_the_plugin_imports_neither_torch_nor_recbole(fresh_python: Callable[..., str]) -> None:
    code = "import sys, recbole_ktrec; print([n for n in ('torch', 'recbole', 'numpy', 'ray') if n in sys.modules])"
    assert fresh_python(code).strip() == "[]"


def test_remedies_reach_recbole_imported_first(fresh_python: Callable[..., str]) -> None:
    code = """
import sys
try:
    import ray.tune
except Exception:
    import recbole_ktrec
import recbole.quick_start, recbole.trainer, recbole.data.dataset, recbole.model.abstract_recommender
import recbole.model.general_recommender
import recbole_ktrec
from recbole_ktrec import compat
print({compat.status(remedy) for remedy in compat.REMEDIES})
"""
    assert "waits" not in fresh_python(code)
