"""What a job is at, told in its log and read from its last lines: a single one may take an hour, and shows no bar."""

from __future__ import annotations

import re
from logging import getLogger
from pathlib import Path

_TAIL = 2000
#: Lines of a log, RecBole's and the plugin's, and what is done from there on. RecBole counts epochs from 0.
_LINES = (
    (rb"At work: ([^\r\n]+)", "{}"),
    (rb"epoch (\d+) training \[", "epoch {}"),
    (rb"Encoding (\d+ texts?)", "encoding {}"),
    (rb"distinct texts: \d+ encoded now", "texts are read"),
    (rb"KTEASE: terms of ([\d,]+ items)", "weighing terms of {}"),
    (rb"KTEASE: text neighbours of ([\d,]+ items)", "comparing texts of {}"),
    (rb"KTEASE: [\d,]+ items, (?:dense|sparse) form", "choosing lambda"),
    (rb"KTEASE: reg_weight [^\r\n]+", "solving"),
    (rb"KTEASE: prior_weight once more", "choosing what sharpens the scores"),
    (rb"KTEASE: what comes next, a second solve", "solving for what comes next"),
)
_ANY = re.compile(b"|".join(b"(?:" + line + b")" for line, _ in _LINES))


def say(what: str) -> None:
    """Tell in the log of a job what it does from here on."""
    getLogger().info(f"At work: {what}")


def phase(log: Path) -> str:
    """Return what the job of ``log`` is at by the last line that says so, nothing where there is none."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        found = list(_ANY.finditer(file.read()))
    return _words(found[-1].group()) if found else ""


def _words(said: bytes) -> str:
    for line, words in _LINES:
        if match := re.match(line, said):
            group = match.group(1).decode(errors="replace") if match.groups() else ""
            return words.format(int(group) + 1 if group.isdigit() else group)
    return ""
