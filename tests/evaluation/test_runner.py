"""The runner: each job once, what fails is a row, what is killed goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation import at_work, parent
from recbole_ktrec.evaluation.runner import RETRIES, Job, Runner

MODULE = "tests.evaluation.stand_in_job"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "jobs", workers=3, module=MODULE)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Job]:
    """A function that returns a job for the stand-in."""

    def job(name: str, act: str = "done", **more: Any) -> Job:
        return Job(name, name, {"name": name, "act": act, "starts": str(tmp_path / "starts"), **more})

    return job


def starts(tmp_path: Path) -> list[str]:
    return (tmp_path / "starts").read_text().split("\n")[:-1]


def test_each_job_runs_once_and_is_not_run_again(runner: Runner, make: Callable[..., Job], tmp_path: Path) -> None:
    jobs = [make(f"job{n}") for n in range(5)] + [make("job0")]
    with runner.locked():
        runner.run(jobs)
        runner.run(jobs)
    assert sorted(starts(tmp_path)) == [f"job{n}" for n in range(5)]
    assert {(runner.result(job) or {})["status"] for job in jobs} == {"done"}
    assert {path.suffix for path in runner.folder.iterdir() if path.name != ".lock"} == {".json", ".log"}


def test_the_bar_says_how_far_a_long_job_is(
    runner: Runner,
    make: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("recbole_ktrec.evaluation.runner._TELL_SECONDS", 0.1)
    said = "At work: training\nepoch 8 training [time: 1.07s, train loss: 8.4]\nepoch 9 training [time: 1.29s]"
    with runner.locked():
        runner.run([make("slow", seconds=1, says=said)])
    assert "slow: epoch 10" in capsys.readouterr().err  # RecBole counts from 0


@pytest.mark.parametrize(
    ("last", "phase"),
    [
        ("", ""),
        ("batch_size = 9\ndevice = cpu", ""),
        ("At work: building the model", "building the model"),
        ("INFO  Encoding 20619 texts with [all].", "encoding 20619 texts"),
        ("7 item_id with text, 0 without; 7 distinct texts: 7 encoded now, 0 from [x].", "texts are read"),
        ("KTEASE: text neighbours of 20,619 items", "comparing texts of 20,619 items"),
        ("KTEASE: terms of 4,170 items, weighted by what users take together", "weighing terms of 4,170 items"),
        ("KTEASE: 20,620 items, sparse form, 300 nearest items", "choosing lambda"),
        ("KTEASE: 4,171 items, dense form: time grows as their cube", "choosing lambda"),
        ("KTEASE: reg_weight 60, prior_weight 0.07, neighbour_weight 0, history_decay 0", "solving"),
        ("KTEASE: prior_weight once more, beside what sharpens the scores", "choosing what sharpens the scores"),
        ("KTEASE: what comes next, a second solve of 9 items", "solving for what comes next"),
        ("epoch 2 training [time: 1.07s, train loss: 8.4]\nSaving current: saved/x.pth", "epoch 3"),
        ("epoch 2 training [time: 1.07s]\nAt work: measuring\nLoading model", "measuring"),
    ],
)
def test_what_a_job_is_at_is_what_its_log_said_last(tmp_path: Path, last: str, phase: str) -> None:
    (tmp_path / "log").write_text(f"{'At work: reading the data' * bool(phase)}\n{last}\n")
    assert at_work.phase(tmp_path / "log") == phase


def test_a_refusal_leaves_what_was_there_before_alone(runner: Runner, tmp_path: Path) -> None:
    for there in (False, True):
        if there:
            runner.folder.mkdir()
            (runner.folder / "a.json").write_text("{}")
        with pytest.raises(ConfigError, match="no"), runner.locked():
            raise ConfigError("no")
        assert runner.folder.exists() == there
    assert tmp_path.exists() and {path.name for path in runner.folder.iterdir()} == {"a.json", ".lock"}


def test_failures_are_results_and_are_tried_again_by_the_next_run(
    runner: Runner, make: Callable[..., Job], tmp_path: Path
) -> None:
    jobs = [make("fails", "fail"), make("exits", "exit"), make("dies", "die"), make("good")]
    with runner.locked():
        runner.run(jobs)
    errors = {job.key: (runner.result(job) or {}).get("error") for job in jobs}
    assert errors["fails"] == "it says"
    assert errors["exits"] == "The process ended with code 1: the last line it said"
    assert errors["dies"] == f"The process was ended by SIGKILL (out of memory?), {RETRIES + 1} times."
    assert starts(tmp_path).count("dies") == RETRIES + 1 and starts(tmp_path).count("exits") == 1
    with runner.locked():
        runner.run([make("exits", "done"), make("good")])
    assert (runner.result(jobs[1]) or {})["status"] == "done" and starts(tmp_path).count("good") == 1


def test_a_killed_child_is_started_again(runner: Runner, make: Callable[..., Job], tmp_path: Path) -> None:
    with runner.locked():
        runner.run([make("once", "die once")])
    assert starts(tmp_path) == ["once", "once"] and (runner.result(make("once")) or {})["status"] == "done"


def test_a_damaged_result_is_made_again(runner: Runner, make: Callable[..., Job], tmp_path: Path) -> None:
    job = make("good")
    with runner.locked():
        runner.run([job])
        (runner.folder / f"{job.key}.json").write_text('{"status": "do')  # a full disk cut it off
        assert runner.result(job) is None
        runner.run([job])
    assert starts(tmp_path) == ["good", "good"] and (runner.result(job) or {})["status"] == "done"


_GO = """
import sys
from pathlib import Path
from recbole_ktrec.evaluation.runner import Job, Runner
folder = Path(sys.argv[1])
jobs = [
    Job(f"j{n}", f"j{n}", {"name": f"j{n}", "act": "done", "seconds": 0.3, "starts": str(folder / "starts")})
    for n in range(4)
]
with Runner(folder / "jobs", 2, module=sys.argv[2]).locked() as runner:
    runner.run(jobs)
