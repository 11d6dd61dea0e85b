"""Tables as shops have them, their conversion into ``d``, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.cli import main
from tests.commands.click_tables import Files
from tests.commands.shop_tables import GOODS, clicks, iso
from tests.support import read_atomic


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., int]:
    """Return a function that writes files and converts them into ``d``."""

    def run(files: Files, *args: str) -> int:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        parts = [each for name in files for each in (f"--{Path(name).stem}", name) if name.endswith("s.csv")]
        return main(
            ["convert", "table", "--input", str(tmp_path), "--output", str(tmp_path / "d" / "d"), *parts, *args]
        )

    return run


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Any]:
    """Return a function that reads one file of the result back."""
    folder = tmp_path / "d" / "d"
    return lambda kind: (
        read_atomic(folder / f"d.{kind}") if kind != "json" else json.loads((folder / "conversion.json").read_text())
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with both tables of ``shop_tables``."""
    (tmp_path / "goods.csv").write_text(GOODS)
    (tmp_path / "clicks.csv").write_text(clicks(iso(20)))
    return tmp_path
