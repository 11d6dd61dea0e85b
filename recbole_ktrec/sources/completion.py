"""A mapping made whole: what it says, what the command line states over it, and guesses where neither says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.sources import frames, jsonlines
from recbole_ktrec.sources.checks import check_mapping, texts_of
from recbole_ktrec.sources.delimited import MissingColumn, header, positions
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.guessing import (
    called,
    guess_columns,
    guess_stated,
    index_names,
    means_text,
    row_numbers,
    sniff,
)
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.names import SESSIONS, letters, meant
from recbole_ktrec.sources.notices import written
from recbole_ktrec.sources.stated import Header, Stated
from recbole_ktrec.sources.table import (
    IDS,
    Part,
    dialect_of,
    files_of,
    form_of,
    origin_of,
    part_of,
    read_part,
    text_fields_of,
)
from recbole_ktrec.sources.tables import PARTS, RATING, TIME, USER, Kind
from recbole_ktrec.sources.values import READ_AS_MISSING, flat

#: Rows that columns are guessed from.
ROWS = 1000
#: Keys left out that a message names.
SHOWN = 12


def complete(mapping: Mapping[str, Any], inputs: Inputs, stated: Sequence[Stated] = ()) -> dict[str, Any]:
    """Return the mapping with guessed columns where a part names none, and text fields if it names none.

    Args:
        stated: columns of the command line; each goes over the one of its name that is mapped or guessed.

    Raises:
        DataError: a file holds no rows, or a stated column is in none of the files it may come from.
        ConfigError: a key holds what it cannot, a column is stated for a part that has no file, or no column looks like
            a needed id.
    """
    check_mapping(mapping)
    whole = {**mapping}
    missing: dict[Stated, DataError] = {}
    used: set[Stated] = set()
    failed: list[ConfigError | DataError] = []
    for name, kind in PARTS.items():
        mine = [each for each in stated if each.fits(name)]
        if name in whole and (mine or not whole[name].get("columns")):
            texts = texts_of("text_fields", mapping.get("text_fields")) if name == "items" else ()
            try:
                whole[name] = _columns(whole[name], kind, inputs, mine, used, missing, texts)
            except ConfigError as error:  # a guess in the place of a stated column that is not there
                told = ConfigError(f"{error}{_misnamed(error, mine)}")
                failed.append(next((missing[each] for each in mine if each in missing and each not in used), told))
    if failed:
        raise _at_once(failed)
    for each in stated:
        if each not in used:
            raise missing.get(each) or ConfigError(f"--column {each.text}: no file of {each.part} is given.")
    if "items" in whole:
        if not (mapping["items"] or {}).get("columns"):
            whole["items"] = _of_items(whole["items"], whole.get("interactions") or {}, {each.name for each in stated})
        whole["text_fields"] = list(text_fields_of(whole))
    return whole


def _at_once(failed: Sequence[ConfigError | DataError]) -> ConfigError | DataError:
    """Return one error that says what is wrong in all files: each told alone is one more try."""
    if len(failed) > 1 and all(isinstance(error, ConfigError) for error in failed):
        return ConfigError(" ".join(map(str, failed)))
    return failed[0]


def with_only(mapping: Mapping[str, Any], inputs: Inputs, said: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the mapping with the rows of the interactions that the command line chooses (``said``: column -> values)
    over what it chooses itself, each column as its file spells it.

    Raises:
        MissingColumn: the file of a part has no such column.
        ConfigError: a part says otherwise than it can which rows count.
    """
    whole = {**mapping}
    for name, kind in PARTS.items():
        mine = {column: f"--only {column}" for column in said} if name == "interactions" else {}
        if given := {**((mapping.get(name) or {}).get("only") or {}), **(said if mine else {})}:
            part = part_of(kind, {**mapping[name], "columns": {key: key for key in IDS[kind]}}, ())
            member = files_of(kind, part.files, inputs)[0]
            found = _header(part, member, inputs)
            spelt = {each: _spelt(str(each), found, mine.get(each, f"[{name}.only]")) for each in given}
            whole[name] = {**mapping[name], "only": {spelt[each]: values for each, values in given.items()}}
    return whole


def _spelt(column: str, header: Header, where: str) -> str:
    """Return a column as the file spells it; without a header there is nothing to go by."""
    found = header.column(column)
    if found is None and header.names and not (header.later and header.later(column)):
        try:
            positions(header.all, [column], header.file)
        except MissingColumn as error:
            raise MissingColumn(f"{where}: {error}", column) from None
    return found or column


