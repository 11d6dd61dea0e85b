"""Vectors on disk, found by the content of their text.

Each encoder with its settings (the *fingerprint*) has a folder ``<cache>/vectors/<encoder name>-<digest>/``:

``fingerprint.json``
    what the vectors were made with, for people.
``vectors.f32``
    a matrix of little-endian float32, one row a text, only ever appended to.
``rows.index``
    one 20-byte record a row: the 16-byte BLAKE2b hash of the text, then the CRC-32 of the row's bytes.
``views/<digest>.npy``
    rows copied into the order that one caller asked for (its items, by token), memory-mapped from then on (see
    :mod:`recbole_ktrec.text.views`).
``lock``
    held by the one process that encodes and appends; readers need none.

A row counts only if both files hold it whole and its checksum is right, so a killed run, a cut file or a full disk
costs at most the rows written last: they are encoded again, and the tail is cut off before the next append. Vectors
are flushed to the disk before their index records are written; views are written beside and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from recbole_ktrec.errors import CacheError
from recbole_ktrec.text.disk import append, disk_errors, replacing, size
from recbole_ktrec.text.fingerprint import COMPARED
from recbole_ktrec.text.views import open_view, save_view, view_file

KEY_BYTES = 16
#: The key of "no text": its row is zero and never stored.
NO_TEXT = bytes(KEY_BYTES)
_RECORD = np.dtype([("key", f"V{KEY_BYTES}"), ("crc", "<u4")])
_FORMAT = 1
_logger = logging.getLogger(__name__)


def text_key(text: str | None) -> bytes:
    """Return the 16-byte key of a text (:data:`NO_TEXT` for None)."""
    if text is None:
        return NO_TEXT
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


class VectorCache:
    """The vectors of one encoder with one set of settings.

    Args:
        root: the cache folder of the user.
        fingerprint: see :mod:`recbole_ktrec.text.fingerprint`; those that agree in its compared parts share a folder.

    Attributes:
        dim: length of a vector; None until :meth:`describe` has been called once, by any process.
    """

    def __init__(self, root: Path, fingerprint: Mapping[str, Any]) -> None:
        compared = json.dumps([_FORMAT, *(fingerprint[part] for part in COMPARED)])
        name = re.sub(r"[^\w.-]+", "-", str(fingerprint["encoder"]))[-60:].strip("-.")
        digest = hashlib.sha256(compared.encode()).hexdigest()[:16]
        known = sorted((root / "vectors").glob(f"*-{digest}"))  # the same encoder, found elsewhere before
        self.folder = known[0] if known else root / "vectors" / f"{name}-{digest}"
        self._fingerprint = dict(fingerprint)
        self._rows: dict[bytes, int] = {}
        self._read = 0
        self._matrix = np.zeros((0, 0), np.float32)
        self.dim = self._described_dim()

    @property
    def _views(self) -> Path:
        return self.folder / "views"

    @property
    def _description(self) -> Path:
        return self.folder / "fingerprint.json"

    def _described_dim(self) -> int | None:
        try:
            return int(json.loads(self._description.read_text(encoding="utf-8"))["dim"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def describe(self, dim: int) -> None:
        """Set the length of a vector; call it inside :meth:`writing` before the first :meth:`append`."""
        if self.dim != dim:  # not described yet, or wrongly: rows of another length count as damaged
            with replacing(self._description) as partial:
                partial.write_text(json.dumps({**self._fingerprint, "dim": dim}, indent=1) + "\n", encoding="utf-8")
            self.dim, self._rows, self._read = dim, {}, 0
            self._repair()
            self.refresh()

    @property
    def _vector_file(self) -> Path:
        return self.folder / "vectors.f32"

    @property
    def _index_file(self) -> Path:
        return self.folder / "rows.index"

    def refresh(self) -> None:
        """Take in the rows that this or another process has appended since the last look."""
        count = self._whole_rows()
        if count < self._read:  # another process cut a damaged tail
            self._rows, self._read = {}, 0
        if count > self._read:
            index = np.fromfile(self._index_file, _RECORD, count)
            self._matrix = np.asarray(np.memmap(self._vector_file, "<f4", "r", shape=(count, self.dim or 0)))
            self._take_in(index)
        self._read = count

    def _take_in(self, index: np.ndarray) -> None:
        keys, rows, width = index["key"].tobytes(), self._matrix.data.cast("B"), self._matrix.strides[0]
        damaged = set()
        for row, crc in enumerate(index["crc"][self._read :].tolist(), self._read):
            key = keys[row * KEY_BYTES : (row + 1) * KEY_BYTES]
            if zlib.crc32(rows[row * width : (row + 1) * width]) == crc:
                self._rows[key] = row
            else:
                damaged.add(key)
        if lost := len(damaged - self._rows.keys()):
            _logger.warning("%d vectors of [%s] are damaged and will be encoded again.", lost, self._vector_file)

    def _whole_rows(self) -> int:
        """Return how many rows both files hold."""
        if self.dim is None:
            return 0
        return min(size(self._index_file) // _RECORD.itemsize, size(self._vector_file) // (4 * self.dim))

    def missing(self, keys: Sequence[bytes]) -> list[int]:
        """Return the positions of the keys that are not stored, the first of equal ones only."""
        first: dict[bytes, int] = {}
        for position, key in enumerate(keys):
            first.setdefault(key, position)
        return [position for key, position in first.items() if key != NO_TEXT and key not in self._rows]

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one process that appends; wait for another one to end, then take in what it has written."""
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(self.folder / "lock"))
        with disk_errors(self.folder):
            try:
                lock.acquire(timeout=1)
            except Timeout:
                _logger.warning("Waiting for another process that encodes with this encoder [%s].", lock.lock_file)
                lock.acquire()
        try:
            self.dim = self._described_dim()
            self._repair()
            self.refresh()
            yield
        finally:
            lock.release()

    def _repair(self) -> None:
        """Cut both files to the rows that both hold whole."""
        if self.dim is None:
            return
        count = self._whole_rows()
        for path, width in ((self._index_file, _RECORD.itemsize), (self._vector_file, 4 * self.dim)):
            if (surplus := size(path) - count * width) > 0:
                _logger.warning("[%s] was cut short by an earlier run: %d of its bytes go.", path, surplus)
                with disk_errors(path):
                    os.truncate(path, count * width)

    def append(self, keys: Sequence[bytes], vectors: np.ndarray) -> None:
        """Store ``vectors`` [len(keys), dim] under ``keys``; call it inside :meth:`writing`.

        Raises:
            CacheError: the disk is full or refuses; the files are as they were before the call.
        """
        vectors = np.ascontiguousarray(vectors, dtype="<f4")
        index = np.zeros(len(keys), _RECORD)
        index["key"] = np.frombuffer(b"".join(keys), f"V{KEY_BYTES}")
        index["crc"] = [zlib.crc32(row) for row in vectors]
        sizes = {path: size(path) for path in (self._vector_file, self._index_file)}
        try:
            with disk_errors(self.folder):
                append(self._vector_file, vectors)
                append(self._index_file, index)
        except CacheError:
            for path, before in sizes.items():
                if size(path) > before:
                    os.truncate(path, before)
            raise
        self.refresh()

    def gather(self, keys: Sequence[bytes]) -> np.ndarray:
        """Return the vectors of ``keys`` as a read-only, memory-mapped float32 matrix [len(keys), dim].

        Keys that are :data:`NO_TEXT` give zero rows. If the copy cannot be kept on disk it is returned from memory.
        """
        if (view := self.view(keys)) is not None:
            return view
        matrix = self._copy_rows(keys)
        matrix.flags.writeable = False
        try:
            save_view(view_file(self._views, keys), matrix)
        except OSError as error:
            _logger.warning("The vectors stay in memory: %s", error)
            return matrix
        view = self.view(keys)
        return matrix if view is None else view

    def view(self, keys: Sequence[bytes]) -> np.ndarray | None:
        """Return what :meth:`gather` returned for the same keys before, if it is still there whole."""
        if self.dim is None or not keys:
            return None
        return open_view(view_file(self._views, keys), (len(keys), self.dim))

    def _copy_rows(self, keys: Sequence[bytes]) -> np.ndarray:
        matrix = np.zeros((len(keys), self.dim or 0), np.float32)
        filled = [i for i, key in enumerate(keys) if key != NO_TEXT]
        if filled:
            matrix[filled] = self._matrix[[self._rows[keys[i]] for i in filled]]
        return matrix
