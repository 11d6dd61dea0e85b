"""Where a data set lies, and whether RecBole can read it: told before anything is loaded."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.atomic import check_atomic, read_header
from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.files import check_data_folder, check_interactions, check_name


def check_dataset(dataset: str, said: dict[str, Any]) -> None:
    """Raise DataError, naming folder, file and row, if RecBole cannot find or read the interactions of ``dataset``.

    Raises:
        ConfigError: see :func:`check_loaded`.
    """
    folder, own = data_folder(dataset, said), dataset == "ml-100k"  # RecBole takes its own copy of it
    if said.get("benchmark_filename") and not own:
        return
    check_interactions(folder, dataset, f"Data set [{dataset}]")
    check_loaded(dataset, said)
    if said.get("field_separator", "\t") == "\t" and not own:
        check_atomic(folder / f"{dataset}.inter", said.get("encoding") or "utf-8")


def data_folder(dataset: str, said: Mapping[str, Any]) -> Path:
    """The folder of ``dataset``: in RecBole for ml-100k; raise DataError with the nearest name if it is not there."""
    spec = importlib.util.find_spec("recbole") if dataset == "ml-100k" else None
    if spec is not None and spec.submodule_search_locations:
        return Path(spec.submodule_search_locations[0]) / "dataset_example" / dataset
    check_name(dataset)
    folder = Path(str(said.get("data_path") or "dataset/")) / dataset
    advice = f"Give --data_path=FOLDER where FOLDER/{dataset}/{dataset}.inter is (ktrec convert makes such files)."
    check_data_folder(folder, f"Data set [{dataset}]", advice)
    return folder


def check_loaded(dataset: str, said: Mapping[str, Any]) -> None:
    """Raise ConfigError for a column of ``load_col`` that its file lacks: RecBole leaves it out without a word."""
    asked = said.get("load_col")
    if not isinstance(asked, Mapping) or said.get("field_separator", "\t") != "\t":
        return
    folder = data_folder(dataset, said)
    for part, names in asked.items():
        path = folder / f"{dataset}.{part}"
        listed = names if isinstance(names, list) and path.is_file() else []
        header = [field.name for field in read_header(path, said.get("encoding") or "utf-8")] if listed else []
        for name in listed:
            if name not in header:
                raise ConfigError(f"load_col: [{part}] names [{name}], which [{path}] lacks.{nearest(name, header)}")
