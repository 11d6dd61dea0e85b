"""What a command sets up around itself and RecBole: threads, warnings, how it is stopped."""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import psutil

from recbole_ktrec.errors import ConfigError


def usable_cores() -> int:
    """Return the number of physical cores that this process may use, at least 1."""
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, affinity))


#: What a job may well take: EASE solves 12,000 items with 5 GiB.
_BYTES_A_JOB = 6 << 30


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add ``--jobs``, whose default is for :func:`jobs_of` to find, and the limits of a job."""
    what = "jobs at a time (default: one a core and 6 GiB of memory; one where there is a GPU, which all would share)"
    parser.add_argument("--jobs", type=int, metavar="N", help=what)
    what = "memory that one job may ask for: address space, of which CUDA reserves far more than it takes"
    parser.add_argument("--memory-limit", type=float, metavar="GB", help=what)
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="seconds that one job may take")


def jobs_of(given: int | None, options: Mapping[str, Any], gigabytes: float | None = None) -> int:
    """Return how many jobs run at a time: ``given``, or what this machine has the cores and the memory for.

    Args:
        options: of RecBole, which may turn the GPU off.
        gigabytes: that a job may take.
    """
    if given is not None:
        return given
    if has_gpu(options):
        return 1
    size = int(gigabytes * 2**30) if gigabytes else _BYTES_A_JOB
    return max(1, min(usable_cores(), psutil.virtual_memory().total // max(size, 1)))


def has_gpu(options: Mapping[str, Any]) -> bool:
    """Return whether there is a GPU that the ``options`` of RecBole do not turn off.

    They are counted without CUDA, as ``torch.cuda.is_available`` starts it, and ``gpu_id`` chooses none afterwards.
    """
    import torch

    wanted = options.get("use_gpu", True) and str(options.get("gpu_id", "0")) != ""
    return bool(wanted) and torch.cuda.device_count() > 0


def default_threads(processes: int = 1) -> int:
    """Return how many threads each of ``processes`` should use: the cores that are idle now, shared; 1 if all are busy.

    More threads than idle cores make small tensor operations slower, not faster.
    """
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(usable_cores(), round(usable_cores() - busy)) // processes)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add ``--threads``, for :func:`set_threads`."""
    parser.add_argument("--threads", type=int, help="threads of torch (default: OMP_NUM_THREADS, else idle cores)")


def set_threads(threads: int | None, processes: int = 1) -> int:
    """Let torch use ``threads``; None stands for ``OMP_NUM_THREADS`` if it is set, else for the idle cores.

    Call it before torch is imported: the processes that are started later take the number from the environment.

    Raises:
        ConfigError: ``threads`` is less than 1.
    """
    if threads is not None and threads < 1:
        raise ConfigError(f"--threads [{threads}] must be at least 1.")
    own = os.environ.get("OMP_NUM_THREADS", "")
    chosen = threads or (int(own) if own.isdigit() and int(own) else default_threads(processes))
    os.environ["OMP_NUM_THREADS"] = str(chosen)
    import torch

    torch.set_num_threads(chosen)
    return chosen


class Terminated(KeyboardInterrupt):
    """SIGTERM, by which services stop what they started: what cleans up after Ctrl-C does so then, too."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Raise :class:`Terminated` where SIGTERM comes while the block runs; a second one ends the process at once.

    Whoever has a handler of SIGTERM keeps it, but ray, which sets one as RecBole's quick_start imports it: that one
    says nothing, and waits for the processes of ``--nproc``.
    """
    in_main = threading.current_thread() is threading.main_thread()  # no other thread can have handlers
    before = signal.getsignal(signal.SIGTERM)
    if not in_main or before is not signal.SIG_DFL and not _is_of_ray(before):
        yield
        return
    own = os.getpid()

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        if os.getpid() != own:  # a forked child has this handler, too, and not what is above it
            os.kill(os.getpid(), number)
        raise Terminated

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def without_rays_handler() -> Iterator[None]:
    """Import what brings ray along within: SIGTERM is then heard by whom it was before, a command or a service."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and before is not None and _is_of_ray(signal.getsignal(signal.SIGTERM)):
            signal.signal(signal.SIGTERM, before)


def _is_of_ray(handler: object) -> bool:
    return str(getattr(handler, "__module__", "")).split(".")[0] == "ray"


def end_children() -> None:
    """End the processes of multiprocessing (``--nproc``), which Python would wait for, and which SIGTERM, unlike
    Ctrl-C, is not sent to."""
    for child in multiprocessing.active_children():
        child.terminate()


@contextlib.contextmanager
def quiet_host() -> Iterator[None]:
    """Leave out what torch, pandas and scipy have to say about the age of RecBole's code."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, UserWarning):
            warnings.filterwarnings("ignore", category=category, module=r"recbole\.")
        yield
