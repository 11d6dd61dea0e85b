"""Threads, arguments and warnings around RecBole."""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import pytest

from recbole_ktrec.commands import session
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register import arguments


@pytest.mark.parametrize(
    ("load", "processes", "threads"), [(0.1, 1, 4), (2.2, 1, 2), (9.0, 1, 1), (0.0, 2, 2), (0, 9, 1)]
)
def test_idle_cores_are_used(load: float, processes: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "usable_cores", lambda: 4)
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0, 0))
    assert session.default_threads(processes) == threads


def test_the_environment_is_honoured_and_an_option_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    try:
        assert session.set_threads(None) == torch.get_num_threads() == 1
        assert session.set_threads(2) == torch.get_num_threads() == 2
        with pytest.raises(ConfigError, match=r"--threads \[0\] must be at least 1"):
            session.set_threads(0)
    finally:
        torch.set_num_threads(before)


def test_recbole_does_not_see_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["pytest", "--cov=x", "--epochs=3"])
    with arguments.no_command_line():
        assert sys.argv == ["pytest"]
    assert sys.argv == ["pytest", "--cov=x", "--epochs=3"]


@pytest.mark.parametrize(("module", "heard"), [("recbole.trainer.trainer", 0), ("recbole_ktrec.model.ktrec", 1)])
def test_only_recbole_is_quiet(module: str, heard: int, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with session.quiet_host(), warnings.catch_warnings(record=True) as caught:
            warnings.warn_explicit("old", FutureWarning, "file.py", 1, module=module, registry={})
    assert len(caught) == heard


@pytest.mark.parametrize(("gigabytes", "gpu", "jobs"), [(64, False, 4), (13, False, 2), (2, False, 1), (64, True, 1)])
def test_as_many_jobs_as_the_machine_holds(
    gigabytes: int, gpu: bool, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "usable_cores", lambda: 4)
    monkeypatch.setattr(session.psutil, "virtual_memory", lambda: SimpleNamespace(total=gigabytes << 30))
    monkeypatch.setattr("torch.cuda.device_count", lambda: int(gpu))
    assert session.jobs_of(None, {}) == jobs and session.jobs_of(7, {}) == 7
    for options in ({"gpu_id": ""}, {"use_gpu": False}):
        assert session.jobs_of(None, options) == (4 if gpu else jobs)
    assert session.jobs_of(None, {"use_gpu": False}, gigabytes=32) == (2 if gigabytes == 64 else 1)