def _of_items(items: dict[str, Any], inter: Mapping[str, Any], stated: Collection[str]) -> dict[str, Any]:
    """Return the guessed ``items`` without who took them, when and how it was rated, if they stand in the file of the
    interactions: the first row of an item would say that of all."""
    if items.get("file") != inter.get("file"):
        return items
    columns = inter.get("columns") or {}
    events = {origin_of(columns[name]) for name in (USER, RATING, TIME) if name in columns}
    kept = {name: spec for name, spec in items["columns"].items() if name in stated or origin_of(spec) not in events}
    return {**items, "columns": kept}


def _columns(
    part: Mapping[str, Any],
    kind: Kind,
    inputs: Inputs,
    stated: Sequence[Stated],
    used: set[Stated],
    missing: dict[Stated, DataError],
    texts: Sequence[str],
) -> dict[str, Any]:
    """Return ``part`` with all its columns; note which of ``stated`` are in its file and which are not."""
    member = files_of(kind, part.get("file", "*"), inputs)[0]
    read = part_of(kind, {**part, "columns": {key: key for key in IDS[kind]}}, ())
    found = _header(read, member, inputs)
    given: dict[str, dict[str, Any]] = {}
    for each in stated:
        try:
            given[each.name] = each.spec(found)
            used.add(each)
        except DataError as error:
            missing.setdefault(each, error)
    mapped = part.get("columns")
    types = dict.fromkeys(texts, "token_seq") | _types(mapped or {})
    given = {name: {"type": types[name], **spec} if name in types else spec for name, spec in given.items()}
    names = list(found.names) if not mapped else []
    origins = dict.fromkeys([*names, *(spec["from"] for spec in given.values())])
    sample = _sample(read, member, inputs, list(origins)) if origins else {}
    given = {name: guess_stated(name, spec, sample, member.name) for name, spec in given.items()}
    columns = {**mapped, **given} if mapped else guess_columns(kind, names, sample, given, member.name)
    for name in () if mapped else texts:
        if name in columns and name not in given:
            columns[name] = {**columns[name], "type": "token_seq"}
    return {**part, "columns": columns}


