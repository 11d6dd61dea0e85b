"""JSON objects as the rows of a table: their keys and paths, and what to do where none has the key of an id."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.sources import arrays, jsonlines
from recbole_ktrec.sources.delimited import MissingColumn
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch

#: Keys that are named where one is missing.
NEAR = 3
#: Keys that are named where one is to be chosen.
KEYS = 12
_DECODER = json.JSONDecoder()
#: A key and what stands around it; the start of a list of objects; a key that jq takes without quotes.
_KEY = re.compile(r'\s*[{,]\s*("(?:[^"\\]|\\.)*")\s*:\s*')
_LIST = re.compile(r"\[\s*\{")
#: How a table begins that pandas writes as one object: column -> row -> value, row -> column -> value, or split.
_FRAMES = {
    "columns": re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\{\s*"\d+"\s*:'),
    "index": re.compile(r'\{\s*"\d+"\s*:\s*\{'),
    "split": re.compile(r'\{\s*"columns"\s*:\s*\['),
}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def batches(
    inputs: Inputs, member: Member, columns: Mapping[str, str], ids: Collection[str], ledger: Ledger
) -> Iterator[Batch]:
    """Yield the rows of a file: the values of ``columns`` (output name -> where it is read from).

    ``a.b`` asks for the key of that name, or else for the key ``b`` of the object ``a``.

    Raises:
        MissingColumn: no object had the key of one of ``ids``; told when all are read (of others the ledger is told).
    """
    missing = dict(columns)
    rows = 0
    for batch in _read(inputs, member, list(columns.values()), ledger):
        rows += len(batch)
        found = dict(zip(columns, batch.columns, strict=True))
        missing = {name: key for name, key in missing.items() if all(value is None for value in found[name])}
        yield batch
    for key in (missing[name] for name in missing if name in ids and rows):
        keys = jsonlines.usual_keys(inputs, member)
        told = f"[{member.name}]: no object has the key [{key}], only {', '.join(keys)[:300]}.{nearest(key, keys)}"
        raise MissingColumn(told, key)
    if missing and rows:
        _note_absent(missing, jsonlines.paths(inputs, member), member.name, ledger)


def refuse_objects(target: str, name: str, values: Sequence[object], file: str) -> None:
    """Refuse a guessed column of objects, no row of which would be left: one of their keys is the id, or the time.

    Raises:
        ConfigError: most of ``values`` are objects; the message names their keys and how one is taken.
    """
    keys = list(dict.fromkeys(str(key) for value in values if isinstance(value, dict) for key in value))
    if keys and 2 * sum(isinstance(value, dict) for value in values) > len(values):
        told = ", ".join(keys[:KEYS]) + ", ..." * (len(keys) > KEYS)
        raise ConfigError(
            f"[{file}]: [{name}] is called as [{target}] is, but holds objects, with the keys {told}. Say which one it "
            f"is, such as --column {shlex.quote(f'{target}={name}.{keys[0]}')}."
        )


def _note_absent(missing: Mapping[str, str], known: Sequence[str], file: str, ledger: Ledger) -> None:
    """Note the columns without a value whose key no object has, with the keys that are called likewise."""
    for name, key in missing.items():
        if key not in known:
            near = ", ".join(f"[{each}]" for each in get_close_matches(key, known, NEAR, cutoff=0.0))
            ledger.absent[name] = f"no object of [{file}] has [{key}], the nearest keys are {near}"


def _read(inputs: Inputs, member: Member, wanted: list[str], ledger: Ledger) -> Iterator[Batch]:
    keys = list(dict.fromkeys(key for name in wanted for key in (name, name.split(".")[0])))
    for batch in jsonlines.batches(inputs, member, keys, ledger):
        found = dict(zip(keys, batch.columns, strict=True))
        yield replace(batch, columns=[_dug(found, name) for name in wanted])


def _dug(found: Mapping[str, Sequence[object]], name: str) -> Sequence[object]:
    """Return the values of a key, and where an object has no such key, those of the path that it spells."""
    first, *path = name.split(".")
    if not path:
        return found[name]
    values = found[first]
    for key in path:
        values = [value.get(key) if isinstance(value, dict) else None for value in values]
    return [inner if whole is None else whole for whole, inner in zip(found[name], values, strict=True)]


def refuse_wrapped(inputs: Inputs, member: Member, has_id: Callable[[Collection[str]], bool]) -> None:
    """Refuse a file of one object that is no row, but wraps the list of the rows, or is a table as pandas writes it.

    Args:
        has_id: says whether an object with these keys is a row.

    Raises:
        DataError: the message names the key that holds the list, or says how the table is written anew.
    """
    head = inputs.head(member, jsonlines.HEAD)
    text = head.removeprefix(arrays.BOM).decode("utf-8", "replace").lstrip()
    cut = len(head) == jsonlines.HEAD
    if orient := _orient(text, _alone(text, cut)):
        raise DataError(
            f"[{member.name}] is one object that holds a whole table, as to_json of pandas writes it, and an object "
            "a row is read (.reset_index() before .to_json keeps what the rows are called, as [index], such as ids): "
            f"python -c \"import pandas; pandas.read_json('{member.name}', orient='{orient}', "
            "dtype=False, convert_dates=False).to_json('lines.jsonl', orient='records', lines=True)\""
        )
    path, keys = _wrapped(text, cut)
    if path and not has_id(keys):
        query = "".join(f".{key if _PLAIN.fullmatch(key) else json.dumps(key)}" for key in path)
        raise DataError(
            f"[{member.name}] is one object, whose key [{'.'.join(path)}] holds the list, and an object a row is read: "
            f"jq -c {shlex.quote(f'{query}[]')} '{member.name}' > lines.jsonl"
        )


def _orient(text: str, whole: dict[str, object] | None) -> str:
    """Return which way round pandas wrote a table as the only object of a file (``whole``); empty for another file."""
    if whole is None or not all(isinstance(each, dict | list) for each in whole.values()):
        return ""
    return next((each for each, start in _FRAMES.items() if start.match(text)), "")


def _alone(text: str, cut: bool) -> dict[str, object] | None:
    """Return the only object of a file, an empty one if it goes on after ``text``; None where there are several."""
    try:
        whole, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        whole, end = {}, len(text) if cut else 0
    return None if not text.startswith("{") or text[end:].strip() else whole


def _wrapped(text: str, cut: bool) -> tuple[list[str], list[str]]:
    """Return the path of the list of objects in the only object of a file, and that object's keys as far as they are
    known; nothing where there are several objects, or none that wraps a list (``cut``: more follows)."""
    whole = _alone(text, cut)
    if whole is None:
        return [], []
    try:
        path, keys = _first_list(text, 0)
    except (ValueError, RecursionError):
        return [], []
    return path, [*keys, *whole]


def _first_list(text: str, at: int) -> tuple[list[str], list[str]]:
    """Return the path of the first list of objects in the object that begins at ``at``, and the keys before it."""
    keys: list[str] = []
    while found := _KEY.match(text, at):
        keys.append(json.loads(found[1]))
        at = found.end()
        if _LIST.match(text, at):
            return [keys[-1]], keys
        if inner := _first_list(text, at)[0] if text[at : at + 1] == "{" else []:
            return [keys[-1], *inner], keys
        at = _DECODER.raw_decode(text, at)[1]
    return [], keys
