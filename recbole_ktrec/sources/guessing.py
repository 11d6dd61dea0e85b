"""What a table looks like: its format and delimiter, and which of its columns is what."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recbole_ktrec.atomic import TEXT_NAMES
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources import arrays, frames
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.moments import are_dates, is_moment, time_form
from recbole_ktrec.sources.names import MOMENTS, letters, named
from recbole_ktrec.sources.objects import refuse_objects
from recbole_ktrec.sources.tables import ITEM, PART_NAMES, RATING, TIME, USER, Kind
from recbole_ktrec.sources.values import NO_NUMBER, flat, float_list, is_code, numbers, whole_number

DELIMITERS = ("\t", "::", ",", ";", "|")
WANTED = {"inter": (USER, ITEM, RATING, TIME), "item": (ITEM,), "user": (USER,)}

#: Columns that a message names.
SHOWN = 30
#: What pandas calls its index: nothing in a CSV, this where a CSV of it is read again, and in parquet.
_INDEX = re.compile(r"|Unnamed: 0(\.\d+)*|__index_level_\d+__")
#: What parts cells seldom, and is not guessed to.
_ODD = re.compile(r"[\^~]| +")
_LINK = re.compile(r"(?:https?|ftp|s3)://\S+")
#: An amount and its currency.
_PRICE = re.compile(r"([$€£]|[A-Z]{3})?\s*\d[\d.,' ]*([$€£]|[A-Z]{3})?")


def sniff(member: Member, inputs: Inputs) -> tuple[str, str]:
    """Return (format, delimiter) of a file, by its name and its first line."""
    end = frames.ending(member)
    if end:
        return ("parquet" if end == ".parquet" else "excel"), ""
    head = inputs.head(member, 1 << 16)
    lines = head.decode("utf-8", "replace").lstrip("\ufeff").split("\n")
    line = next((line for line in lines if line.strip()), "")
    if line.lstrip().startswith("{") or arrays.is_array(head):
        return "json", ""
    if any(each in member.base for each in (".tsv", ".inter", ".item", ".user")) and "\t" in line:
        return "tsv", "\t"
    counts = {each: line.count(each) for each in DELIMITERS}
    best = max(counts, key=lambda each: counts[each])
    return ("tsv" if best == "\t" else "csv"), best if counts[best] else ","


def guess_columns(
    kind: Kind,
    names: Sequence[str],
    values: Mapping[str, Sequence[object]],
    given: Mapping[str, dict[str, Any]],
    file: str,
) -> dict[str, Any]:
    """Guess what each column is: ids, ratings and times by name, the others by their values.

    Args:
        names: the columns of the file.
        values: column -> its first values.
        given: output columns that are known; each takes the place of the guess.
        file: for messages.

    Returns:
        a ``columns`` mapping: output name -> {from, type, ...}.

    Raises:
        ConfigError: no column looks like the id that the table needs, an id or a time is an object, or dates are in no
            form that is known.
    """
    if "" in names and not any(flat(value).strip() for value in values[""]):
        names = [name for name in names if name]  # what spreadsheets leave at the end of each line
    numbered = row_numbers(names, values)
    names = [name for name in names if name not in numbered]
    _refuse_twice(names, file)
    columns = {**_by_name(kind, names, values, given, file), **given}
    if kind == "inter" and TIME not in columns:
        columns |= _unnamed_time(names, values, {spec["from"] for spec in columns.values()})
    used = {spec["from"] for spec in columns.values()}
    for name in names:
        if name not in used:
            target = _output(name, columns)  # an id of another table is what it is there
            guess = "token" if target in (USER, ITEM) else guess_type(values[name], name, kind)
            columns[target] = {"from": name, "type": guess}
    return _texts_as_in_file(columns, names)


def _texts_as_in_file(columns: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the columns with those of text among them in the order of the file, paths in objects first.

    Stated ones are known first, but their text, of a category say, is not therefore what an item is called.
    """
    places = {name: place for place, name in enumerate(names)}
    texts = [name for name, spec in columns.items() if spec.get("type") == "token_seq"]
    ordered = iter(sorted(texts, key=lambda name: places.get(columns[name]["from"], -1)))
    order = [next(ordered) if name in texts else name for name in columns]
    return {name: columns[name] for name in order}


