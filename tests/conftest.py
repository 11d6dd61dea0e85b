"""Fixtures for every room: a data set small enough to train on in a moment, and quiet RecBole settings."""

from __future__ import annotations

import logging
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import recbole_ktrec
from tests.support import save_tiny_bert, write_titles


def write_tiny_dataset(folder: Path, name: str = "tiny", users: int = 24, items: int = 30) -> Path:
    """Write ``<folder>/<name>/<name>.inter``: two groups of users, each with its own half of the items (seeded)."""
    draw = random.Random(7)
    rows = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(users):
        half = range(user % 2, items, 2)
        for time, item in enumerate(draw.sample(list(half), 10)):
            rows.append(f"u{user}\ti{item}\t{draw.randint(3, 5)}\t{time}")
    (folder / name).mkdir(parents=True)
    (folder / name / f"{name}.inter").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / name


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Take away the handlers and levels that RecBole's ``init_logger`` leaves behind."""
    before = [(logger, logger.handlers[:], logger.level) for logger in map(logging.getLogger, ("", "recbole_ktrec"))]
    yield
    for logger, handlers, level in before:
        for handler in [one for one in logger.handlers if one not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(level)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with ``dataset/tiny``: RecBole writes logs and checkpoints into the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["test"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_tiny_dataset(tmp_path / "dataset")
    return tmp_path


@pytest.fixture
def settings(workplace: Path) -> Callable[..., dict[str, Any]]:
    """A function that returns quick, quiet RecBole settings for ``dataset/tiny``, changed by its keyword arguments."""

    def make(**changes: Any) -> dict[str, Any]:
        quick = {"epochs": 2, "show_progress": False, "state": "ERROR", "embedding_size": 8, "topk": [5]}
        return {**quick, "valid_metric": "NDCG@5", "use_gpu": False, **changes}

    return make


@pytest.fixture
def fresh_python(workplace: Path) -> Callable[..., str]:
    """A function that runs code in a new process in ``workplace`` and returns what it printed; it must succeed."""
    source = str(Path(recbole_ktrec.__file__).parent.parent)

    def run(code: str, *args: object, **env: str) -> str:
        path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-c", code, *map(str, args)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": path, **env}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny BERT."""
    return str(save_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.fixture
def values(workplace: Path, encoder: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Two sources, ``one`` and ``two``, and a function that returns their configuration."""
    monkeypatch.setenv("KTREC_CACHE", str(workplace / "cache"))
    draw = random.Random(5)
    for name, topics in (("one", ("red robot", "blue puzzle")), ("two", ("space drama", "board comedy"))):
        folder = write_tiny_dataset(workplace / "dataset", name, users=60)
        write_titles(folder, topics, 30, draw)
    path = workplace / "dataset" / "two" / "two.inter"
    path.write_text(path.read_text().replace("\nu", "\nv"))  # other users: a data set is no source beside itself
    return lambda name: {"data_path": "dataset", "text_encoder": encoder, "text_max_length": 16, "use_gpu": False}
