"""Imports run one way: a room may use only the rooms above it in ``recbole_ktrec.LAYERS``."""

import ast
import sys
from pathlib import Path

import pytest

import recbole_ktrec

ROOT = Path(recbole_ktrec.__file__).parent
HOST_ROOMS = {"__init__", "compat", "register", "model", "evaluation", "knowledge", "commands"}
FILES = [path for path in sorted(ROOT.rglob("*.py")) if path.parent != ROOT or path.stem != "__init__"]


def room(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    own = room(path)
    assert own in recbole_ktrec.LAYERS, f"{own} is not a room of LAYERS"
    for name in imported(path):
        if name.startswith("recbole_ktrec."):
            other = name.split(".")[1]
            if other in recbole_ktrec.LAYERS and other != own:
                order = recbole_ktrec.LAYERS.index
                assert order(other) < order(own), f"{path.relative_to(ROOT)} imports downwards: {name}"
        elif name.split(".")[0] == "recbole":
            assert own in HOST_ROOMS, f"{path.relative_to(ROOT)} imports RecBole"


def test_nn_imports_numbers_only() -> None:
    allowed = {"torch", "numpy", "scipy", "tqdm", "recbole_ktrec", *sys.stdlib_module_names}
    for path in (p for p in FILES if room(p) == "nn"):
        assert {name.split(".")[0] for name in imported(path)} <= allowed, path