def misnamed(stated: Sequence[Stated], whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield which stated columns are called nearly as one of ours, which is read from elsewhere or from nothing."""
    columns = whole["interactions"]["columns"]
    for each in stated:
        if (name := meant(each.name)) and each.fits("interactions") and name not in {other.name for other in stated}:
            spec = columns.get(name)
            origin = f"from {origin_of(spec)}" if spec else "from no column"
            yield (
                f"interactions: [{each.name}] is a column of its own, as --column {each.text} says; {name} is read "
                f"{origin} (--column {name}={each.origin} reads it from there)"
            )


def _misnamed(error: ConfigError, stated: Sequence[Stated]) -> str:
    """Return what to write where an id has no column, and a stated column is called nearly as it is."""
    found = [each for each in stated if (name := meant(each.name)) and f"[{name}]" in str(error)]
    said = [
        f" --column {each.text} makes a column [{each.name}]; write {meant(each.name)}={each.origin}." for each in found
    ]
    return "".join(said)


def left_out(given: Mapping[str, Any], whole: Mapping[str, Any], inputs: Inputs) -> Iterator[str]:
    """Yield for each part whose columns were guessed which columns number its rows, and which keys of its objects are
    too rare to be one.

    Args:
        given, whole: the mapping before and after :func:`complete`.
    """
    for name, kind in PARTS.items():
        if name in whole and not (given.get(name) or {}).get("columns"):
            part = part_of(kind, whole[name], ())
            member = files_of(kind, part.files, inputs)[0]
            found = _header(part, member, inputs)
            taken = {*found.names, *(origin.split(".")[0] for origin in part.columns.values())}
            if rare := [key for key in found.rare if "." not in key and key not in taken]:
                keys = ", ".join(rare[:SHOWN]) + ", ..." * (len(rare) > SHOWN)
                yield f"{name}: left out, since few objects have it: {keys} (--column {name}.NAME=KEY takes it in)"
            if untaken := [each for each in index_names(found.names) if each not in part.columns.values()]:
                for each in row_numbers(found.names, _sample(part, member, inputs, untaken)):
                    yield f"{name}: left out, since it numbers the rows (pandas writes its index so): {called(each)}"


def visits(
    given: Mapping[str, Any], whole: Mapping[str, Any], inputs: Inputs, stated: Sequence[Stated]
) -> Iterator[str]:
    """Yield that visits were guessed to be the users, or are there where most rows name no user.

    Args:
        given, whole: the mapping before and after :func:`complete`.
    """
    if given["interactions"].get("columns") or any(each.name == USER and each.fits("interactions") for each in stated):
        return
    part = part_of("inter", whole["interactions"], ())
    member = files_of("inter", part.files, inputs)[0]
    user = part.columns[USER]
    found = [name for name in _header(part, member, inputs).names if letters(name) in SESSIONS]
    if user in found:
        yield f"interactions: no column looks like a user: each [{user}] counts as one (--column {USER}=NAME maps one)"
    elif found:
        values = _sample(part, member, inputs, [user])[user]
        if 2 * sum(flat(value).strip() in READ_AS_MISSING for value in values) > len(values):
            yield (
                f"interactions: most rows have no [{user}] and are left out (--column {USER}={found[0]} takes each "
                f"[{found[0]}] for a user)"
            )


def _types(columns: Mapping[str, Any]) -> dict[str, str]:
    """Return the types that a mapping says outright."""
    return {name: spec["type"] for name, spec in columns.items() if isinstance(spec, Mapping) and "type" in spec}


def encoded(mapping: Mapping[str, Any], inputs: Inputs, part: str, encoding: str) -> dict[str, Any]:
    """Return the mapping with the encoding of one part, or (``part`` empty) of all that are delimited.

    Raises:
        ConfigError: the part has no file, or its file (all files) is not delimited.
    """
    said = f"--encoding {part}={encoding}" if part else f"--encoding {encoding}"
    if part and part not in mapping:
        raise ConfigError(f"{said}: no file of {part} is given.")
    others, found = [], {**mapping}
    for name in [part] if part else [name for name in PARTS if name in mapping]:
        member = files_of(PARTS[name], mapping[name].get("file", "*"), inputs)[0]
        form = mapping[name].get("format") or sniff(member, inputs)[0]
        if form in ("csv", "tsv"):
            found[name] = {**mapping[name], "encoding": encoding}
        else:
            others.append(f"[{member.name}] is {form}")
    if others and (part or found == mapping):
        raise ConfigError(f"{said} is for delimited files: {', '.join(others)}, which says itself how it is written.")
    return found


def header_of(kind: Kind, member: Member, inputs: Inputs) -> Header:
    """Return the columns of a file of which nothing is said."""
    return _header(part_of(kind, {"columns": {key: key for key in IDS[kind]}}, ()), member, inputs)


def _header(part: Part, member: Member, inputs: Inputs) -> Header:
    form = form_of(part, member, inputs)
    if form == "json":
        usual = [key for key in jsonlines.usual_keys(inputs, member) if key]
        rare = jsonlines.paths(inputs, member)
        texts = [key for key in rare if part.kind == "item" and means_text(key) and "." not in key]
        later = partial(jsonlines.holds, inputs, member)
        return Header(member.name, list(dict.fromkeys([*usual, *texts])), rare, later)
    if form in ("parquet", "excel"):
        return Header(member.name, frames.names(inputs, member))
    dialect, names = dialect_of(part, member, inputs)
    if dialect.header:
        names = header(inputs, member, dialect)
    return Header(member.name, names)


def _sample(part: Part, member: Member, inputs: Inputs, origins: Sequence[str]) -> dict[str, list[object]]:
    """Return the first values of some columns."""
    wanted = replace(part, columns={name: name for name in origins})
    scrap = Ledger(part.kind)
    rows = next(read_part(wanted, member, inputs, scrap), None)
    if rows is None or not len(rows):
        for encoding in scrap.undecoded:
            raise DataError(f"No row of [{member.name}] is {encoding}: say how it is written ({written(part.kind)}).")
        reasons = [f"{rows:,} x {why} (first: {scrap.examples[why][0]})" for why, rows in scrap.dropped.items()]
        told = f" of the columns that its first line names: {'; '.join(reasons)}" if reasons else ""
        raise DataError(f"[{member.name}] holds no rows{told}.")
    return {name: list(values[:ROWS]) for name, values in zip(origins, rows.columns, strict=True)}
