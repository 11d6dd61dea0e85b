"""Progress bars: there for what takes long, none where show_progress is False."""

from __future__ import annotations

import pytest

from recbole_ktrec.nn import tuning
from recbole_ktrec.nn.progress import progress_bar, progress_shown
from tests.support import Settings, fitted


def test_bars_are_there_unless_turned_off(capsys: pytest.CaptureFixture[str]) -> None:
    def bars(disable: bool = False) -> str:
        assert list(progress_bar([1, 2], desc="counting", disable=disable)) == [1, 2]
        return capsys.readouterr().err

    assert "counting" in bars() and not bars(disable=True)
    with progress_shown(False):
        assert not bars()
    assert "counting" in bars()


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_a_fit_without_progress_is_silent(
    name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tuning, "_LARGE", 0)  # the tiny catalogue would have no bar anyway
    fitted(settings(**({"prior": "none"} if name == "KTEASE" else {"fusion": "id"})), name)
    assert "choosing" not in capsys.readouterr().err
