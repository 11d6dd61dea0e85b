"""Ctrl-C and SIGTERM, by which services stop what they started, say the same and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

import recbole_ktrec
from recbole_ktrec import cli
from recbole_ktrec.commands.session import Terminated, terminable
from tests.commands.test_recommend import checkpoint

ROOT = Path(recbole_ktrec.__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process there, unheard")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_a_word(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cleared, before = [], signal.getsignal(signal.SIGTERM)  # ray's, where another test has imported it
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

    def work(*_: object) -> int:
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
            return 0
        finally:
            cleared.append(True)

    module = SimpleNamespace(__doc__="", add_arguments=lambda parser: None, main=work)
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: module)
    try:
        assert cli.main(["pretrain"]) == code and cleared
    finally:
        signal.signal(signal.SIGINT, heard)
    assert capsys.readouterr().err.endswith("ktrec pretrain: stopped. The same command goes on from here.\n")
    assert signal.getsignal(signal.SIGTERM) is before, "nothing is left in the process of whoever called it"


def test_the_handler_of_whoever_calls_stays() -> None:
    """But that of ray, which is set as its import goes along."""
    heard, before = list[int](), signal.getsignal(signal.SIGTERM)

    def own(number: int, _: object) -> None:
        heard.append(number)

    signal.signal(signal.SIGTERM, own)
    try:
        with terminable():
            os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        own.__module__ = "ray._private.worker"
        with pytest.raises(Terminated), terminable():
            os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM] and signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_checkpoint_leaves_the_handler_that_was_there(workplace: Path, fresh_python: Callable[..., str]) -> None:
    """RecBole's quick_start imports ray, whose handler ended `ktrec recommend`, and a service, without a word."""
    saved = checkpoint("KTEASE", "--prior=none")
    code = (
        "import signal\nfrom pathlib import Path\nfrom recbole_ktrec.serving import load\n"
        "def own(*_): print('heard')\nsignal.signal(signal.SIGTERM, own)\n"
        f"load(Path({saved!r}))\nsignal.raise_signal(signal.SIGTERM)"
    )
    assert fresh_python(code).splitlines()[-1] == "heard"


def test_a_forked_child_is_ended_as_before(fresh_python: Callable[..., str]) -> None:
    """In a process of its own: one with threads, of ray say, had better not fork."""
    code = (
        "import multiprocessing, time\nfrom recbole_ktrec.commands.session import terminable\n"
        "fork = multiprocessing.get_context('fork')\nthere = fork.Event()\nwith terminable():\n"
        "    child = fork.Process(target=lambda: [there.set(), time.sleep(30)])\n"
        "    child.start()\n    there.wait()\n    child.terminate()\n    child.join(10)\nprint(child.exitcode)"
    )
    assert fresh_python(code).strip() == str(-signal.SIGTERM)


def ended(process: psutil.Process) -> bool:
    try:
        process.wait(10)
    except psutil.TimeoutExpired:
        return False
    return True


def test_a_comparison_that_a_service_stops_leaves_no_process(workplace: Path) -> None:
    command = [sys.executable, "-m", "recbole_ktrec", "benchmark", "--dataset", "tiny", "--models", "BPR",
               "--output", "out", "--seeds", "1", "--epochs=100000", "--stopping_step=100000"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
    deadline, jobs = time.monotonic() + 60, list[psutil.Process]()
    while not jobs and time.monotonic() < deadline:
        time.sleep(0.05)
        jobs = psutil.Process(process.pid).children(recursive=True) if list(Path("out").glob("jobs/*.log")) else []
    assert jobs
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143, said
    assert said.decode().endswith("ktrec benchmark: stopped. The same command goes on from here.\n")
    assert all(ended(job) for job in jobs) and not list(Path("out").glob("jobs/*.json"))
