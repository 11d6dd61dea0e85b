"""Vectors in the order that one caller asked for, kept as ``.npy`` files and memory-mapped.

After the array a file holds the CRC-32 of its bytes, so that one that was cut or damaged is never taken for whole. The
few most recent files are kept; they are copies, so deleting them costs a copy.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recbole_ktrec.files import remove_abandoned
from recbole_ktrec.text.disk import replacing

_KEPT = 4
_FOOTER = struct.Struct("<I")


def view_file(folder: Path, keys: Sequence[bytes]) -> Path:
    """Return the file of the vectors of ``keys`` in ``folder``."""
    return folder / f"{hashlib.sha256(b''.join(keys)).hexdigest()[:32]}.npy"


def open_view(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """Return the float32 matrix in ``path``, memory-mapped; None if it is not there whole.

    What is written into it stays in this process: torch writes into an array that a buffer of a model shares when
    weights are loaded, and on a read-only map that ends the process without a word.
    """
    try:
        view = np.load(path, mmap_mode="c", allow_pickle=False)
        if view.shape != shape or view.dtype != np.float32:
            return None
        with path.open("rb") as handle:
            handle.seek(-_FOOTER.size, 2)
            whole = handle.tell() == view.offset + view.nbytes
            if not whole or _FOOTER.unpack(handle.read())[0] != zlib.crc32(view.data):
                return None
    except (ValueError, OSError, EOFError):
        return None
    with contextlib.suppress(OSError):
        path.touch()  # as one of the most recent it is kept
    return view


def save_view(path: Path, matrix: np.ndarray) -> None:
    """Write ``matrix`` for :func:`open_view`, and forget the files that were not used for longest.

    Raises:
        CacheError: the disk is full or refuses; nothing is left of the file. (``numpy.save`` would not notice: the C
            library's stream that it writes to swallows the error.)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent)
    with replacing(path) as partial, partial.open("wb") as handle:
        np.lib.format.write_array_header_1_0(handle, np.lib.format.header_data_from_array_1_0(matrix))
        handle.write(matrix.data)
        handle.write(_FOOTER.pack(zlib.crc32(matrix.data)))
    newest_first = sorted(path.parent.glob("*.npy"), key=_last_used, reverse=True)
    for old in newest_first[_KEPT:]:
        with contextlib.suppress(OSError):
            old.unlink()


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process has just forgotten it
        return 0.0
