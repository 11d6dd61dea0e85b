"""What ``ktrec convert`` tells people: the columns as they were mapped or guessed, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import Report, source_of
from recbole_ktrec.sources.chosen import only_of
from recbole_ktrec.sources.tables import ITEM, PARTS, TIME


def shown(mapping: Mapping[str, Any]) -> str:
    """Return the columns as they were mapped or guessed, for people."""
    source = source_of(mapping)
    lines = [f"text fields: {', '.join(source.text_fields) or 'none'}"]
    for part in (part for part in PARTS if part in mapping):
        for name, spec in mapping[part]["columns"].items():
            lines.append(f"{part:<14}{name:<20}from {_origin(spec)}")
        for column, values in only_of(mapping[part].get("only"), f"{part}.only").items():
            lines.append(f"{part:<14}only rows whose {column} is {', '.join(values)}")
    if left := _no_text(mapping, source.text_fields):
        lines.append(f"in no text: {', '.join(left)} (--column items.NAME=COLUMN:token_seq puts one in)")
    if "items" not in mapping and (texts := _of_type("token_seq", mapping["interactions"]["columns"])):
        file = shlex.quote(str(mapping["interactions"].get("file", "FILE")))
        told = f"if they describe the items, --items {file} reads these from there"
        lines.append(f"texts in the interactions: {', '.join(texts)}; {told}")
    if TIME not in mapping["interactions"]["columns"] and "TIME_FIELD" not in (mapping.get("properties") or {}):
        lines.append(f"no time column: histories have no order (--column {TIME}=NAME maps one)")
    return "\n".join(lines)


def _no_text(mapping: Mapping[str, Any], text_fields: Sequence[str]) -> list[str]:
    """Return the token columns of the items that are in no text, whose words may be worth something."""
    tokens = _of_type("token", (mapping.get("items") or {}).get("columns") or {})
    return [name for name in tokens if name != ITEM and name not in text_fields]


def _of_type(kind: str, columns: Mapping[str, Any]) -> list[str]:
    """Return the columns that a mapping says outright, or a guess, to be of a type."""
    return [name for name, spec in columns.items() if isinstance(spec, Mapping) and spec.get("type") == kind]


def _origin(spec: object) -> str:
    """Return ``day (date %d/%m/%Y)`` for ``{from: day, date: "%d/%m/%Y"}``."""
    if not isinstance(spec, Mapping):
        return str(spec)
    said = {key: value for key, value in spec.items() if key not in ("from", "whole")}
    hows = [f"{value}" if key == "type" else f"{key} {value}" for key, value in said.items()]
    how = ", ".join([*hows, *["whole numbers: 7.0 is 7"] * bool(spec.get("whole"))])
    return f"{spec['from']} ({how})" if how else str(spec["from"])


def next_step(report: Report, table: bool) -> str:
    """Return what was written and the command that trains on it, with a warning where no item has a text.

    Args:
        table: whether the source is a table, whose columns may be mapped anew.
    """
    folder = report.output
    where = f"--dataset={shlex.quote(folder.name)} --data_path={shlex.quote(str(folder.parent))}"
    if _has_text(report):
        return f"Wrote {folder}. Next: ktrec run --model=KTRec {where}"
    if "items_described" not in report.statistics:
        remedy = "name the file of the items (--items)" if table else "there is no file of the items"
    else:
        remedy = "map a column of the items (--column items.title=NAME:token_seq)" if table else "their file has none"
    return (
        f"warning: no item has a text, and KTRec and KTEASE read texts: {remedy}. "
        f"Without texts they take --fusion=id (KTRec) and --prior=none (KTEASE).\n"
        f"Wrote {folder}. Next: ktrec run --model=KTRec --fusion=id {where}"
    )


def _has_text(report: Report) -> bool:
    """Say whether the models find a text: in the text fields, or in a column that they take for one unasked."""
    from recbole_ktrec.text.entities import EntityFile
    from recbole_ktrec.text.settings import TextSettings

    if report.statistics.get("items_with_text"):
        return True
    path = report.output / f"{report.output.name}.item"
    try:
        names = [field.name for field in EntityFile(path, ITEM).fields(TextSettings())]
        return any(any(cells) for cells in iter_atomic(path, names))
    except DataError:
        return False
