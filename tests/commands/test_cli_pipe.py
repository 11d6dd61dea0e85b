"""A reader that closes early is no error to shout about."""

from __future__ import annotations

import subprocess
import sys


def test_a_closed_pipe_gives_no_traceback() -> None:
    command = f"{sys.executable} -u -m recbole_ktrec convert --list | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("movielens") and "Traceback" not in done.stderr
