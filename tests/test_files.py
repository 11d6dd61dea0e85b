"""What killed processes leave of files that appear whole or not at all; files of keys and values."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.files import read_mapping, write_whole
from recbole_ktrec.text.views import save_view


@pytest.fixture(scope="module")
def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave(path: Path, process: int, hours: float) -> Path:
    """Write what ``process`` has left of ``path`` some hours ago."""
    left = path.with_name(f"{path.name}.{process}-{round(60 * hours)}.partial")
    left.write_bytes(b"half")
    os.utime(left, (left.stat().st_mtime - 3600 * hours,) * 2)
    return left


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_one(tmp_path: Path, ended: int) -> None:
    path = tmp_path / "a[1].json"
    gone, living = leave(path, ended, 2), leave(path, os.getpid(), 2)
    other, foreign = leave(tmp_path / "other", ended, 2), tmp_path / "a[1].json.old.partial"
    foreign.write_text("")
    young = leave(path, ended, 0.5)
    write_whole(path, "{}")
    assert not gone.exists()
    assert all(one.exists() for one in (young, living, other, foreign))


def test_what_killed_processes_left_of_views_goes_with_the_next_one(tmp_path: Path, ended: int) -> None:
    left = [leave(tmp_path / f"{name}.npy", process, 2) for name, process in (("a", ended), ("b", os.getpid()))]
    save_view(tmp_path / "c.npy", np.zeros((2, 3), np.float32))
    assert [one.exists() for one in left] == [False, True]


@pytest.mark.parametrize("content", ["BPR: {epochs: 1}\nBPR: {n: 2}\n", "all: {BPR: 1, BPR: 2}\n"])
def test_a_key_that_stands_twice_is_refused_instead_of_keeping_the_last(tmp_path: Path, content: str) -> None:
    (tmp_path / "options.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"options.yaml\] cannot be read: key \[BPR\] stands there twice"):
        read_mapping(tmp_path / "options.yaml")


def test_a_key_may_go_over_one_that_is_merged(tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text("a: &a {x: 1, y: 1}\nb: {<<: *a, x: 2}\n")
    assert read_mapping(tmp_path / "options.yaml")["b"] == {"x": 2, "y": 1}
