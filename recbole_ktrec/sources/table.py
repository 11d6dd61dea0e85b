"""Any table: CSV, TSV, JSON, parquet or a workbook, its columns mapped by a YAML file or by options."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recbole_ktrec.atomic import TYPES
from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.files import read_mapping
from recbole_ktrec.resources import resource_dir
from recbole_ktrec.sources import delimited, frames, objects
from recbole_ktrec.sources.checks import (
    check_how,
    check_keys,
    check_kinds,
    check_mapping,
    pair_of,
    stated_moment,
    texts_of,
)
from recbole_ktrec.sources.chosen import Choice, only_of
from recbole_ktrec.sources.delimited import Dialect, MissingColumn
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.guessing import means_text, sniff
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.names import named
from recbole_ktrec.sources.tables import ITEM, PART_NAMES, PARTS, RATING, TIME, USER, Batch, Column, Kind, Source, Table
from recbole_ktrec.sources.values import date, decimal_comma, whole_number

PART_KEYS = {"file", "format", "delimiter", "encoding", "header", "quoted", "columns", "only"}
COLUMN_KEYS = {"from", "type", "date", "unit", "decimal", "unrated", "required", "join", "whole"}
#: Unit of time -> how many of them make a second.
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
FORMATS = ("csv", "tsv", "json", "parquet", "excel")
_NAME = re.compile(r"[^\s:]+")
IDS = {"inter": (USER, ITEM), "item": (ITEM,), "user": (USER,)}


@dataclass
class Part:
    """One table of a mapping: which files, how they are written, output column -> where it comes from, and column of
    the file -> the values of the rows that count."""

    kind: Kind
    files: str
    columns: dict[str, str]
    types: dict[str, Column]
    format: str | None = None
    dialect: dict[str, Any] = field(default_factory=dict)
    only: dict[str, tuple[str, ...]] = field(default_factory=dict)


def shipped_mappings() -> list[str]:
    """Return the names of the mappings that the package brings."""
    return sorted(each.stem for each in (resource_dir("dataset_configs") / "convert").glob("*.yaml"))


def load_mapping(name: str | Path) -> dict[str, Any]:
    """Read a mapping file, or one that the package brings (``dataset_configs/convert/<name>.yaml``)."""
    path = Path(name)
    if not path.is_file():
        path = resource_dir("dataset_configs") / "convert" / f"{name}.yaml"
        if not path.is_file():
            known = shipped_mappings()
            raise ConfigError(f"No mapping [{name}]: neither a file nor one of {known}.{nearest(str(name), known)}")
    mapping = read_mapping(path)
    if not mapping:
        raise ConfigError(f"[{path}] holds no keys; it needs at least [interactions].")
    check_mapping(mapping)
    return mapping


def source_of(mapping: Mapping[str, Any]) -> Source:
    """Turn a mapping into a source.

    Raises:
        ConfigError: an unknown key or type, no interactions, or a text field that is no column of the items.
    """
    check_mapping(mapping)
    if "interactions" not in mapping:
        raise ConfigError("The mapping has no [interactions].")
    text_fields = text_fields_of(mapping)
    parts = [part_of(kind, mapping[name], text_fields) for name, kind in PARTS.items() if name in mapping]
    _check_texts(text_fields, (mapping.get("items") or {}).get("columns") or {})
    return Source(
        title=str(mapping.get("title", "a table")),
        domain=str(mapping.get("domain", "any")),
        files=", ".join(part.files for part in parts),
        url=str(mapping.get("url", "")),
        tables=lambda inputs, options: [_table(part, inputs) for part in parts],
        text_fields=text_fields,
        scale=pair_of("scale", mapping.get("scale")),
        since=stated_moment("since", mapping.get("since")),
    )


def text_fields_of(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns that make up an item's text: those that are named, else those that the models read unasked."""
    if "text_fields" in mapping:
        return texts_of("text_fields", mapping["text_fields"])
    columns = (mapping.get("items") or {}).get("columns") or {}
    types = {name: spec.get("type") if isinstance(spec, Mapping) else None for name, spec in columns.items()}
    return tuple(
        name for name, kind in types.items()
        if kind == "token_seq" or (kind in (None, "token") and name not in (ITEM, USER) and means_text(str(name)))
    )  # fmt: skip


def _check_texts(text_fields: Sequence[str], columns: Mapping[str, Any]) -> None:
    for name in text_fields:
        if name not in columns:
            raise ConfigError(f"[text_fields] names [{name}], which is no column of [items].{nearest(name, columns)}")


