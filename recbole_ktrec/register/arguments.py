"""What RecBole would make of the command line and of strings, both of which it evaluates: kept from it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def no_command_line() -> Iterator[None]:
    """Hide ``sys.argv`` from RecBole, which takes every ``--key=value`` in it for a configuration key.

    It would do so here and in spawned processes, and evaluate the value.
    """
    held, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = held


def quoted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with strings quoted: RecBole evaluates strings of a dict, and a quoted one gives itself."""
    return {key: repr(value) if isinstance(value, str) else value for key, value in values.items()}
