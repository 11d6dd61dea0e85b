"""Parts of a page that nobody sees, such as its scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping


def without_hidden(text: str, opening: re.Pattern[str], closing: Mapping[str, re.Pattern[str]]) -> str:
    """Put a blank for each part; one expression for all, ends included, is quadratic in those left open.

    Args:
        opening: of any part; the one of its groups that is there is the kind.
        closing: kind, in small letters -> what closes it.
    """
    parts, start, at, open_ends = [], 0, 0, set()
    while found := opening.search(text, at):
        kind, at = found[found.lastindex or 0].casefold(), found.end()
        end = None if kind in open_ends else closing[kind].search(text, at)
        if end is None:
            open_ends.add(kind)  # nothing closes later ones either
            continue
        parts.append(text[start : found.start()])
        start = at = end.end()
    return " ".join([*parts, text[start:]])
