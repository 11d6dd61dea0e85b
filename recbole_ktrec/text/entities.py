"""The texts of items (or users), read from their atomic file and lined up by token, never through RecBole.

RecBole splits text at blanks, turns ``NA`` and ``None`` into padding and stops at a leading quote.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from recbole_ktrec.atomic import TEXT_NAMES, Field, iter_atomic, read_header
from recbole_ktrec.errors import DataError, nearest
from recbole_ktrec.text.settings import TextField, TextSettings
from recbole_ktrec.text.template import row_text, template_fields

PAD = "[PAD]"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EntityFile:
    """An atomic file, ``.item`` or ``.user``, that texts are read from.

    Attributes:
        path: of the file.
        id_column: holds the tokens.
        encoding: of the file.
    """

    path: str | Path
    id_column: str = "item_id"
    encoding: str = "utf-8"

    def header(self) -> list[Field]:
        """Return the columns of the file.

        Raises:
            DataError: there is no such file.
        """
        if not Path(self.path).is_file():
            raise DataError(
                f"[{self.path}] is missing: item text is read from it. [ktrec convert] makes one from a raw dump; by "
                f"hand it is the line [{self.id_column}:token<TAB>title:token_seq], then one line an item."
            )
        return read_header(self.path, self.encoding)

    def fields(self, settings: TextSettings) -> list[TextField]:
        """Return the columns that make up the text.

        ``settings.fields``, or those of ``settings.template``; if neither is given, every ``token_seq`` column and
        every ``token`` column whose name ends in a word of :data:`TEXT_NAMES`.

        Raises:
            DataError: a column does not exist (the nearest name is offered), or the file has none that holds text.
        """
        header, wanted = self.header(), _wanted(settings)
        self._check(settings, [field.name for field in wanted], [field.name for field in header])
        if wanted:
            for text in _unused(settings):
                warn_once(f"text_fields: [{self.path}]: {text}")
            return wanted
        if not (found := text_columns(header, self.id_column)):
            columns = ", ".join(map(str, header))
            raise DataError(f"[{self.path}] has no text column among {columns}: name one in text_fields.")
        return [TextField(name) for name in found]

    def _check(self, settings: TextSettings, wanted: Sequence[str], names: Sequence[str]) -> None:
        given = [field.name for field in settings.fields or ()]  # a template takes their limits, perhaps not all
        for name in [self.id_column, *given, *wanted]:
            if name not in names:
                key = "" if name == self.id_column else "text_fields: " if name in given else "text_template: "
                there = f"only {', '.join(names)}.{nearest(name, names)}"
                raise DataError(f"{key}[{self.path}] has no column [{name}], {there}")

    def texts(self, tokens: Sequence[str], settings: TextSettings) -> list[str | None]:
        """Return the text of each of ``tokens``; None where there is none.

        A token without a row, ``[PAD]`` and a row whose fields are all empty (or one of ``settings.missing``) give
        None.

        Raises:
            DataError: the file is missing or not readable, a column is missing, or two rows of one wanted token have
                different texts.
        """
        wanted = set(map(str, tokens)) - {PAD}
        texts = self._texts(wanted.__contains__, settings)
        return [texts.get(str(token)) for token in tokens]

    def other_texts(self, known: Container[str], settings: TextSettings) -> dict[str, str | None]:
        """Return token -> text of the rows whose tokens are none of ``known``, in their order, see :meth:`texts`."""
        return self._texts(lambda token: token not in known, settings)

    def _texts(self, is_wanted: Callable[[str], bool], settings: TextSettings) -> dict[str, str | None]:
        fields, texts = self.fields(settings), dict[str, str | None]()
        columns = [self.id_column, *(field.name for field in fields)]
        for number, (token, *cells) in enumerate(iter_atomic(self.path, columns, self.encoding), 1):
            if is_wanted(token):
                text = row_text(cells, fields, settings)
                if texts.setdefault(token, text) != text:
                    raise DataError(
                        f"[{self.path}], row {number}: [{self.id_column}] = [{token}] occurs a second time with "
                        "another text; remove the row that is not wanted."
                    )
        _logger.info("Text from the columns [%s] of [%s].", ", ".join(columns[1:]), self.path)
        return texts


def text_columns(header: Sequence[Field], id_column: str) -> list[str]:
    """Return the columns that are text where none are named, see :meth:`EntityFile.fields`."""
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
def warn_once(text: str) -> None:
    """Say it once: a run reads the columns several times."""
    _logger.warning(text)


def _holds_text(field: Field) -> bool:
    return field.type == "token_seq" or (field.type == "token" and field.name.lower().split("_")[-1] in TEXT_NAMES)
