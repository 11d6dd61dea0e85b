"""Which data set a run's interactions are from, whatever its folder is called: nobody learns from their own test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def origin(config: Any) -> str:
    """Return the name of the data set that this run's was split from (``ktrec benchmark`` writes it), "" if none."""
    mark = Path(config["data_path"]) / "split.json"
    return str(json.loads(mark.read_text(encoding="utf-8")).get("dataset", "")) if mark.is_file() else ""


def names(config: Any) -> set[str]:
    """Return the names of the run's data set and of the one that it was split from."""
    return {str(config["dataset"]), origin(config)} - {""}


def interaction_file(config: Any) -> Path | None:
    """Return the ``.inter`` file of a data set that is split in memory, None where its parts are files."""
    path = Path(config["data_path"]) / f"{config['dataset']}.inter"
    return path if path.is_file() else None
