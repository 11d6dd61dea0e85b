"""JSON lines, arrays of objects, and the Python literals that some older dumps hold instead.

With msgspec a block is decoded at once, and only the wanted keys of each object. A block that holds
anything odd, and every block without msgspec, is taken line by line with the standard library, so that damage costs
its own line only and is known by its number. Both ways give the same values.
"""

from __future__ import annotations

import ast
import itertools
import json
import operator
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from recbole_ktrec.sources import arrays
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.reading import blocks
from recbole_ktrec.sources.tables import Batch

try:
    import msgspec
except ImportError:  # the extra is not installed
    msgspec = None  # type: ignore[assignment]

#: What the parsers raise on damaged or absurdly nested lines.
UNREADABLE = (ValueError, SyntaxError, RecursionError, MemoryError, TypeError)
Columns = list[list[object]]
Decoder = Callable[[bytes, int], "Columns | None"]
#: Lines that are decoded at once in a block where something is damaged.
PART = 64
#: Objects from which keys are known, and the bytes that hold these.
FIRST, HEAD = 500, 1 << 20


def batches(
    inputs: Inputs, member: Member, keys: Sequence[str], ledger: Ledger, literal: bool = False
) -> Iterator[Batch]:
    """Yield the values of ``keys`` (None where absent) of each object; ``literal`` also takes Python literals."""
    with inputs.stream(member) as stream:
        decode = _block_decoder(keys)

        def reject(number: int) -> None:
            ledger.damaged("not a JSON object", member.name, number)

        for first, count, chunk in blocks(stream, member.name, objects=True):
            lines: Sequence[int] = range(first, first + count)
            columns = decode(chunk, count)
            if columns is None:
                columns, lines = _in_parts(chunk, first, decode, keys, reject, literal)
            ledger.rows_in += len(lines)
            yield Batch(columns, member.name, lines)


def usual_keys(inputs: Inputs, member: Member, literal: bool = False) -> list[str]:
    """Return the keys that a quarter of a file's first objects have (any one may be damaged), commonest first."""
    found = _first(inputs, member, literal)
    counts = Counter(key for each in found for key in each)
    return [key for key, count in counts.most_common() if count >= len(found) / 4]


def paths(inputs: Inputs, member: Member) -> list[str]:
    """Return the keys of a file's first objects and of the objects within, as ``a.b``."""
    found: dict[str, None] = {}
    for each in _first(inputs, member, literal=False):
        found |= dict.fromkeys(_paths(each))
    return list(found)


def _paths(value: dict[str, Any]) -> Iterator[str]:
    for key, inner in value.items():
        if key:
            yield key
            if isinstance(inner, dict) and "." not in key:  # a.b.c is c of b of a
                yield from (f"{key}.{each}" for each in _paths(inner))


def holds(inputs: Inputs, member: Member, name: str) -> bool:
    """Say whether the key ``name``, or each key of that path, stands somewhere in a file."""
    whole = _key(name)
    missing = [_key(each) for each in name.split(".")]
    with inputs.stream(member) as stream:
        for _, _, chunk in blocks(stream, member.name, objects=True):
            missing = [key for key in missing if not key.search(chunk)]
            if not missing or whole.search(chunk):
                return True
    return False


def _key(name: str) -> re.Pattern[bytes]:
    forms = (re.escape(json.dumps(name, ensure_ascii=each).encode("utf-8", "replace")) for each in (True, False))
    return re.compile(b"(?:" + b"|".join(forms) + rb")\s*:")


def _first(inputs: Inputs, member: Member, literal: bool) -> list[dict[str, Any]]:
    head = inputs.head(member, HEAD)
    if not arrays.is_array(head):
        lines = iter(head.split(b"\n"))
    else:  # damage is told where this is the whole file
        lines = arrays.objects(head, member.name) if len(head) < HEAD else arrays.first(head)
    return [each for each in (_object(line, literal) for line in itertools.islice(lines, FIRST)) if each]


def _block_decoder(keys: Sequence[str]) -> Decoder:
    """Return what turns a block of ``count`` lines into columns, or into None where a line is damaged or blank."""
    if msgspec is None:
        return lambda chunk, count: None
    names = [f"c{i}" for i in range(len(keys))]
    row = msgspec.defstruct(
        "Row", [(name, Any, None) for name in names], rename=dict(zip(names, keys, strict=True)), gc=False
    )
    decoder = msgspec.json.Decoder(row)
    getters = [operator.attrgetter(name) for name in names]

    def decode(chunk: bytes, count: int) -> Columns | None:
        try:
            rows = decoder.decode_lines(chunk)
        except (*UNREADABLE, msgspec.MsgspecError):
            return None
        return [list(map(get, rows)) for get in getters] if len(rows) == count else None

    return decode


def _in_parts(
    chunk: bytes, first: int, decode: Decoder, keys: Sequence[str], reject: Callable[[int], None], literal: bool
) -> tuple[Columns, list[int]]:
    """Decode a block in short parts, and line by line those that still fail."""
    lines = chunk.removesuffix(b"\n").split(b"\n")
    columns: Columns = [[] for _ in keys]
    numbers: list[int] = []
    for start in range(0, len(lines), PART):
        part = lines[start : start + PART]
        found, where = decode(b"\n".join(part), len(part)), list(range(first + start, first + start + len(part)))
        if found is None:
            found, where = _by_line(part, first + start, keys, reject, literal)
        for column, values in zip(columns, found, strict=True):
            column += values
        numbers += where
    return columns, numbers


def _by_line(
    lines: Sequence[bytes], first: int, keys: Sequence[str], reject: Callable[[int], None], literal: bool
) -> tuple[Columns, list[int]]:
    rows, numbers = [], []
    for number, line in enumerate(lines, first):
        if line and not line.isspace():
            found = _object(line, literal)
            if found is None:
                reject(number)
            else:
                rows.append(found)
                numbers.append(number)
    return [[row.get(key) for row in rows] for key in keys], numbers


def _object(line: bytes, literal: bool) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except UNREADABLE:
        found = _literal(line) if literal else None
    return found if isinstance(found, dict) else None


def _literal(line: bytes) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a literal is the dump's business
            return ast.literal_eval(line.decode("utf-8").strip())
    except UNREADABLE:
        return None
