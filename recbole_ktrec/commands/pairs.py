"""Options that are given as KEY=VALUE, and options that may be given once for each thing."""

from __future__ import annotations

from collections.abc import Sequence

from recbole_ktrec.errors import ConfigError


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Return what ``option KEY=VALUE``, given several times, says.

    Raises:
        ConfigError: one of them is no pair, or two have the same key.
    """
    found = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key or not value:
            raise ConfigError(f"{option} {each}: write {option} KEY=VALUE.")
        found[key] = value
    refuse_twice(option, [(each.partition("=")[0], each) for each in given])
    return found


def refuse_twice(option: str, said: Sequence[tuple[str, str]]) -> None:
    """Raise ConfigError where an option says two things (``said``: what of, and how it was given) of the same."""
    first: dict[str, str] = {}
    for key, text in said:
        if key in first:
            raise ConfigError(f"{option} {first[key]} and {option} {text}: only one of them can hold.")
        first[key] = text
