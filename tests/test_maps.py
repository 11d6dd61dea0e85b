"""The map of a room, the docstring of its ``__init__``, names every file of it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest


@pytest.mark.parametrize("room", ["sources", "text", "nn", "model", "evaluation", "knowledge", "commands"])
def test_every_file_is_on_the_map_and_no_other(room: str) -> None:
    package = importlib.import_module(f"recbole_ktrec.{room}")
    folder = Path(str(package.__file__)).parent
    files = {path.stem for path in folder.rglob("*.py")} - {"__init__"}
    inner = {path.parent.name for path in folder.rglob("*/__init__.py")} - {room}
    assert set(re.findall(r"``(\w+)``", package.__doc__ or "")) - inner == files
