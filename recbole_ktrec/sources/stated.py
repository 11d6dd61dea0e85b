"""Columns stated on the command line, ``[PART.]NAME=FROM[:HOW]``: each goes over what is mapped or guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from recbole_ktrec.atomic import TYPES
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.sources.delimited import positions
from recbole_ktrec.sources.table import UNITS
from recbole_ktrec.sources.tables import ITEM, PARTS, RATING, TIME, USER

#: The parts that a column without PART may belong to: the ids are in each file, the rest is of the interactions.
SHARED = {USER: ("interactions", "users"), ITEM: ("interactions", "items")}
#: HOW of numbers with a decimal comma.
COMMA = "comma"
#: HOW of ids and codes that are whole numbers, whatever is written after their point.
WHOLE = "whole"


@dataclass(frozen=True)
class Header:
    """The columns of a file; in a nested one (JSON) ``a.b`` asks for the key ``b`` of the object ``a``.

    Attributes:
        rare: keys that few objects have, and those of objects within: not for guessing, but there.
        later: says whether a key comes further down in the file, None where all columns are known.
    """

    file: str
    names: Sequence[str]
    rare: Sequence[str] = ()
    later: Callable[[str], bool] | None = None

    @property
    def all(self) -> list[str]:
        """All that is known to be there."""
        return list(dict.fromkeys([*self.names, *self.rare]))

    def column(self, name: str) -> str | None:
        """Return the column as the file spells it, None if it has none; letter case counts only between two."""
        known = self.all
        return name if name in known else next((each for each in known if each.lower() == name.lower()), None)


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
            ConfigError: HOW is neither a type, nor a unit, nor a date format, nor ``comma``, nor ``whole``.
        """
        found, how = self._cut(header)
        if found is None:
            name = self.origin.partition(":")[0]
            try:
                positions(header.all, [name], header.file)
            except DataError as error:
                raise DataError(f"--column {self.text}: {error}{self._elsewhere()}") from None
        return {"from": found, **self._how(how)}

    def _cut(self, header: Header) -> tuple[str | None, str]:
        """Part FROM and HOW at the colon before which a column of the file stands: both may hold colons themselves."""
        ends = [len(self.origin), *(at for at, mark in enumerate(self.origin) if mark == ":")]
        cuts = sorted(
            ((self.origin[:end], self.origin[end + 1 :]) for end in ends), key=lambda cut: not _is_how(cut[1])
        )
        for name, how in cuts:
            if found := header.column(name):
                return found, how
        if header.later is not None:
            for name, how in cuts:
                if header.later(name):
                    return name, how
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
        if how == COMMA:
            return {"type": "float", "decimal": ","}
        if how == WHOLE:
            return {"whole": True} if self.name in (USER, ITEM) else {"type": "token", "whole": True}
        if how == "iso" or _is_format(how):
            return {"date": how, **({} if self.name == TIME else {"type": "float"})}
        raise ConfigError(
            f"--column {self.text}: [{how}] is neither a type ({', '.join(TYPES)}) nor a unit of time "
            f"({', '.join(UNITS)}) nor {COMMA} (numbers such as 4,5) nor {WHOLE} (ids such as 7.0) "
            "nor a date format (iso, %d/%m/%Y)."
        )


def _is_how(how: str) -> bool:
    return not how or how in TYPES or how in UNITS or how in ("iso", COMMA, WHOLE) or _is_format(how)


def _is_format(how: str) -> bool:
    when = datetime(2001, 12, 31, tzinfo=timezone.utc)  # %z is nothing without a zone
    try:
        return "%" in how and bool(datetime.strptime(when.strftime(how), how))
    except ValueError:
        return False
