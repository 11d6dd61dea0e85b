"""The scripts of ``benchmarks/`` are run by hand and seldom: at least what they import must be there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
import yaml

from recbole_ktrec.evaluation.grid_file import read_grid
from recbole_ktrec.evaluation.options import entries
from recbole_ktrec.evaluation.transfer_grid import EASE

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.mark.parametrize("script", sorted(str(path.relative_to(BENCHMARKS)) for path in BENCHMARKS.rglob("*.py")))
def test_what_a_script_imports_of_the_package_is_there(script: str) -> None:
    tree = ast.parse((BENCHMARKS / script).read_text(encoding="utf-8"))
    wanted = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    missing = [
        f"{node.module}.{alias.name}"
        for node in wanted
        if (node.module or "").split(".")[0] == "recbole_ktrec"
        for alias in node.names
        if not hasattr(importlib.import_module(node.module or ""), alias.name)
    ]
    assert missing == []


def test_every_row_of_the_options_can_be_run() -> None:
    options = yaml.safe_load((BENCHMARKS / "options.yaml").read_text(encoding="utf-8"))
    rows = entries(options, read_grid(None), options)
    assert [row.label for row in rows] == list(options)
    assert read_grid(None)["variants"]["EASE-auto"] == {"model": "KTEASE", **EASE}, "one EASE in all comparisons"
    assert not {*options} & {*read_grid(None)["variants"]}, "a row that both name may be two things"
