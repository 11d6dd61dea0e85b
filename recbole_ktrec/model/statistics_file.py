"""Statistics of co-consumption as a file of safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as as_bytes

from recbole_ktrec.errors import DataError
from recbole_ktrec.files import write_whole
from recbole_ktrec.nn.co_consumption import Statistics


def save_statistics(path: Path, statistics: Mapping[str, Statistics], **others: np.ndarray) -> None:
    """Write statistics by name, and other arrays, float32."""
    tensors = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in others.items()}
    for name, one in statistics.items():
        for part, value in asdict(one).items():
            tensors[f"{part}.{name}"] = np.ascontiguousarray(value, dtype=np.float32)
    write_whole(path, as_bytes(tensors))  # save_file would leave a file that nobody else may read


def load_statistics(path: Path) -> tuple[dict[str, Statistics], dict[str, np.ndarray]]:
    """Return what :func:`save_statistics` wrote.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise DataError(f"[{path}] cannot be read: {error}") from error
    names = [key.partition(".")[2] for key in tensors if key.startswith("between.")]
    try:
        found = {
            name: Statistics(
                tensors.pop(f"between.{name}"),
                tensors.pop(f"total.{name}"),
                float(tensors.pop(f"interactions.{name}").item()),
            )
            for name in names
        }
    except KeyError as error:
        raise DataError(f"[{path}] is damaged: it lacks {error}.") from error
    return found, tensors
