"""What a table looks like: its format and delimiter, and which of its columns is what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources import frames
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER, Kind
from recbole_ktrec.sources.values import NO_NUMBER, date, flat, numbers

DELIMITERS = ("\t", "::", ",", ";", "|")
#: Output column -> names (lower case, letters only) that mean it.
NAMES = {
    USER: ("userid", "user", "uid", "reviewerid", "customerid", "customer", "visitorid", "username", "userkey"),
    ITEM: ("itemid", "item", "iid", "parentasin", "asin", "productid", "product", "movieid", "bookid", "isbn",
           "articleid", "newsid", "courseid", "videoid", "animeid", "songid", "businessid", "stockcode", "id"),
    RATING: ("rating", "ratings", "stars", "score", "overall", "bookrating"),
    TIME: ("timestamp", "time", "date", "datetime", "unixreviewtime", "eventtime", "createdat", "ts"),
}  # fmt: skip


def sniff(member: Member, inputs: Inputs) -> tuple[str, str]:
    """Return (format, delimiter) of a file, by its name and its first line."""
    end = frames.ending(member)
    if end:
        return ("parquet" if end == ".parquet" else "excel"), ""
    line = inputs.head(member, 1 << 16).decode("utf-8", "replace").lstrip("\ufeff").split("\n")[0]
    if line.lstrip().startswith("{"):
        return "json", ""
    if any(each in member.base for each in (".tsv", ".inter", ".item", ".user")) and "\t" in line:
        return "tsv", "\t"
    counts = {each: line.count(each) for each in DELIMITERS}
    best = max(counts, key=lambda each: counts[each])
    return ("tsv" if best == "\t" else "csv"), best if counts[best] else ","


def guess_columns(kind: Kind, names: Sequence[str], sample: Sequence[Sequence[object]]) -> dict[str, Any]:
    """Guess what each column is: ids, ratings and times by name, the others by their values.

    Returns:
        a ``columns`` mapping: output name -> source, or {from, type, ...}.

    Raises:
        ConfigError: no column looks like the id that the table needs.
    """
    plain = {name: "".join(c for c in name.lower() if c.isalnum()) for name in names}
    wanted = {"inter": (USER, ITEM, RATING, TIME), "item": (ITEM,), "user": (USER,)}[kind]
    columns: dict[str, Any] = {}
    for target in wanted:
        found = next((name for alias in NAMES[target] for name in names if plain[name] == alias), None)
        if found is None and target in (USER, ITEM):
            raise ConfigError(f"None of the columns {list(names)} looks like [{target}]: map it.")
        if found is not None:
            columns[target] = {"from": found}
    used = {spec["from"] for spec in columns.values()}
    values = dict(zip(names, sample, strict=True))
    if TIME in columns:
        columns[TIME] |= _time(values[columns[TIME]["from"]])
    for name in names:
        if name not in used:
            columns[_output(name, columns)] = {"from": name, "type": guess_type(values[name])}
    return columns


def guess_type(values: Sequence[object]) -> str:
    """Return ``float`` if all values are numbers, ``token_seq`` if texts of several words are among them."""
    texts = [flat(value, ", ") for value in values]
    full = [text for text in texts if text.strip() not in NO_NUMBER]
    if full and not numbers(full)[1]:
        return "float"
    return "token_seq" if any(_has_words(text.strip()) for text in full) else "token"


def _has_words(text: str) -> bool:
    """Chinese, Japanese and Korean have no blanks between words: there four characters are a text."""
    return " " in text or sum("\u2e80" <= one <= "\uffdc" for one in text) >= 4


def _time(values: Sequence[object]) -> dict[str, Any]:
    full = [value for value in values if flat(value).strip() not in NO_NUMBER]
    found, wrong = numbers(full)
    if wrong:
        if numbers(full, date())[1]:
            raise ConfigError(f"Dates such as [{full[0]}] need their format: map [timestamp] with [date].")
        return {"date": "iso"}
    return {"unit": "ms"} if len(found) and np.nanmedian(found) > 1e11 else {}


def _output(name: str, taken: dict[str, Any]) -> str:
    """Return the column's name as an atomic file can hold it."""
    clean = "_".join("".join(c if c.isalnum() else " " for c in name).split()) or "column"
    while clean in taken:
        clean += "_"
    return clean
