"""Blocks of whole lines out of a byte stream: memory stays bounded, line numbers stay known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import arrays

#: First bytes of what holds no lines -> what it is, and what to do.
_OTHERS = {
    b"PAR1\x15": "a parquet file: let its name end in .parquet",
    b"PK\x03\x04": "a zip archive or a workbook: let its name end in .zip or .xlsx",
    b"\xd0\xcf\x11\xe0": "an old workbook: let its name end in .xls",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!\x1a": "a rar archive: unpack it",
    b"version https://git-lfs": "a pointer of Git LFS in the place of the file: git lfs pull fetches that",
}
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(!doctype html|html)\b", re.IGNORECASE)
BLOCK = 1 << 22
LONGEST = 1 << 26


def blocks(stream: BinaryIO, name: str, size: int = BLOCK, objects: bool = False) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number of the first line, number of lines, the lines as they stand); the last may lack its newline.

    With ``objects`` those of a JSON array are taken for lines.

    The next block is read, decompressed and hashed by a thread while the last one is worked on.

    Raises:
        DataError: the file is none of lines, by its start or by a line that is longer than 64 MiB.
    """
    number = 1
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(_whole_lines, stream, size)
        while chunk := coming.result():
            if number == 1:
                check_start(chunk, name)
            if number == 1 and objects and arrays.is_array(chunk):
                yield from arrays.blocks(chunk, stream, name, size)
                return
            if len(chunk) >= LONGEST:
                raise DataError(f"[{name}], line {number + chunk.count(10)}: longer than 64 MiB; not a file of lines.")
            coming = ahead.submit(_whole_lines, stream, size)
            count = chunk.count(b"\n")
            yield number, count + (not chunk.endswith(b"\n")), chunk
            number += count


def check_start(start: bytes, name: str) -> None:
    """Refuse a file that is none of lines, with the command that makes it one.

    Args:
        start: its first bytes, as many as hold some lines.

    Raises:
        DataError: it is an archive, parquet, a web page or UTF-16, or ends its lines as old Macs did.
    """
    for mark, what in _OTHERS.items():
        if start.startswith(mark):
            raise DataError(f"[{name}] is {what}.")
    if _PAGE.match(start):
        raise DataError(f"[{name}] is a web page, such as one that asks for a login: fetch the file again.")
    if start[257:262] == b"ustar":
        raise DataError(f"[{name}] is a tar archive: let its name end in .tar, or .tar.gz if it is compressed.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"[{name}] is UTF-16, and UTF-8 is read: iconv -f UTF-16 -t UTF-8 '{name}' > utf8-file")
    if b"\r" in start[:-1] and b"\n" not in start:
        raise DataError(f"[{name}] ends its lines with CR alone, and LF is read: tr '\\r' '\\n' < '{name}' > lf-file")


def _whole_lines(stream: BinaryIO, size: int) -> bytes:
    chunk = stream.read(size)
    return chunk if not chunk or chunk.endswith(b"\n") else chunk + stream.readline(LONGEST)


def decode(chunk: bytes, first: int, encodings: tuple[str, ...]) -> tuple[list[str], list[int]]:
    """Split ``chunk`` into lines without their ends; a line that no encoding fits is left out and listed.

    Returns:
        the lines (an empty string for one that does not decode) and the numbers of those that do not.
    """
    try:
        text = chunk.decode(encodings[0])
    except UnicodeDecodeError:
        return _decode_each(chunk, first, encodings)
    if first == 1:
        text = text.removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").split("\n")
    return (lines[:-1] if lines[-1] == "" else lines), []


def _decode_each(chunk: bytes, first: int, encodings: tuple[str, ...]) -> tuple[list[str], list[int]]:
    raw = chunk.split(b"\n")
    lines, bad = [], []
    for number, line in enumerate(raw[:-1] if raw[-1] == b"" else raw, first):
        for encoding in encodings:
            try:
                lines.append(line.decode(encoding).rstrip("\r"))
                break
            except UnicodeDecodeError:
                continue
        else:
            lines.append("")
            bad.append(number)
    if first == 1 and lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    return lines, bad
