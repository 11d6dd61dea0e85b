"""What the keys of a mapping may hold: checked before anything is read, each fault named by its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest, number
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.tables import PARTS
from recbole_ktrec.sources.values import moment

TOP_KEYS = {"title", "domain", "url", "text_fields", "scale", "since", "properties", "rules", *PARTS}
_NOTHING = type(None)
#: Keys of a part and of a column -> the types of their values, and what these are called.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("file", "encoding", "unit", "decimal", "join"), ((str,), "a text")),
    **dict.fromkeys(("format", "delimiter", "type"), ((str, _NOTHING), "a text")),
    **dict.fromkeys(("quoted", "required", "whole"), ((bool,), "true or false")),
    "header": ((bool, list), "true, false or a list of names"),
    "from": ((str, int), "the name of a column"),
    "only": ((dict, _NOTHING), "columns with the values wanted, such as {event: [cart, purchase]}"),
    "unrated": ((int, float, _NOTHING), "a number"),
}


def check_mapping(mapping: Mapping[str, Any]) -> None:
    """Check the keys of a mapping, and that those which hold keys themselves do.

    Raises:
        ConfigError: an unknown key, or a value of another kind.
    """
    check_keys(mapping, TOP_KEYS, "mapping")
    for name in (name for name in PARTS if name in mapping):
        if not isinstance(mapping[name], Mapping):
            raise ConfigError(f"[{name}] must hold keys such as file and columns, not [{mapping[name]}].")
        columns = mapping[name].get("columns")
        if columns and not isinstance(columns, Mapping):
            raise ConfigError(f"[{name}.columns] must hold a line NAME: FROM for each column, not [{columns}].")
        check_kinds(mapping[name], name)
    for name in ("properties", "rules"):
        if mapping.get(name) and not isinstance(mapping[name], Mapping):
            raise ConfigError(f"[{name}] must hold keys, not [{mapping[name]}].")


def check_keys(given: Any, known: set[str], where: str) -> None:
    """Raise ConfigError, with the nearest key that there is, if ``given`` is no mapping or has others than ``known``.

    Args:
        where: what the message names.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"[{where}] must hold keys, not [{given}].")
    for key in given:
        if key not in known:
            raise ConfigError(f"Unknown key [{key}] in [{where}].{nearest(str(key), known)}")


def check_kinds(given: Mapping[str, Any], where: str) -> None:
    """Raise ConfigError if a value of a part or a column of a mapping (``where``) is of another kind than its key."""
    for key, value in given.items():
        types, called = _KINDS.get(key, ((object,), ""))
        if not isinstance(value, types):
            raise ConfigError(f"[{where}.{key}] = [{value}] is not {called}.")


def check_how(spec: Mapping[str, Any], where: str, kind: str, rated: bool) -> None:
    """Raise ConfigError if what a mapping says of a column (``where``) contradicts itself or would do nothing.

    Args:
        kind: the type of the column.
        rated: whether it holds the ratings of the interactions.
    """
    usual = {"date": None, "unit": "s", "decimal": "."}
    said = [f"[{key}]" for key, each in usual.items() if spec.get(key, each) != each]
    if said[0:1] == ["[date]"] and len(said) > 1:
        raise ConfigError(f"[{where}] has {' and '.join(said)}: it holds dates or numbers.")
    if said == ["[unit]"] and kind != "float":
        raise ConfigError(f"[{where}.unit] is for numbers, and its type is {kind}: say type: float.")
    if spec.get("whole") and (said or kind != "token"):
        raise ConfigError(f"[{where}.whole] is for ids and codes written as 7.0, alone and of type token, not {kind}.")
    if spec.get("unrated") is not None and not rated:
        raise ConfigError(f"[{where}.unrated] is for the rating of the interactions alone.")


def texts_of(key: str, value: object) -> tuple[str, ...]:
    """Return a list of texts; a text alone is a list of one, nothing a list of none.

    Raises:
        ConfigError: it is another thing.
    """
    found = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
        raise ConfigError(f"[{key}] = [{value}] is not a list of texts: write {key}: [one, two].")
    return tuple(found)


def pair_of(key: str, value: object) -> tuple[float, float] | None:
    """Return two numbers, None for nothing.

    Raises:
        ConfigError: it is another thing.
    """
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ConfigError(f"[{key}] = [{value}] is not two numbers: write {key}: [1, 5].")
    return number(f"[{key}]", value[0]), number(f"[{key}]", value[1])


def stated_moment(key: str, value: object, end: bool = False) -> float | None:
    """Return a point in time that a mapping or an option states (``end``: of a bare date), None where it states none.

    Raises:
        ConfigError: it is none.
    """
    try:
        return None if value is None else moment(value, end)
    except ValueError as error:
        raise ConfigError(
            f"{key} [{value}] is not a date: write 2014-01-31, 2014-01-31T12:00:00 or a Unix time."
        ) from error


def rules_of(given: Mapping[str, Any]) -> Rules:
    """Return the rules that a mapping states; a key without a value states nothing.

    Raises:
        ConfigError: an unknown key, or a value that the rule cannot take.
    """
    check_keys(given, {each.name for each in fields(Rules)}, "rules")
    return Rules(**{key: _rule(key, value) for key, value in given.items() if value is not None})


def _rule(key: str, value: object) -> Any:
    where = f"rules.{key}"
    if key in ("clean", "boilerplate"):
        return texts_of(where, value)
    if key == "scale":
        return pair_of(where, value)
    if key in ("since", "until"):
        return stated_moment(f"[{where}]", value, key == "until")
    if key in ("plausible", "implicit", "require_text") and not isinstance(value, bool):
        raise ConfigError(f"[{where}] = [{value}] is neither true nor false.")
    if key == "threshold":
        return number(f"[{where}]", value)
    if key in ("max_per_day", "user_core", "item_core"):
        return number(f"[{where}]", value, least=int(key == "max_per_day"), whole=True)
    return value
