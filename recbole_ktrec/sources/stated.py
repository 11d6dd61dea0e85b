"""Columns stated on the command line, ``[PART.]NAME=FROM[:HOW]``: each goes over what is mapped or guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recbole_ktrec.atomic import TYPES
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.sources.delimited import positions
from recbole_ktrec.sources.table import PARTS, UNITS
from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER

#: The parts that a column without PART may belong to: the ids are in each file, the rest is of the interactions.
SHARED = {USER: ("interactions", "users"), ITEM: ("interactions", "items")}


@dataclass(frozen=True)
class Header:
    """The columns of a file; in a nested one (JSON) ``a.b`` asks for the key ``b`` of the object ``a``.

    Attributes:
        rare: keys that few objects have: not for guessing, but there.
    """

    file: str
    names: Sequence[str]
    nested: bool = False
    rare: Sequence[str] = ()

    def column(self, name: str) -> str | None:
        """Return the column as the file spells it, None if it has none; letter case does not count."""
        top, dot, rest = name.partition(".") if self.nested else (name, "", "")
        found = next((each for each in (*self.names, *self.rare) if each.lower() == top.lower()), None)
        return None if found is None else found + dot + rest


@dataclass(frozen=True)
class Stated:
    """One ``--column``: the part (empty: wherever it fits), the output column, and what it is read from and how."""

    text: str
    part: str
    name: str
    origin: str

    @classmethod
    def of(cls, text: str) -> Stated:
        """Take ``[PART.]NAME=FROM[:HOW]`` apart."""
        left, _, origin = text.partition("=")
        part, dot, name = left.rpartition(".")
        if not origin or not name or (dot and part not in PARTS):
            raise ConfigError(f"--column {text}: write [PART.]NAME=FROM[:HOW], PART one of {', '.join(PARTS)}.")
        return cls(text, part, name, origin)

    def fits(self, part: str) -> bool:
        """Say whether the column may belong to ``part``."""
        return part in ((self.part,) if self.part else SHARED.get(self.name, ("interactions",)))

    def spec(self, header: Header) -> dict[str, Any]:
        """Return the entry of a mapping's ``columns``.

        Raises:
            DataError: the file has no such column.
            ConfigError: HOW is neither a type, nor a unit, nor a date format.
        """
        found, how = self._cut(header)
        if found is None:
            name = self.origin.partition(":")[0]
            try:
                positions([*header.names, *header.rare], [name], header.file)
            except DataError as error:
                raise DataError(f"--column {self.text}: {error}{self._elsewhere()}") from None
        return {"from": found, **self._how(how)}

    def _cut(self, header: Header) -> tuple[str | None, str]:
        """Part FROM and HOW at the colon before which a column of the file stands: both may hold colons themselves."""
        ends = [len(self.origin), *(at for at, mark in enumerate(self.origin) if mark == ":")]
        for end in ends:
            if found := header.column(self.origin[:end]):
                return found, self.origin[end + 1 :]
        return None, ""

    def _elsewhere(self) -> str:
        """Say how a column of the items is stated where one of the interactions was looked for."""
        if self.part or self.name in (USER, ITEM, RATING, TIME):
            return ""
        return f" For one of the items: items.{self.text}."

    def _how(self, how: str) -> dict[str, Any]:
        if not how:
            return {}
        if how in TYPES:
            return {"type": how}
        if how in UNITS:
            return {"unit": how}
        if how == "iso" or _is_format(how):
            return {"date": how, **({} if self.name == TIME else {"type": "float"})}
        raise ConfigError(
            f"--column {self.text}: [{how}] is neither a type ({', '.join(TYPES)}) nor a unit of time "
            f"({', '.join(UNITS)}) nor a date format (iso, %d/%m/%Y)."
        )


def _is_format(how: str) -> bool:
    try:
        return "%" in how and bool(datetime.strptime(datetime(2001, 12, 31).strftime(how), how))
    except ValueError:
        return False