def part_of(kind: Kind, given: Mapping[str, Any], text_fields: Sequence[str]) -> Part:
    """Read what a mapping says of one table.

    Args:
        given: its keys: ``columns`` (output name -> name in the file, or its description), ``format`` and a dialect.
        text_fields: columns that make up an item's text.

    Raises:
        ConfigError: a key is unknown, an id has no column, or a value cannot be used; the message names it.
    """
    where = PART_NAMES[kind]
    check_keys(given, PART_KEYS, where)
    columns = given.get("columns") or {}
    for key in IDS[kind]:
        if key not in columns:
            raise ConfigError(f"[{where}] maps no column to [{key}].{nearest(key, columns)}")
    types = {name: _column(name, spec, name in text_fields, kind) for name, spec in columns.items()}
    sources = {name: origin_of(spec) for name, spec in columns.items()}
    form = given.get("format")
    if form is not None and form not in FORMATS:
        raise ConfigError(f"[{where}.format] = [{form}] is none of {', '.join(FORMATS)}.{nearest(form, FORMATS)}")
    dialect = {key: given[key] for key in ("delimiter", "encoding", "header", "quoted") if key in given}
    only = only_of(given.get("only"), f"{where}.only")
    return Part(kind, str(given.get("file", "*")), sources, types, form, dialect, only)


def origin_of(spec: Any) -> str:
    """Return the column of the file that an entry of a mapping, ``title: name`` or ``title: {from: name}``, names."""
    return str(spec["from"] if isinstance(spec, Mapping) else spec)


def _column(name: str, spec: Any, is_text: bool, table: Kind) -> Column:
    where = PART_NAMES[table]
    if not _NAME.fullmatch(str(name)):
        raise ConfigError(f"[{where}.columns.{name}]: the name of a column of RecBole has no colon and no blank.")
    spec = spec if isinstance(spec, Mapping) else {"from": spec}
    check_keys(spec, COLUMN_KEYS, f"{where}.columns.{name}")
    check_kinds(spec, f"{where}.columns.{name}")
    if "from" not in spec:
        raise ConfigError(f"[{where}.columns.{name}] lacks [from], the column it is read from.")
    kind = spec.get("type") or ("token_seq" if is_text else "float" if name in (RATING, TIME) else "token")
    if kind not in TYPES:
        raise ConfigError(
            f"[{where}.columns.{name}.type] = [{kind}] is none of {', '.join(TYPES)}.{nearest(kind, TYPES)}"
        )
    numbers = {RATING: "float", TIME: "float"} if table == "inter" else {}
    only = {USER: "token", ITEM: "token", **numbers}.get(name, kind)
    if kind != only:
        raise ConfigError(f"[{where}.columns.{name}.type] = [{kind}]: RecBole needs [{name}] to be {only}.")
    check_how(spec, f"{where}.columns.{name}", kind, table == "inter" and name == RATING)
    forms = texts_of(f"{where}.columns.{name}.date", spec.get("date"))
    parse: Callable[[object], object] | None = None
    if forms:
        parse = date(*("" if each == "iso" else each for each in forms))
    if (mark := spec.get("decimal", ".")) not in (".", ","):
        raise ConfigError(f"[{where}.columns.{name}.decimal] = [{mark}] is neither a point nor a comma.")
    if mark == ",":
        kind, parse = "float", decimal_comma
    if spec.get("whole"):
        parse = whole_number
    divide = UNITS.get(spec.get("unit", "s"))
    if divide is None:
        raise ConfigError(f"[{where}.columns.{name}.unit] = [{spec['unit']}] is none of {', '.join(UNITS)}.")
    required = name in IDS[table] or bool(spec.get("required", name in numbers))
    return Column(name, kind, parse, required, divide, spec.get("unrated"), spec.get("join", ", "), str(spec["from"]))


def files_of(kind: Kind, files: str, inputs: Inputs) -> list[Member]:
    """Return the files of a part: those of a pattern with ``*``, ``?`` or ``[``, or the one of a name.

    Their role for ``--file`` is the part's name; the kind of table is taken, too.

    Raises:
        DataError: there is none, or it fits several (in two folders, say), of which each would be read.
    """
    role, files = kind if kind in inputs.given else PART_NAMES[kind], files.removeprefix("./")
    found = inputs.find(role, files, *(() if files.endswith("*") else (f"{files}*",)))
    if len(found) > 1 and role not in inputs.given and not set(files) & set("*?["):
        listed = ", ".join(member.path for member in found[:5])
        raise DataError(
            f"[{files}] fits {len(found)} files: {listed}. Say which by --file {role}=PATH, or give a "
            f"pattern that takes them all ({files}*)."
        )
    return found


