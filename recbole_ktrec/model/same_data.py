"""Which data set a run's interactions are from, whatever its folder is called: nobody learns from their own test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recbole_ktrec.files import file_sha256


def _mark(config: Any) -> dict[str, Any]:
    """Return what ``ktrec benchmark`` and ``transfer-report`` write beside a split, empty where there is none.

    A file of that name that holds anything else is the user's own.
    """
    path = Path(config["data_path"]) / "split.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def names(config: Any) -> set[str]:
    """Return the names of the run's data set and of the one that it was split from."""
    return {str(config["dataset"]), str(_mark(config).get("dataset", ""))} - {""}


def inter_sha256(config: Any) -> str | None:
    """Return the digest of the ``.inter`` file that the run's interactions are from, None where it is not known.

    Of a split, that of the data set that was split: its parts look like nobody's file.
    """
    if split_from := _mark(config).get("inter_sha256"):
        return str(split_from)
    path = Path(config["data_path"]) / f"{config['dataset']}.inter"
    return file_sha256(path) if path.is_file() else None
