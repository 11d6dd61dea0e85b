"""A reader that closes early and a folder that cannot be made are no errors to shout about."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recbole_ktrec.cli import main


def test_a_closed_pipe_gives_no_traceback() -> None:
    command = f"{sys.executable} -u -m recbole_ktrec convert --list | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("movielens") and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["benchmark", "--dataset", "tiny", "--models", "Pop", "--output", "file/out"],
        ["run", "--model=Pop", "--dataset=tiny", "--checkpoint_dir=file/saved"],
    ],
)
def test_a_folder_that_cannot_be_made_is_named(
    command: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "file").write_text("no folder")
    assert main(command) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"ktrec {command[0]}: [file/") and "cannot be made" in last


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "transfer-report" in capsys.readouterr().err