def row_numbers(names: Sequence[str], values: Mapping[str, Sequence[object]]) -> list[str]:
    """Return the columns that number the rows: pandas writes its index so, and calls it so where it reads that back.

    Rows that were sorted or left out have other numbers than their places, but none has the number of another.
    """
    return [name for name in index_names(names) if name in values and _are_row_numbers(values[name])]


def index_names(names: Sequence[str]) -> list[str]:
    """Return the columns that are called as an index is: the first one without a name, or one that pandas named."""
    return [name for place, name in enumerate(names) if _INDEX.fullmatch(name) and (name or not place)]


def _are_row_numbers(values: Sequence[object]) -> bool:
    found, wrong = numbers(values)
    whole = not wrong and bool(((found >= 0) & (found == np.floor(found))).all())
    return whole and len(np.unique(found)) == len(found)


def _by_name(
    kind: Kind, names: Sequence[str], values: Mapping[str, Sequence[object]], given: Mapping[str, dict[str, Any]],
    file: str,
) -> dict[str, Any]:  # fmt: skip
    """Return the columns that each table wants: ids (or raise ConfigError of all missing), ratings and times."""
    columns: dict[str, Any] = {}
    missing: list[str] = []
    for target in WANTED[kind]:
        fit = named(target, names, kind)
        sure = next((name for name in fit if letters(name) not in MOMENTS), None)
        found = next((name for name in fit if target != TIME or is_moment(values[name])), sure)
        if target in given:
            columns[target] = given[target]
        elif found is not None:
            if target != RATING:  # rows may do without one (implicit)
                refuse_objects(f"{PART_NAMES[kind]}.{target}", found, values[found], file)
            columns[target] = guess_stated(target, {"from": found}, values, file)
        elif target in (USER, ITEM):
            missing.append(target)
    if missing:
        raise ConfigError(_no_id(missing, names, kind, file) + _numbered(missing[0], values, kind))
    return columns


def _no_id(missing: Sequence[str], names: Sequence[str], kind: Kind, file: str) -> str:
    """Return what is said where no column looks like an id, or like either."""
    if not names:
        return f"[{file}] is empty, or holds neither an object a line (jq -c . makes that) nor an array of objects."
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    looks = " or ".join(f"[{target}]" for target in missing)
    told = f"[{file}]: none of the columns {list(names[:SHOWN])}{more} looks like {looks}: "
    if not np.isnan(numbers(names)[0]).all():  # a name would take the first row for names
        part = f"{PART_NAMES[kind]}: {{file: {file}, header: [{missing[0]}, ...]}}"
        return f"{told}some are numbers. If the first line is a row, name the columns in a mapping file, {part}."
    options = " ".join(f"--column {PART_NAMES[kind]}.{target}=NAME" for target in missing)
    return f"{told}map {'it' if len(missing) == 1 else 'both'} ({options}).{_undivided(names, kind, file)}"


def _undivided(names: Sequence[str], kind: Kind, file: str) -> str:
    """Return how a file is read whose cells another sign may part than those that are guessed."""
    mark = _ODD.search(names[0]) if len(names) == 1 else None
    if mark is None:
        return ""
    spec = f"{PART_NAMES[kind]}: {{file: {file}, delimiter: '{mark[0]}'}}"
    return f" If [{mark[0]}] parts its cells, a mapping file says so, {spec}."


def _numbered(target: str, values: Mapping[str, Sequence[object]], kind: Kind) -> str:
    """Return how a column that seemed to number the rows, and was left out, is taken for the id."""
    for name in row_numbers(list(values), values):
        spec = f"{PART_NAMES[kind]}: {{columns: {{{target}: '{name}', ...}}}}"
        return f" Left out, since it numbers the rows: {called(name)}. If it is the id, a mapping file says so, {spec}."
    return ""


