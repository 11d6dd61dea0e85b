"""Clean item text: entities, tags, control characters, Unicode form, boilerplate, white space; each change counted."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.markup import without_hidden

#: Longest text kept; RecBole's csv reader stops at 131,072 characters a cell.
LONGEST = 100_000
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: The lookahead takes a name whole: tried with each end of it, one of 80 KB took half a minute.
_TAG_ALONE = re.compile(r"</?(?=([A-Za-z][\w:.-]*))\1([^<>]*)>|<!DOCTYPE[^<>]*>")
_TAG = re.compile(rf"{_TAG_ALONE.pattern}|<!--.*?-->", re.S)
_CODE = re.compile(r"<(script|style)\b", re.I)
_CODE_ENDS = {kind: re.compile(rf"</{kind}\s*>", re.I) for kind in ("script", "style")}
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")


#: Elements of HTML, those of before HTML 5 included.
ELEMENTS = frozenset(
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote "
    "body br button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl "
    "dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr "
    "html i iframe image img input ins isindex kbd keygen label layer legend li link listing main map mark marquee "
    "math menu menuitem meta meter multicol nav nobr noembed noframes noscript object ol optgroup option output p "
    "param picture plaintext pre progress q rb rp rt rtc ruby s samp script search section select slot small source "
    "spacer span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title "
    "tr track tt u ul var video wbr xml xmp".split()
)
#: What stands in a tag without a value.
FLAGS = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled hidden ismap loop "
    "multiple muted nohref noresize noshade novalidate nowrap open readonly required reversed selected".split()
)


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
    text = without_hidden(text, _CODE, _CODE_ENDS) if "</s" in text.lower() else text
    end = text.rfind("-->") + len("-->") if "-->" in text else 0
    return _TAG.sub(_untagged, text[:end]) + _TAG_ALONE.sub(_untagged, text[end:])  # nothing closes later comments


def _untagged(found: re.Match[str]) -> str:
    """Return a blank for a tag of HTML (or of a namespace, as Word writes), other text such as "a<b and c>d" as is."""
    name, rest = (found[1] or "").lower(), (found[2] or "").strip(" \t\n\r/\\")
    known = not name or name in ELEMENTS or ":" in name
    return " " if known and (not rest or "=" in rest or FLAGS.issuperset(rest.lower().split())) else found[0]


def _control(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub(_uncontrolled, text)


def _uncontrolled(found: re.Match[str]) -> str:
    """Return a blank for what parts lines, pages or fields, as a workbook's vertical tab does, and nothing else."""
    return " " if found[0].isspace() else ""


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
