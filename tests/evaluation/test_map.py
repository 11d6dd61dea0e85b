"""The map of the room names every file."""

from __future__ import annotations

import re
from pathlib import Path

from recbole_ktrec import evaluation


def test_every_file_is_on_the_map_and_no_other() -> None:
    files = {path.stem for path in Path(evaluation.__file__).parent.rglob("*.py")} - {"__init__"}
    named = set(re.findall(r"``(\w+)``", evaluation.__doc__ or "")) - {"report"}
    assert named == files