def called(name: str) -> str:
    """Return what a message calls a column that numbers the rows."""
    return f"[{name}]" if name else "the first column, which has no name"


def _unnamed_time(names: Sequence[str], values: Mapping[str, Sequence[object]], used: set[str]) -> dict[str, Any]:
    """Return the one column of ISO dates, whatever it is called; none where there are several (a birthday, say)."""
    dates = [name for name in names if name not in used and are_dates(values[name])]
    return {TIME: {"from": dates[0], "date": "iso"}} if len(dates) == 1 else {}


def _refuse_twice(names: Sequence[str], file: str) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        said = ", ".join(f"[{name}]" if name else "without a name" for name in twice)
        raise ConfigError(
            f"[{file}] has several columns {said}: name them apart in its first line, or write a mapping file that "
            "names the columns wanted (of equal names the first one counts)."
        )


def guess_stated(name: str, spec: dict[str, Any], values: Mapping[str, Sequence[object]], file: str) -> dict[str, Any]:
    """Add to the entry of output column ``name`` what it leaves open: the form of times and ids, the type of others."""
    if name == TIME:
        stated = "date" in spec or "unit" in spec
        return spec if stated else {**spec, **time_form(values[spec["from"]], spec["from"], file)}
    if name in (USER, ITEM, RATING) or "type" in spec:
        whole = name != RATING and not spec.keys() & {"type", "whole"} and _are_whole(values[spec["from"]])
        return {**spec, "whole": True} if whole else spec
    return {**spec, "type": guess_type(values[spec["from"]])}


def _are_whole(values: Sequence[object]) -> bool:
    """Say whether all are whole numbers with a point, as pandas writes them; versions have 1.10 beside 1.0."""
    full = [value for value in values if flat(value).strip() not in NO_NUMBER]
    return bool(full) and all(whole_number(value) is not value for value in full)


def guess_type(values: Sequence[object], name: str = "", kind: Kind = "inter") -> str:
    """Return ``float`` if all values are numbers, ``token_seq`` if texts of several words are among them that are not
    mostly links, or if it is called what texts of items are called."""
    if _are_vectors(values):
        return "float_seq"
    if are_dates(values):
        return "token"
    texts = [flat(value, ", ") for value in values]
    full = [text for text in texts if text.strip() not in NO_NUMBER]
    if full and not numbers(full)[1] and not any(is_code(text.strip()) for text in full):
        return "float"
    called = kind == "item" and means_text(name)
    worded = any(_has_words(text.strip()) for text in full) and not _are_links(full)
    return "token_seq" if called or worded else "token"


def _are_vectors(values: Sequence[object]) -> bool:
    """Say whether these are lists of numbers, not all of them whole: whole ones may be ids."""
    lists = [value.strip() if isinstance(value, str) else value for value in values if isinstance(value, list | str)]
    lists = [value for value in lists if value]
    if any(isinstance(value, str) and not (value[0] == "[" and value[-1] == "]") for value in lists):
        return False
    found = [float_list(value) for value in lists]
    return None not in found and any("." in entries for entries in found if entries)


def means_text(name: str) -> bool:
    """Say whether a column of items is called what their texts are called."""
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return bool(words) and words[-1] in TEXT_NAMES


def _are_links(texts: Sequence[str]) -> bool:
    """Say whether links are most of these texts, as of the pictures of an item: they tell a model nothing."""
    return 2 * sum(len(link) for text in texts for link in _LINK.findall(text)) > sum(map(len, texts))


def _has_words(text: str) -> bool:
    """Chinese, Japanese and Korean have no blanks between words: there four characters are a text; a price is none."""
    return (" " in text and not _PRICE.fullmatch(text)) or sum("\u2e80" <= one <= "\uffdc" for one in text) >= 4


def _output(name: str, taken: dict[str, Any]) -> str:
    """Return the column's name as an atomic file can hold it."""
    clean = "_".join("".join(c if c.isalnum() else " " for c in name).split()) or "column"
    while clean in taken:
        clean += "_"
    return clean
