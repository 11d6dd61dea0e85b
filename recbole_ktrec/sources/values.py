"""Single values: ids, numbers, dates and nested text, each either sound or refused with a reason."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np

#: What pandas, and so RecBole, reads as "missing" in a token column (pandas._libs.parsers.STR_NA_VALUES): such an id
#: would be dropped without a word.
READ_AS_MISSING = frozenset(
    "-1.#IND 1.#QNAN 1.#IND -1.#QNAN #N/A N/A n/a NA #NA NULL null NaN -NaN nan -nan <NA> None".split()
) | {"", "#N/A N/A"}
#: What stands for an empty cell where a number is expected.
NO_NUMBER = READ_AS_MISSING | {"\\N"}
MISSING, NOT_AN_ID, RESERVED = -1, -2, -3
ID_REASONS = {MISSING: "missing {}", NOT_AN_ID: "{} is neither text nor a number", RESERVED: "{} that reads as missing"}


class Codes(dict[object, int]):
    """Raw id -> code, counted up as new ids come; a negative code says why a value is no id (:data:`ID_REASONS`).

    Attributes:
        names: code -> the id as it is written.
        aliased: whether any raw value was written differently, such as with blanks around it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.aliased = False

    def __missing__(self, raw: object) -> int:
        name = self._name(raw)
        if isinstance(name, int):
            self[raw] = name
            return name
        code = self.get(name)
        if code is None:
            code = len(self.names)
            self.names.append(name)
            self[name] = code
        if name is not raw:
            self.aliased = self.aliased or name != raw
            self[raw] = code
        return code

    @staticmethod
    def _name(raw: object) -> str | int:
        """Return the id as written, or a negative code."""
        if raw is None or raw == "":
            return MISSING
        if isinstance(raw, float) and raw.is_integer():
            raw = int(raw)
        if not isinstance(raw, (str, int)) or isinstance(raw, bool):
            return MISSING if isinstance(raw, float) and math.isnan(raw) else NOT_AN_ID
        name = " ".join(raw.split()) if isinstance(raw, str) else str(raw)
        name = name.replace("\x00", "").encode("utf-8", "replace").decode()
        if name == "":
            return MISSING
        return RESERVED if name in READ_AS_MISSING else name

    def take(self, values: Sequence[object]) -> np.ndarray:
        """Return the codes of ``values`` (int32)."""
        try:
            return np.fromiter(map(self.__getitem__, values), np.int32, len(values))
        except TypeError:  # a list or an object where an id should be
            return np.fromiter((self._careful(value) for value in values), np.int32, len(values))

    def _careful(self, value: object) -> int:
        try:
            return self[value]
        except TypeError:
            return NOT_AN_ID


def numbers(
    values: Sequence[object], parse: Callable[[object], object] | None = None
) -> tuple[np.ndarray, dict[int, object]]:
    """Turn values into float64, NaN where missing.

    Returns:
        the numbers, and {row: value} of what is neither a number nor missing.
    """
    if parse is None:
        try:
            found = np.fromiter(map(float, values), np.float64, len(values))  # type: ignore[arg-type]
            if np.isfinite(found).all():
                return found, {}
        except (TypeError, ValueError, OverflowError):
            pass
    found, wrong = np.full(len(values), np.nan), {}
    for row, value in enumerate(values):
        number = _number(value, parse)
        if number is None:
            wrong[row] = value
        else:
            found[row] = number
    return found, wrong


def _number(value: object, parse: Callable[[object], object] | None) -> float | None:
    """Return a number, NaN for missing, None for nonsense."""
    if value is None or (isinstance(value, str) and value.strip() in NO_NUMBER):
        return math.nan
    if isinstance(value, float) and math.isnan(value):
        return math.nan
    try:
        value = value if parse is None else parse(value)
        if value is None:
            return math.nan
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError):
        return None
    return number if math.isfinite(number) else None


def written(found: np.ndarray) -> list[str]:
    """Return numbers as they are written: the shortest form that reads back equal, whole ones without ``.0``."""
    cells = [cell[:-2] if cell.endswith(".0") else cell for cell in map(repr, found.tolist())]
    if np.isnan(found).any():
        cells = ["" if cell == "nan" else cell for cell in cells]
    return cells


def flat(value: object, join: str = " ") -> str:
    """Return any JSON value as text: entries of a list joined and doubled ones left out, ``key: value`` for objects."""
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict):
        parts = [f"{key}: {flat(each, ', ')}" for key, each in value.items() if each not in (None, "", [], {})]
        return "; ".join(parts)
    if isinstance(value, (list, tuple, set)):
        return join.join(dict.fromkeys(part for part in (flat(each, join) for each in value) if part.strip()))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def date(*forms: str) -> Callable[[object], float]:
    """Return a parser of dates: value -> Unix time; a date without a zone counts as UTC.

    Args:
        forms: ``strptime`` formats, tried in turn; none: ISO 8601.
    """

    @functools.lru_cache(maxsize=1 << 16)
    def parse(value: str) -> float:
        for form in forms or ("",):
            try:
                when = datetime.strptime(value, form) if form else datetime.fromisoformat(value.replace("Z", "+00:00"))
            except ValueError:
                continue
            return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
        raise ValueError(f"[{value}] is not a date")

    def of_any(value: object) -> float:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
        return parse(str(value).strip())

    return of_any


def price(value: object) -> float | None:
    """Return ``$1,299.99`` as 1299.99; a range such as ``$5 - $9`` or page code is a ValueError."""
    if isinstance(value, str):
        value = value.strip().lstrip("$€£").replace(",", "")
        if value in ("", "—", "-"):
            return None
    return float(value)  # type: ignore[arg-type]
