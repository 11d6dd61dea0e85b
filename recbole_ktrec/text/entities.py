"""The texts of items (or users), read from their atomic file and lined up by token, never through RecBole.

RecBole splits text at blanks, turns ``NA`` and ``None`` into padding and stops at a leading quote.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Container, Sequence
from pathlib import Path

from recbole_ktrec.atomic import TEXT_NAMES, Field, iter_atomic, read_header
from recbole_ktrec.errors import DataError, nearest
from recbole_ktrec.text.settings import TextField, TextSettings
from recbole_ktrec.text.template import row_text, template_fields

PAD = "[PAD]"
_logger = logging.getLogger(__name__)


def chosen_fields(path: str | Path, id_column: str, settings: TextSettings, encoding: str = "utf-8") -> list[TextField]:
    """Return the columns of ``path`` that make up the text.

    ``settings.fields``, or those of ``settings.template``; if neither is given, every ``token_seq`` column and every
    ``token`` column whose name ends in a word of :data:`TEXT_NAMES`.

    Raises:
        DataError: a column does not exist (the nearest name is offered), or the file has none that holds text.
    """
    if not Path(path).is_file():
        raise DataError(
            f"[{path}] is missing: item text is read from it. [ktrec convert] makes one from a raw dump; by hand it is "
            f"the line [{id_column}:token<TAB>title:token_seq], then one line an item."
        )
    header = read_header(path, encoding)
    wanted = _wanted(settings)
    names = [field.name for field in header]
    given = [field.name for field in settings.fields or ()]  # a template takes their limits, perhaps not all of them
    for name in [id_column, *given, *(field.name for field in wanted)]:
        if name not in names:
            key = "" if name == id_column else "text_fields: " if name in given else "text_template: "
            raise DataError(f"{key}[{path}] has no column [{name}], only {', '.join(names)}.{nearest(name, names)}")
    if wanted:
        for text in _unused(settings):
            _warn(f"text_fields: [{path}]: {text}")
        return wanted
    if not (found := text_columns(header, id_column)):
        columns = ", ".join(map(str, header))
        raise DataError(f"[{path}] has no text column among {columns}: name one in text_fields.")
    return [TextField(name) for name in found]


def text_columns(header: Sequence[Field], id_column: str) -> list[str]:
    """Return the columns that are text where none are named, see :func:`chosen_fields`."""
    return [field.name for field in header if field.name != id_column and _holds_text(field)]


def _wanted(settings: TextSettings) -> list[TextField]:
    given = list(settings.fields or ())
    if settings.template is None:
        return given
    by_name = {field.name: field for field in given}
    return [by_name.get(name, TextField(name)) for name in template_fields(settings.template)]


def _unused(settings: TextSettings) -> list[str]:
    """Return what to say of ``settings.fields`` that the template does not take."""
    if settings.template is None:
        return []
    placed = template_fields(settings.template)
    given = settings.fields or ()
    told = [f"the column [{field.name}] is not read, text_template does not name it." for field in given
            if field.name not in placed]  # fmt: skip
    return told + [
        f"the label [{field.label}] of [{field.name}] is not used: write it into text_template." for field in given
        if field.label and field.name in placed
    ]  # fmt: skip


@functools.cache
def _warn(text: str) -> None:
    """Say it once: a run reads the columns several times."""
    _logger.warning(text)


def _holds_text(field: Field) -> bool:
    return field.type == "token_seq" or (field.type == "token" and field.name.lower().split("_")[-1] in TEXT_NAMES)


def entity_texts(
    path: str | Path, id_column: str, tokens: Sequence[str], settings: TextSettings, encoding: str = "utf-8"
) -> list[str | None]:
    """Return the text of each of ``tokens`` from an atomic file (``.item``, ``.user``); None where there is none.

    A token without a row, ``[PAD]`` and a row whose fields are all empty (or one of ``settings.missing``) give None.

    Raises:
        DataError: the file is missing or not readable, a column is missing, or two rows of one wanted token have
            different texts.
    """
    wanted = set(map(str, tokens)) - {PAD}
    texts = _texts(path, id_column, wanted.__contains__, settings, encoding)
    return [texts.get(str(token)) for token in tokens]


def other_texts(
    path: str | Path, id_column: str, known: Container[str], settings: TextSettings, encoding: str = "utf-8"
) -> dict[str, str | None]:
    """Return token -> text of the rows whose tokens are none of ``known``, in their order, see :func:`entity_texts`."""
    return _texts(path, id_column, lambda token: token not in known, settings, encoding)


def _texts(
    path: str | Path, id_column: str, is_wanted: Callable[[str], bool], settings: TextSettings, encoding: str
) -> dict[str, str | None]:
    fields = chosen_fields(path, id_column, settings, encoding)
    texts: dict[str, str | None] = {}
    for number, (token, *cells) in enumerate(iter_atomic(path, [id_column, *(f.name for f in fields)], encoding), 1):
        if is_wanted(token):
            text = row_text(cells, fields, settings)
            if texts.setdefault(token, text) != text:
                raise DataError(
                    f"[{path}], row {number}: [{id_column}] = [{token}] occurs a second time with another text; "
                    "remove the row that is not wanted."
                )
    _logger.info("Text from the columns [%s] of [%s].", ", ".join(field.name for field in fields), path)
    return texts
