"""Whether a data set has item texts; they are encoded once before the jobs, on all cores, in nobody's training time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.atomic import read_header
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid
from recbole_ktrec.evaluation.options import Entry, reads_texts
from recbole_ktrec.evaluation.prepare import dataset_settings
from recbole_ktrec.evaluation.runner import child_environment
from recbole_ktrec.evaluation.source import Source
from recbole_ktrec.files import file_sha256
from recbole_ktrec.register import MODELS
from recbole_ktrec.text import EntityFile, TextSettings, text_columns, text_hashes


def lacks_texts(item_file: Path, values: Mapping[str, Any]) -> str:
    """Return why a data set has no item texts, nothing if it has; columns that ``values`` name are taken at their word.

    Raises:
        DataError: the file has no header of an atomic file.
    """
    if not item_file.is_file():
        return f"there is no [{item_file.name}]"
    if values.get("text_fields") or values.get("text_template"):
        return ""
    header = read_header(item_file, str(values.get("encoding") or "utf-8"))
    return "" if text_columns(header, values.get("ITEM_ID_FIELD") or "item_id") else f"[{item_file.name}] holds no text"


def hashes_of(source: Source, values: Mapping[str, Any]) -> np.ndarray:
    """Return a hash of each different item text of a data set, by which a copy is known: uint64; none without text."""
    return text_hashes(texts_of(source, values))


def texts_of(source: Source, values: Mapping[str, Any]) -> list[str | None]:
    """Return the texts of the items that somebody took; none without text."""
    if lacks_texts(source.file("item"), values):
        return []
    file = EntityFile(source.file("item"), source.fields["ITEM_ID_FIELD"], source.encoding)
    tokens = source.frame["item"].astype(str).unique()
    return file.texts(tokens, TextSettings.from_mapping(values))


def left_out(
    datasets: Iterable[str], data_path: str, rows: Sequence[Entry], by_default: Collection[str]
) -> dict[str, list[str]]:
    """Return data set -> those of the rows ``by_default`` that would read texts there, and find none; not all rows."""
    found = {}
    for name in datasets:
        folder = Path(data_path) / name
        if not (folder / f"{name}.inter").is_file():  # ml-100k lies inside RecBole; what is missing is told later
            continue
        own, item_file = dataset_settings(name, data_path), folder / f"{name}.item"
        left = [row.label for row in rows if row.label in by_default and _finds_none(row, own, item_file)]
        if 0 < len(left) < len(rows):
            found[name] = left
    return found


def _finds_none(row: Entry, dataset: Mapping[str, Any], item_file: Path) -> bool:
    settings = row.settings(dataset)
    return reads_texts(row.model, settings) and bool(lacks_texts(item_file, settings))


def text_settings(grid: Grid, plan: DatasetPlan) -> list[dict[str, Any]]:
    """Return the different ``text_*`` settings that the grid reads item texts of a data set with; none without text.

    With an artifact (``pretrained``) that is its language model, too; the guard compares with what is without it.
    """
    asked = [plan.values] if grid.text_diversity else []
    asked += [entry.settings(plan.values) for entry in grid.rows_of(plan.name) if entry.model in MODELS]
    found: dict[tuple[TextSettings, str], dict[str, Any]] = {}
    for values in asked:
        if lacks_texts(plan.source.file("item"), values):
            continue
        kept = {key: value for key, value in values.items() if key in TextSettings.keys() or key == "ITEM_ID_FIELD"}
        settings, artifact = TextSettings.from_mapping(values), str(values.get("pretrained") or "")
        found.setdefault((settings, ""), kept)
        if artifact:
            found.setdefault((settings, artifact), {**kept, "pretrained": artifact})
    return list(found.values())


def encode_ahead(grid: Grid, plans: Sequence[DatasetPlan], threads: int) -> list[str]:
    """Encode what is not stored yet, in processes of their own (an encoder would stay in this one's memory).

    Returns:
        Complaints, one for each data set and encoder that did not work: the jobs that need them will fail on their own.
    """
    notes = []
    command = [sys.executable, "-W", "ignore", "-m", "recbole_ktrec", "encode"]
    command += [f"--threads={threads}", f"--parent={os.getpid()}"]
    for plan in plans:
        files = item_files(plan)
        for settings in text_settings(grid, plan):
            done = [
                _encode([*command, f"--item_file={path}", f"--encoding={_encoding(plan, path)}"], settings)
                for path in files
            ]
            if not all(done):
                notes.append(f"The item texts of [{plan.name}] could not be encoded ahead of the jobs.")
    return notes


def item_files(plan: DatasetPlan) -> list[Path]:
    """Return the different ``.item`` files of the splits: they hold no more than the items that are ranked."""
    folders = [Path(split.data_path) / split.dataset for split in plan.prepared.values() if split.data_path]
    files = [folder / f"{folder.name}.item" for folder in folders] or [plan.source.file("item")]
    return list({file_sha256(path): path for path in files if path.is_file()}.values())


def _encoding(plan: DatasetPlan, path: Path) -> str:
    """What is written for a split is UTF-8, whatever the source is."""
    return plan.source.encoding if path == plan.source.file("item") else "utf-8"


def _encode(command: list[str], settings: dict[str, Any]) -> bool:
    options = [f"--{key}={'~' if value is None else repr(value)}" for key, value in settings.items()]
    # Its progress bar, and its complaint, go where this process says its own.
    done = subprocess.run([*command, *options], stdout=subprocess.DEVNULL, env=child_environment())
    return done.returncode == 0
