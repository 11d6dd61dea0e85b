"""What a child process does so that its parent may be killed at any moment, and it itself too."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Kill this process as soon as process ``parent`` is gone: by the kernel on Linux, else by looking every second."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if not _is_there(parent):  # it died before the line above
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _is_there(parent: int) -> bool:
    """On Windows the python of a virtual environment starts another one: the parent need not be the direct one."""
    return psutil.pid_exists(parent) if sys.platform == "win32" else os.getppid() == parent


def _watch(parent: int) -> None:
    while _is_there(parent):
        time.sleep(1)
    os._exit(1)


def offer_to_oom_killer() -> None:
    """Ask the kernel to kill this process rather than its parent when memory runs out (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def limit_memory(gigabytes: float | None) -> None:
    """Make allocations beyond ``gigabytes`` fail in this process, where the system can."""
    # Windows has no such limit, and macOS refuses this one.
    with contextlib.suppress(ImportError, ValueError, OSError):
        if not gigabytes:
            return
        import resource

        size = int(gigabytes * 1024**3)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes.

    Not ``ru_maxrss`` on Linux: it is inherited through fork and exec, so a child starts at its parent's size.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
