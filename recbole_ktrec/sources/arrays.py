"""One JSON array of objects, as shops export it, as blocks of lines: an object a line, numbered by its place.

The file is read as a whole. msgspec finds where objects begin and end; what it refuses, and all without it, is taken
apart by the standard library, which also says where an array is damaged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from recbole_ktrec.errors import DataError

try:
    import msgspec
except ImportError:  # the extra is not installed
    msgspec = None  # type: ignore[assignment]

#: Bytes of the longest array that is read.
LONGEST = 1 << 29
BOM = b"\xef\xbb\xbf"
_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\]]")
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_MORE = "Expecting nothing after ']'"


def is_array(start: bytes) -> bool:
    """Say whether a file with this start is a JSON array of objects."""
    return _START.match(start) is not None


def blocks(start: bytes, stream: BinaryIO, name: str, size: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (place of the first object, number of objects, an object a line) in blocks of about ``size`` bytes.

    Args:
        start: what was read of ``stream`` already.

    Raises:
        DataError: the array is damaged, or longer than :data:`LONGEST`.
    """
    whole = start + stream.read(max(LONGEST + 1 - len(start), 0))
    if len(whole) > LONGEST:
        raise DataError(
            f"[{name}] is one JSON array of more than {LONGEST >> 20} MiB, and it would be read as a whole: "
            f"jq -c '.[]' '{name}' > lines.jsonl makes one object a line."
        )
    first, length, lines = 1, 0, []
    for line in objects(whole, name):
        lines.append(line.replace(b"\n", b" "))  # within a text a line end is no JSON
        length += len(line)
        if length >= size:
            yield first, len(lines), b"\n".join(lines)
            first, length, lines = first + len(lines), 0, []
    if lines:
        yield first, len(lines), b"\n".join(lines)


def objects(whole: bytes, name: str) -> Iterator[bytes]:
    """Yield the objects of an array as they are written.

    Raises:
        DataError: it is damaged; the message says at which object and line.
    """
    if msgspec is not None:
        try:
            yield from map(bytes, msgspec.json.decode(whole.removeprefix(BOM), type=list[msgspec.Raw]))
            return
        except (msgspec.MsgspecError, RecursionError):
            pass
    place = 1
    try:
        for each in _taken_apart(whole):
            yield each
            place += 1
    except json.JSONDecodeError as error:
        raise DataError(_told(error, name, place)) from error


def _told(error: json.JSONDecodeError, name: str, place: int) -> str:
    if error.msg == _MORE and error.doc.startswith("[", error.pos):
        return (
            f"[{name}] holds another array from line {error.lineno} on, and one alone is read: "
            f"jq -c '.[]' '{name}' > lines.jsonl makes one object a line."
        )
    return (
        f"[{name}], object {place} of the array (line {error.lineno}): {error.msg}; the array is damaged or cut off "
        "there. Export it again."
    )


def first(start: bytes) -> Iterator[bytes]:
    """Yield the objects of the start of an array, those before its end or damage."""
    with suppress(json.JSONDecodeError):
        yield from _taken_apart(start)


def _taken_apart(whole: bytes) -> Iterator[bytes]:
    """Yield the elements of an array as they are written; JSONDecodeError says where it is damaged."""
    text = whole.decode("utf-8", "surrogateescape")
    at = _after_blanks(text, text.index("[") + 1)
    ended = text[at : at + 1] == "]"
    while not ended:
        end = _end(text, at)
        yield text[at:end].encode("utf-8", "surrogateescape")
        at = _after_blanks(text, end)
        ended = text[at : at + 1] == "]"
        if not ended and text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' or ']'", text, at)
        at = at if ended else _after_blanks(text, at + 1)
    if (at := _after_blanks(text, at + 1)) < len(text):
        raise json.JSONDecodeError(_MORE, text, at)


def _end(text: str, at: int) -> int:
    """Return where the value that begins at ``at`` ends."""
    try:
        return _DECODER.raw_decode(text, at)[1]
    except RecursionError:
        raise json.JSONDecodeError("Too many values within values", text, at) from None


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