"""


def test_a_killed_parent_goes_on_where_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _GO, str(tmp_path), MODULE]
    first = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 30
    while not (tmp_path / "jobs" / "j0.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert not (tmp_path / "jobs" / "j3.json").exists(), "killed in the middle"
    assert subprocess.run(command, cwd=ROOT, timeout=60).returncode == 0
    assert {path.name for path in (tmp_path / "jobs").glob("*.json")} == {f"j{n}.json" for n in range(4)}
    assert starts(tmp_path).count("j0") == 1 and starts(tmp_path).count("j3") >= 1


@pytest.mark.parametrize("phase", ["final", "transfer"])
def test_a_result_whose_arrays_are_lost_is_made_again(
    runner: Runner, make: Callable[..., Job], tmp_path: Path, phase: str
) -> None:
    job, arrays = make("job", phase=phase), runner.folder / "job.npz"
    with runner.locked():
        runner.run([job, make("trial", phase="trial")])
        np.savez_compressed(arrays, users=np.array(["a"]))
        runner.run([job, make("trial", phase="trial")])
        assert sorted(starts(tmp_path)) == ["job", "trial"]
        arrays.write_bytes(arrays.read_bytes()[:-9])
        runner.run([job])
        arrays.unlink()
        runner.run([job])
    assert sorted(starts(tmp_path)) == ["job", "job", "job", "trial"]


@pytest.mark.parametrize(("limit", "told"), [(1, "1"), (0.25, "0.25")])
def test_time_limit(tmp_path: Path, make: Callable[..., Job], limit: float, told: str) -> None:
    runner = Runner(tmp_path / "jobs", time_limit=limit, module=MODULE)
    job = make("slow", seconds=60)
    with runner.locked():
        runner.run([job])
    assert (runner.result(job) or {})["error"] == f"Ended after {told} s, the time limit."


def test_one_runner_a_folder(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom recbole_ktrec.evaluation.runner import Runner\n"
        "with Runner(Path(sys.argv[1])).locked():\n    print('held', flush=True)\n    time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(runner.folder)], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match="Another run of this command is at work"), runner.locked():
            pass
    finally:
        process.kill()
        process.wait()
    with runner.locked():  # the lock went with the process
        assert not list(runner.folder.glob("*.partial"))


def test_leftovers_of_a_killed_run_are_cleared(runner: Runner) -> None:
    (runner.folder / "k.scratch").mkdir(parents=True)
    (runner.folder / "k.json.partial").write_text("{")
    with runner.locked():
        assert [path.name for path in runner.folder.iterdir()] == [".lock"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    """The parent is killed by SIGKILL, which it cannot answer: the kernel ends the child."""
    child = (
        "import os, sys, time\nfrom recbole_ktrec.evaluation.parent import die_with_parent\n"
        "die_with_parent(int(sys.argv[1]))\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
    )
    code = f"import os, subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}, str(os.getpid())])"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    else:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_system_without_such_a_limit_or_count_still_runs_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(parent.Path, "is_file", lambda _: False)
    seen = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=7))
    monkeypatch.setattr(parent.psutil, "Process", lambda: seen)
    parent.limit_memory(1.0)
    assert parent.peak_memory() == 7
    monkeypatch.setattr(parent.sys, "platform", "win32")
    monkeypatch.setattr(parent.threading, "Thread", lambda **_: SimpleNamespace(start=lambda: None))
    ended: list[int] = []
    monkeypatch.setattr(parent.os, "_exit", ended.append)
    parent.die_with_parent(os.getpid())
    assert not ended, "there, though no parent of this process"
    parent.die_with_parent(2**22 + 1)
    assert ended == [1]


def test_peak_memory_is_that_of_this_process() -> None:
    code = (
        "from recbole_ktrec.evaluation.parent import peak_memory; before = peak_memory(); block = bytearray(2**28);"
        "block[:: 2**12] = b'x' * len(block[:: 2**12]); print(peak_memory() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 2**27
