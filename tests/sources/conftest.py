"""Helpers for converter tests: write raw files, convert them, read the result back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.sources import SOURCES, Report, Rules
from recbole_ktrec.sources import convert as convert_source
from tests.support import read_atomic


@dataclass
class Result:
    """A finished conversion."""

    report: Report
    folder: Path

    def table(self, kind: str) -> pd.DataFrame:
        return read_atomic(self.folder / f"{self.folder.name}.{kind}")

    def rows(self, kind: str) -> list[list[str]]:
        return self.table(kind).to_numpy().tolist()

    @property
    def document(self) -> dict[str, Any]:
        return json.loads((self.folder / "conversion.json").read_text(encoding="utf-8"))

    @property
    def damaged(self) -> list[list[str]]:
        lines = (self.folder / "damaged.tsv").read_text(encoding="utf-8").splitlines()
        return [line.split("\t") for line in lines[1:]]

    def dropped(self, kind: str = "inter") -> dict[str, int]:
        return dict(next(ledger for ledger in self.report.ledgers if ledger.kind == kind).dropped)


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes ``{name: text or bytes}`` below one raw folder and returns the folder."""
    folder = tmp_path / "raw"

    def write(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return folder

    return write


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Return a function that converts a raw folder with a source of the table and returns the result."""

    def go(name: str, folder: Path, rules: Rules | None = None, **options: Any) -> Result:
        output = tmp_path / "dataset" / "d"
        more = {key: options.pop(key) for key in ("strict", "files", "overwrite") if key in options}
        report = convert_source(name, SOURCES[name], [folder], output, rules=rules, options=options, **more)
        return Result(report, output)

    return go


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Any]:
    """A function that writes files below ``raw`` and converts them into ``d``: exit code, rows by file, account."""

    def run(files: dict[str, str | bytes], *options: str, source: str = "table") -> Any:
        raw = tmp_path / "raw"
        for name, content in files.items():
            (raw / name).parent.mkdir(parents=True, exist_ok=True)
            (raw / name).write_bytes(content.encode() if isinstance(content, str) else content)
        code = main(["convert", source, "--input", str(raw), "--output", str(tmp_path / "d"), "--quiet", *options])
        if code:
            return code
        account = json.loads((tmp_path / "d" / "conversion.json").read_text(encoding="utf-8"))
        rows = {
            path.suffix[1:]: [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
            for path in (tmp_path / "d").glob("d.*")
            if path.suffix != ".yaml"
        }
        return rows, account

    return run
