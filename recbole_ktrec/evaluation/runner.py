"""Run jobs, several at a time, each in a process of its own; what is done is not done again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from recbole_ktrec.errors import ConfigError, KTRecError, number
from recbole_ktrec.evaluation import at_work
from recbole_ktrec.files import write_whole

#: How often a job is started again after a signal ended it, in the life of one runner.
RETRIES = 2
_POLL_SECONDS = 0.05
#: How often the progress bar says how far the running jobs are: a single one may take an hour.
_TELL_SECONDS = 10.0
_LOCK = ".lock"
_LOG_TAIL = 2000
#: Phases whose jobs keep arrays beside their result.
_BY_USER = ("final", "transfer")


@dataclass
class Job:
    """One process to run.

    Attributes:
        key: hash of everything that its result depends on; names its files.
        title: what the progress bar says.
        spec: what :func:`recbole_ktrec.evaluation.job.run_spec` takes.
    """

    key: str
    title: str
    spec: dict[str, Any]


@dataclass
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    started: float = field(default_factory=time.monotonic)


class Runner:
    """Runs jobs in ``folder``: ``<key>.json`` (result), ``<key>.npz`` (per user), ``<key>.log``.

    While a job runs it works in ``<key>.scratch``.

    Args:
        folder: where the files go; one runner at a time (it holds a lock, which the system drops with the process).
        workers: jobs at a time, one thread each.
        memory_limit: gigabytes that a job may ask for; None: no limit.
        time_limit: seconds after which a job is ended; None: no limit.
        module: what a process runs; it takes the spec file as its argument.

    Raises:
        ConfigError: a limit is not above 0.
    """

    def __init__(
        self,
        folder: Path,
        workers: int = 1,
        memory_limit: float | None = None,
        time_limit: float | None = None,
        module: str = "recbole_ktrec.evaluation.job",
    ) -> None:
        for option, limit in (("--memory-limit", memory_limit), ("--time-limit", time_limit)):
            if limit is not None:
                number(option, limit, above=0)
        self.folder, self.workers = folder, max(1, workers)
        self.memory_limit, self.time_limit, self.module = memory_limit, time_limit, module
        self.tries: dict[str, int] = {}

    @contextmanager
    def locked(self) -> Iterator[Runner]:
        """Hold the folder for this process and clear what a killed one left; nothing stays of one that is refused.

        Raises:
            ConfigError: another process is at work in the folder, or nothing can be written there.
        """
        made = [path for path in (self.folder, *self.folder.parents) if not path.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / _LOCK)
        try:
            lock.acquire(timeout=1)
        except Timeout:
            raise ConfigError(
                f"Another run of this command is at work in [{self.folder}]: wait, or choose another --output."
            ) from None
        except OSError as error:
            raise ConfigError(f"Nothing can be written into [{self.folder}]: {error.strerror or error}.") from error
        try:
            for left in [*self.folder.glob("*.partial"), *self.folder.glob("*.scratch")]:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            yield self
        except KTRecError:
            self._leave_nothing(made)
            raise
        finally:
            lock.release()

    def _leave_nothing(self, made: Sequence[Path]) -> None:
        """Remove the lock file of a folder that holds nothing else, and the folders ``made`` for it, the inmost first,
        as far as they are empty."""
        if {path.name for path in self.folder.iterdir()} <= {_LOCK}:
            (self.folder / _LOCK).unlink(missing_ok=True)
        with suppress(OSError):
            for path in made:
                path.rmdir()

    def file(self, job: Job, suffix: str) -> Path:
        """Return the path of one of the files of ``job``, see the class."""
        return self.folder / f"{job.key}.{suffix}"

    def result(self, job: Job) -> dict[str, Any] | None:
        """Return the finished result of ``job``, or None."""
        path = self.file(job, "json")
        try:
            return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        except ValueError:  # cut off by a full disk, say: the job is done again
            return None

    def told(self, job: Job, where: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``where``, the configuration of ``job`` and its result, or that there is none."""
        found = self.result(job) or {"status": "missing", "error": "The job has no result."}
        return {**where, "config": job.spec["config"], **found}

    def run(self, jobs: Sequence[Job], title: str = "Jobs") -> None:
        """Run the ``jobs`` that have no good result yet; failed ones are tried again."""
        waiting = [job for job in {job.key: job for job in jobs}.values() if not self._is_done(job)]
        total = len({job.key for job in jobs})
        bar = tqdm(total=total, initial=total - len(waiting), desc=title, unit="job")
        running, told = list[_Running](), 0.0
        try:
            while waiting or running:
                while waiting and len(running) < self.workers:
                    running.append(self._start(waiting.pop(0)))
                    told = self._tell(bar, running)
                time.sleep(_POLL_SECONDS)
                if time.monotonic() - told > _TELL_SECONDS:
                    told = self._tell(bar, running)
                for one in [one for one in running if self._has_ended(one)]:
                    running.remove(one)
                    if self._finish(one):
                        bar.update()
                        told = self._tell(bar, running)
                    else:
                        waiting.insert(0, one.job)
        finally:
            for one in running:
                one.process.kill()
                one.process.wait()
            bar.close()

    def _tell(self, bar: tqdm, running: Sequence[_Running]) -> float:
        """Show which jobs run and what each is at; return when that was."""
        bar.set_postfix_str(", ".join(self._at_work(one.job) for one in running)[:90])
        return time.monotonic()

    def _at_work(self, job: Job) -> str:
        phase = at_work.phase(self.file(job, "log"))
        return f"{job.title}: {phase}" if phase else job.title

    def _is_done(self, job: Job) -> bool:
        result = self.result(job)
        if result is None or result["status"] != "done":
            return False
        # Models are compared by user; a copy of the folder may lack these arrays, or have them in part.
        return job.spec.get("phase") not in _BY_USER or zipfile.is_zipfile(self.file(job, "npz"))

    def _start(self, job: Job) -> _Running:
        scratch, result = self.file(job, "scratch"), self.file(job, "json")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        result.unlink(missing_ok=True)  # a failed one
        where = {"scratch": str(scratch.resolve()), "result": str(result.resolve()), "origin": os.getcwd()}
        spec = {**job.spec, **where, "parent": os.getpid(), "memory_limit": self.memory_limit}
        (scratch / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        log = self.file(job, "log").open("wb")
        command = [sys.executable, "-m", self.module, str((scratch / "spec.json").resolve())]
        # A job is a thread: several run beside each other, and the same seed gives the same result.
        threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        environment = {**child_environment(), **threads, "TOKENIZERS_PARALLELISM": "false"}
        if cache := environment.get("KTREC_CACHE"):  # seen from here, not from where the job works
            environment["KTREC_CACHE"] = os.path.abspath(os.path.expanduser(cache))
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment
        )
        return _Running(job, process, log)

    def _has_ended(self, one: _Running) -> bool:
        if self.time_limit and time.monotonic() - one.started > self.time_limit and one.process.poll() is None:
            one.process.kill()
            one.process.wait()
            self.tries[one.job.key] = RETRIES
            one.log.write(f"\nEnded after {self.time_limit:g} s, the time limit.\n".encode())
        return one.process.poll() is not None

    def _finish(self, one: _Running) -> bool:
        """Clear up after a process; return whether its job is over, or else to be started again."""
        one.log.close()
        shutil.rmtree(self.file(one.job, "scratch"), ignore_errors=True)
        if self.result(one.job) is not None:
            return True
        code = one.process.returncode
        if code < 0 and self.tries.get(one.job.key, 0) < RETRIES:
            self.tries[one.job.key] = self.tries.get(one.job.key, 0) + 1
            return False
        tail = self.file(one.job, "log").read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        failure = {"status": "failed", "error": _reason(code, tail), "traceback": tail, "timing": {}, "memory": {}}
        write_whole(self.file(one.job, "json"), json.dumps(failure, indent=1))
        return True


def child_environment() -> dict[str, str]:
    """Return the environment of this process for one that imports the package from where this one has it."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}


def _reason(code: int, tail: str) -> str:
    if code < 0 and "the time limit" in tail[-100:]:
        return tail.strip().splitlines()[-1]
    if code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"The process was ended by {name}{hint}, {RETRIES + 1} times."
    return f"The process ended with code {code}: {(tail.strip().splitlines() or ['no output'])[-1]}"