def _table(part: Part, inputs: Inputs) -> Table:
    columns = list(part.types.values())

    def read(ledger: Ledger) -> Iterator[Batch]:
        choice = Choice(part.kind, part.columns, part.only, ledger)
        wider = replace(part, columns=choice.columns)
        for member in files_of(part.kind, part.files, inputs):
            try:
                yield from choice.of(read_part(wider, member, inputs, ledger))
            except MissingColumn as error:
                raise MissingColumn(f"{error}{_remedy(part, error.column)}", error.column) from error
        choice.check()

    files_of(part.kind, part.files, inputs)  # a missing file is known before anything is read
    return Table(part.kind, columns, read)


def _remedy(part: Part, column: str) -> str:
    """Say how another column is taken in the place of one that the file lacks."""
    name = next((name for name, origin in part.columns.items() if origin == column), None)
    return "" if name is None else f" --column {PART_NAMES[part.kind]}.{name}=COLUMN takes another for [{name}]."


def read_part(part: Part, member: Member, inputs: Inputs, ledger: Ledger) -> Iterator[Batch]:
    """Yield the rows of one file of a table, in its format or the one that it looks like.

    Raises:
        ConfigError, DataError: a column is not there, or the file cannot be read.
    """
    wanted = list(part.columns.values())
    form = form_of(part, member, inputs)
    if form == "json":
        yield from objects.batches(inputs, member, part.columns, IDS[part.kind], ledger)
    elif form in ("parquet", "excel"):
        yield from frames.batches(inputs, member, wanted, ledger)
    else:
        dialect, names = dialect_of(part, member, inputs)
        chosen: Sequence[str | int | None] = wanted
        if not dialect.header:
            where = PART_NAMES[part.kind]
            chosen = delimited.positions(names, wanted, member.name) if names else delimited.places(wanted, where)
        yield from delimited.batches(inputs, member, chosen, ledger, dialect)


def form_of(part: Part, member: Member, inputs: Inputs) -> str:
    """Return the format of a file, as said or else as it looks.

    Raises:
        ConfigError: it is not delimited, and the part says how it is.
        DataError: it is one JSON object that wraps the rows.
    """
    form = part.format or sniff(member, inputs)[0]
    for key, value in part.dialect.items() if form not in ("csv", "tsv") else ():
        if str(value).lower() not in ("true", "none", "utf-8", "utf8"):
            raise ConfigError(
                f"[{PART_NAMES[part.kind]}.{key}] = [{value}] is for delimited files, and [{member.name}] is {form}."
            )
    if form == "json":
        objects.refuse_wrapped(inputs, member, lambda keys: _has_id(part, keys))
    return form


def _has_id(part: Part, keys: Collection[str]) -> bool:
    """Say whether an object with these keys has an id of the part, by what is mapped (nothing for a sample, whose
    file was looked at before) or guessed."""
    mapped = [part.columns[name] for name in IDS[part.kind] if name in part.columns]
    held = any(each in keys or each.split(".")[0] in keys for each in mapped)
    return held or not mapped or any(named(name, list(keys), part.kind) for name in IDS[part.kind])


def dialect_of(part: Part, member: Member, inputs: Inputs) -> tuple[Dialect, list[str]]:
    """Return how a delimited file is written, as said or else as it looks, and its column names if those are said.

    Raises:
        ConfigError: the encoding is unknown or has several bytes a line end, or quotes go with a delimiter of several
            characters.
    """
    given = part.dialect
    header = given.get("header", True)
    names = list(map(str, header)) if isinstance(header, list) else []
    delimiter = given.get("delimiter") or ("\t" if part.format == "tsv" else sniff(member, inputs)[1])
    quoted = bool(given.get("quoted", len(delimiter) == 1))
    if quoted and len(delimiter) != 1:
        raise ConfigError(f"A delimiter of several characters, [{delimiter}], goes with [quoted: false].")
    encoding = str(given.get("encoding", "utf-8"))
    try:
        end = len("\n\n".encode(encoding)) - len("\n".encode(encoding))
    except LookupError:
        raise ConfigError(f"Unknown encoding [{encoding}]; Python's names count, such as latin-1 or cp1252.") from None
    if end != 1:
        raise ConfigError(f"[{member.name}]: [{encoding}] has more than a byte a line end: save the file as UTF-8.")
    return Dialect(delimiter, not names and header is not False, quoted, (encoding,), len(names) or None), names
