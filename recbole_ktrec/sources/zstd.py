"""Zstandard files: any number of frames, long windows, and an error where the last frame is cut off."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

from recbole_ktrec.errors import MissingExtraError

#: Bytes that are read at once: what they become is held in memory.
PIECE = 1 << 16
#: The longest window of ``zstd --long=31``.
WINDOW = 1 << 31


def opened(raw: BinaryIO, name: str) -> BinaryIO:
    """Return the decompressed bytes of ``raw`` as a stream that also reads lines.

    Raises:
        MissingExtraError: zstandard is not installed.
    """
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError("zstandard", "zstd", f"Reading [{name}]") from None
    return cast(BinaryIO, io.BufferedReader(_Frames(raw, zstandard), 1 << 20))


class _Frames(io.RawIOBase):
    """The frames of a file one after the other (zstandard's own reader ends without a word where a file is cut)."""

    def __init__(self, raw: BinaryIO, module: Any) -> None:
        self._raw, self._error = raw, module.ZstdError
        self._start = module.ZstdDecompressor(max_window_size=WINDOW).decompressobj
        self._frame: Any = None  # between two frames: None
        self._stored = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and self._fill():
            self._ready = self._decompressed()
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _fill(self) -> bool:
        """Say whether stored bytes are there, read if need be.

        Raises:
            EOFError: there are none, and the frame is not at its end.
        """
        self._stored = self._stored or self._raw.read(PIECE)
        if not self._stored and self._frame is not None:
            raise EOFError("compressed file ended before the end of its last frame")
        return bool(self._stored)

    def _decompressed(self) -> bytes:
        self._frame = self._frame or self._start()
        try:
            ready: bytes = self._frame.decompress(self._stored)
        except self._error as error:
            raise OSError(str(error)) from error
        self._stored = self._frame.unused_data if self._frame.eof else b""
        self._frame = None if self._frame.eof else self._frame
        return ready
