"""Clean item text: entities, tags, control characters, Unicode form, boilerplate, white space; each change counted."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from recbole_ktrec.errors import ConfigError, nearest

#: Longest text kept; RecBole's csv reader stops at 131,072 characters a cell.
LONGEST = 100_000
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->|<!DOCTYPE[^<>]*>", re.S)
_CODE = re.compile(r"<(script|style)\b.*?</\1\s*>", re.S | re.I)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")


def _entities(text: str) -> str:
    """Decode entities that end as they should: ``html.unescape`` alone would make "B&notes" of a name "B¬es"."""
    for _ in range(3):  # "&amp;quot;" is common
        if "&" not in text or ";" not in text:
            break
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text.replace("&amp;", "&"))
    return text


def _tags(text: str) -> str:
    if "<" not in text:
        return text
    return _TAG.sub(" ", _CODE.sub(" ", text) if "</s" in text.lower() else text)


def _control(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub("", text)


def _unicode(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _space(text: str) -> str:
    if text.isprintable() and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text
    return " ".join(text.split())


#: The rules in the order in which they run.
RULES: dict[str, Callable[[str], str]] = {
    "entities": _entities,
    "tags": _tags,
    "control": _control,
    "unicode": _unicode,
    "space": _space,
}


class Cleaner:
    """Clean texts by the rules named, counting the cells that each rule changed in ``changed``.

    Args:
        rules: names out of :data:`RULES`.
        boilerplate: regular expressions; what they match is cut out.
        page_code: what only the code of a page holds; a text with it is no text and becomes empty.
        changed: rule -> cells changed.
    """

    def __init__(
        self, rules: Sequence[str], boilerplate: Sequence[str], page_code: Sequence[str], changed: Counter[str]
    ) -> None:
        for rule in rules:
            if rule not in RULES:
                raise ConfigError(
                    f"Unknown rule of cleaning [{rule}]; known: {', '.join(RULES)}.{nearest(rule, RULES)}"
                )
        self._rules = [(f"text {name}", rule) for name, rule in RULES.items() if name in rules]
        self._changed, self._page_code = changed, page_code
        try:
            self._boilerplate = [re.compile(pattern) for pattern in boilerplate]
        except re.error as error:
            raise ConfigError(f"[boilerplate]: {error} in [{error.pattern!r}].") from error

    def column(self, texts: Sequence[str]) -> list[str]:
        """Return the clean texts; those that no rule can change are known by a few fast checks."""
        clean = [
            text
            if text.isascii()
            and text.isprintable()
            and "&" not in text
            and "<" not in text
            and "  " not in text
            and not text.startswith(" ")
            and not text.endswith(" ")
            else self._clean(text)
            for text in texts
        ]
        for mark in self._page_code:
            clean = [self._count("text that is page code", text, "") if mark in text else text for text in clean]
        for pattern in self._boilerplate:
            clean = [
                self._count("text boilerplate", text, _space(pattern.sub(" ", text))) if pattern.search(text) else text
                for text in clean
            ]
        if max(map(len, clean), default=0) > LONGEST:
            clean = [self._count(f"text cut at {LONGEST:,} characters", text, text[:LONGEST]) for text in clean]
        return clean

    def _clean(self, text: str) -> str:
        for name, rule in self._rules:
            clean = rule(text)
            if clean is not text and clean != text:
                self._changed[name] += 1
                text = clean
        return text

    def _count(self, name: str, before: str, after: str) -> str:
        if before != after:
            self._changed[name] += 1
        return after
