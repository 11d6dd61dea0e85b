"""The files of a split: a folder that appears whole, with the parts and what goes with them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from recbole_ktrec.atomic import iter_atomic, read_header, unescape
from recbole_ktrec.errors import DataError, KTRecError
from recbole_ktrec.evaluation.source import GRAPH, Source, features, read_lines
from recbole_ktrec.files import write_whole

#: The one column of the files of :func:`write_split`'s ``lists``.
LISTED = "listed_item"


def write_split(
    source: Source, target: Path, info: dict[str, Any], masks: Mapping[str, np.ndarray], items: set[str],
    about: dict[str, Any], lists: Mapping[str, Iterable[str]] | None = None,
) -> None:  # fmt: skip
    """Write the folder of a split, unless it is there already.

    Args:
        source: the data set.
        target: the folder; its name is the data set's.
        info: what the split is, for ``split.json``.
        masks: part -> which rows of ``source.frame`` it holds, bool ``[n]``; each becomes ``NAME.PART.inter``.
        items: tokens whose lines of the ``.item`` file are copied.
        about: what the property file says, but where the folder lies.
        lists: suffix -> item tokens; each becomes an atomic file ``NAME.SUFFIX`` of one column.
    """
    name = target.name

    def fill(folder: Path) -> None:
        lines, rows = read_lines(source.file("inter"), source.encoding), source.frame["row"].to_numpy() + 1
        for part, mask in masks.items():
            write_lines(folder / f"{name}.{part}.inter", [lines[0], *(lines[row] for row in rows[mask])])
        copy_features(source, folder, name, items)
        for suffix, tokens in (lists or {}).items():
            write_lines(folder / f"{name}.{suffix}", [f"{LISTED}:token", *tokens])
        write_json(folder / "split.json", info)

    publish(target, info, about, fill)


def copy_features(source: Source, target: Path, name: str, items: set[str] | None = None) -> None:
    """Copy the other atomic files; of .item and .user only the lines of users and items that interact."""
    keep = {"item": items or set(source.frame["item"]), "user": set(source.frame["user"])}
    for suffix in features(source.folder, source.name):
        path = source.file(suffix)
        if suffix in keep:
            column = source.fields["ITEM_ID_FIELD" if suffix == "item" else "USER_ID_FIELD"]
            write_lines(target / f"{name}.{suffix}", _lines_of(path, source.encoding, column, keep[suffix]))
        elif suffix in GRAPH:
            write_lines(target / f"{name}.{suffix}", read_lines(path, source.encoding))
        else:
            shutil.copyfile(path, target / f"{name}.{suffix}")


def _lines_of(path: Path, encoding: str, column: str, tokens: set[str]) -> Iterable[str]:
    names = [cell.name for cell in read_header(path, encoding)]
    if column not in names:
        raise DataError(f"[{path}] has no column [{column}], only {', '.join(names)}.")
    lines = read_lines(path, encoding)
    if len(names) == 1:  # a blank line is no row, see read_lines
        values = [unescape(line) for line in lines[1:]]
    else:
        values = [row[0] for row in iter_atomic(path, [column], encoding)]
    return [lines[0], *(line for line, value in zip(lines[1:], values, strict=True) if value in tokens)]


def publish(target: Path, info: dict[str, Any], about: dict[str, Any], fill: Any) -> None:
    """Fill a folder beside ``target`` and rename it; where ``target`` is the same split already, only its property file
    is written again: what is said of the data may have changed, and registered models read it there."""
    about = {**about, "data_path": str(target.parent.resolve())}
    mark, said = target / "split.json", yaml.safe_dump(about, sort_keys=True, allow_unicode=True)
    if found := _read_mark(mark):
        wanted = json.loads(json.dumps(info))
        # A later version may tell more; ``source`` decides.
        only_describe = dict.fromkeys(("counts", "inter_sha256", "files"))
        if {**found, **only_describe} == {**wanted, **only_describe}:
            write_whole(target / f"{target.name}.yaml", said)
            if found != wanted:
                write_json(mark, info)
            return
        why = _changed(found, wanted)
        raise DataError(f"[{target}] holds a split of other data{why}: remove it, or choose another --output.")
    shutil.rmtree(target, ignore_errors=True)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        fill(partial)
    except KTRecError:
        shutil.rmtree(partial, ignore_errors=True)
        with contextlib.suppress(OSError):
            partial.parent.rmdir()
        raise
    (partial / f"{target.name}.yaml").write_text(said, encoding="utf-8")
    os.replace(partial, target)


def _changed(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Return what of the data is not as it was, in brackets: files, or else which of their rows are taken.

    Nothing where the split does not say of which files it was made.
    """
    was, now = (dict(mark.get("files") or {}) for mark in (found, wanted))
    names = [f"[{name}]" for name in {**now, **was} if was.get(name) != now.get(name)]
    if not was or (not names and found.get("source") == wanted.get("source")):
        return ""
    return f" ({', '.join(names)} changed since)" if names else " (the filters of the data changed since)"


def _read_mark(path: Path) -> dict[str, Any]:
    """Return what a split says of itself; nothing where that is missing or cut off: the split is made again."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write an atomic file in UTF-8."""
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        handle.writelines(f"{line}\n" for line in lines)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write what a folder holds as JSON."""
    write_whole(path, json.dumps(values, indent=1, sort_keys=True))
