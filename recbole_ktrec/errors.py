"""The named errors of the plugin: each message says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class KTRecError(Exception):
    """Base of every error that the plugin raises on purpose; the command line prints it without a traceback."""


class ConfigError(KTRecError, ValueError):
    """A configuration key or value that cannot be used."""


class DataError(KTRecError, ValueError):
    """A file, row, column or archive that cannot be read as what it should be."""


class EncoderError(KTRecError, RuntimeError):
    """A text encoder that cannot be found, loaded or trusted."""


class CacheError(KTRecError, OSError):
    """A cache file or folder that cannot be read or written."""


class MissingExtraError(KTRecError, ImportError):
    """An optional dependency that is not installed; the message holds the exact install command."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs [{package}]: pip install 'recbole-ktrec[{extra}]'")


class HostError(KTRecError, ImportError):
    """RecBole is not installed, or beside a package that it cannot work with; the message holds the install command."""


def one_of(key: str, value: object, known: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``known``.

    Raises:
        ConfigError: it is not; the message names the key, the choices and the nearest of them.
    """
    choices = list(known)
    if value not in choices:
        raise ConfigError(f"{key} [{value}] is not one of {', '.join(choices)}.{nearest(str(value), choices)}")
    return str(value)


def number(
    key: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    whole: bool = False,
    auto: bool = False,
) -> Any:
    """Return ``value`` if it is a number within the bounds (True and False are none), an int where ``whole``.

    Args:
        auto: ``"auto"`` is fine too; None is returned for it.

    Raises:
        ConfigError: it is not; the message names the key and the bounds.
    """
    if auto and value == "auto":
        return None
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    fits = fits and (least is None or value >= least) and (above is None or value > above)
    if fits and (most is None or value <= most):
        return value if whole else float(value)
    if least is not None and most is not None:
        bounds = f" from {least:g} to {most:g}"
    else:
        limits = ((least, "of at least"), (above, "above"), (most, "at most"))
        bounds = " and".join(f" {word} {limit:g}" for limit, word in limits if limit is not None)
    raise ConfigError(
        f"{key} [{value}] is not a {'whole ' if whole else ''}number{bounds}{' or auto' if auto else ''}."
    )


def switch(key: str, value: Any) -> bool:
    """Return ``value`` if it is True or False.

    Raises:
        ConfigError: it is not; the message names the key.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{key} [{value}] is not True or False.")
    return value


def counted(number: int, what: str) -> str:
    """Return how many there are of ``what``, a word whose plural has an s: ``1 item``, ``2,000 items``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean [x]?`` for the known name closest to ``name``, letter case aside, or an empty string."""
    spelled = {str(one).lower(): one for one in known}
    found = difflib.get_close_matches(name.lower(), list(spelled), n=1, cutoff=0.6)
    return f" Did you mean [{spelled[found[0]]}]?" if found else ""
