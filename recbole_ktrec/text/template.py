"""One row of an atomic file -> one text. Pure: strings in, strings out."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from recbole_ktrec.markup import without_hidden
from recbole_ktrec.text.settings import PLACE, TextField, TextSettings

# Only real HTML elements count as tags: "<3", "a < b" and "<Untitled>" are text.
_INLINE = "a|abbr|b|big|cite|code|em|font|i|mark|s|small|span|strike|strong|sub|sup|tt|u"
_BLOCK = (
    "address|article|aside|blockquote|body|br|button|caption|center|dd|div|dl|dt|embed|fieldset|figure|footer|form|"
    "h[1-6]|head|header|hr|html|iframe|img|input|label|li|link|main|meta|nav|object|ol|option|p|pre|section|select|"
    "table|tbody|td|textarea|tfoot|th|thead|title|tr|ul|video"
)
_OPENING = re.compile(r"<(?:(!--)|(script|style)\b[^<>]*>)", re.IGNORECASE)
#: what opens a hidden part -> what closes it.
_CLOSING = {
    kind: re.compile(end, re.IGNORECASE)
    for kind, end in (("!--", "-->"), ("script", r"</script\s*>"), ("style", r"</style\s*>"))
}
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# A word is a run of letters without blanks; in scripts written without blanks, one character.
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_STOPS = ".!?\u3002\uff01\uff1f"


def clean_text(raw: str) -> str:
    """Return ``raw`` without HTML tags, entities, control characters and superfluous white space, in Unicode NFC.

    Entities are resolved twice, since many dumps escape them twice (``&amp;amp;``, ``&lt;b&gt;``).
    """
    text = raw
    if "<" in text or "&" in text:
        for _ in range(2):
            text = html.unescape(_strip_tags(text))
        text = _strip_tags(text)
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", _CONTROL.sub(" ", _INVISIBLE.sub("", text)))
    return " ".join(text.split())


def _strip_tags(text: str) -> str:
    if "<" not in text:
        return text
    return _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", without_hidden(text, _OPENING, _CLOSING)))


def limit_words(text: str, max_words: int | None) -> str:
    """Keep the first ``max_words`` words; a Chinese or Japanese character counts as one."""
    if max_words is None:
        return text
    for count, word in enumerate(_WORD.finditer(text), 1):
        if count == max_words:
            return text[: word.end()]
    return text


def field_text(raw: str | None, field: TextField, missing: Collection[str] = ()) -> str:
    """Return the cleaned, limited text of one cell, or ``""`` if it is empty or one of the ``missing`` words."""
    if raw is None or raw.strip() in missing:
        return ""
    return limit_words(clean_text(raw), field.max_words)


def row_text(cells: Sequence[str | None], fields: Sequence[TextField], settings: TextSettings) -> str | None:
    """Return the text of one row, or None if no field has any.

    Args:
        cells: one raw cell for each of ``fields``.
        fields: the columns, in order.
        settings: ``template`` and ``missing`` are used.

    Without a template the fields are joined as sentences, each after its label (``Genre: Comedy``). With one,
    ``{title}`` stands for a field and ``[ by {brand}]`` for a part left out when one of its fields is missing.
    """
    values = {field.name: field_text(cell, field, settings.missing) for cell, field in zip(cells, fields, strict=True)}
    if not any(values.values()):
        return None
    if settings.template is not None:
        return fill_template(settings.template, values) or None
    parts = [
        f"{field.label}: {values[field.name]}" if field.label else values[field.name]
        for field in fields
        if values[field.name]
    ]
    return join_parts(parts)


def join_parts(parts: Sequence[str]) -> str:
    """Join sentences by ``". "``, or by a blank after one that ends with a stop of its own."""
    joined = "".join(part + (" " if part[-1] in _STOPS else ". ") for part in parts[:-1])
    return joined + parts[-1] if parts else ""


def template_fields(template: str) -> list[str]:
    """Return the names of the fields that ``template`` uses, each once, in order."""
    return list(dict.fromkeys(PLACE.findall(template)))


def fill_template(template: str, values: Mapping[str, str]) -> str:
    """Fill ``{field}`` places; a ``[part]`` with an empty field is dropped."""

    def part(match: re.Match[str]) -> str:
        complete = all(values.get(name) for name in PLACE.findall(match[1]))
        return match[1] if complete else ""

    kept = _OPTIONAL.sub(part, template)
    return " ".join(PLACE.sub(lambda place: values.get(place[1], ""), kept).split())


def history_documents(histories: Sequence[Sequence[str | None]], max_items: int) -> list[str | None]:
    """Join what each user took into one text; None for a history without any text.

    It begins with the most recent, since an encoder cuts a long text at its end.

    Args:
        histories: item texts of each user, oldest first; None (an item without text) is skipped.
        max_items: how many of the most recent texts are kept.
    """
    documents: list[str | None] = []
    for texts in histories:
        kept = [text for text in texts if text][-max_items:]
        documents.append(join_parts(kept[::-1]) or None)
    return documents
