"""Files that are whole or not there: appended and flushed, or written beside and renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from recbole_ktrec import files
from recbole_ktrec.errors import CacheError


def size(path: Path) -> int:
    """Return the bytes of a file; 0 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def append(path: Path, data: np.ndarray) -> None:
    """Add the bytes of ``data`` to a file and have them on the disk."""
    with path.open("ab") as handle:
        handle.write(data.tobytes())
        handle.flush()
        os.fsync(handle.fileno())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As :func:`recbole_ktrec.files.replacing`, with what the disk refuses as a :class:`CacheError`."""
    with disk_errors(path), files.replacing(path) as partial:
        yield partial


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a :class:`CacheError` that says what to do."""
    try:
        yield
    except CacheError:
        raise
    except OSError as error:
        raise CacheError(
            f"The cache [{path}] cannot be written: {error.strerror or error}. "
            "Free some space there, or set text_cache_dir (or KTREC_CACHE) to another folder."
        ) from error
