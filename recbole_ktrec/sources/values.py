"""Single values: ids, numbers, dates and nested text, each either sound or refused with a reason."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from decimal import Decimal

import numpy as np

#: What pandas, and so RecBole, reads as "missing" in a token column (pandas._libs.parsers.STR_NA_VALUES): such an id
#: would be dropped without a word.
READ_AS_MISSING = frozenset(
    "-1.#IND 1.#QNAN 1.#IND -1.#QNAN #N/A N/A n/a NA #NA NULL null NaN -NaN nan -nan <NA> None".split()
) | {"", "#N/A N/A"}
#: What stands for an empty cell where a number is expected.
NO_NUMBER = READ_AS_MISSING | {"\\N"}
#: A number with a decimal comma whose points part thousands.
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")
#: Dates without a clock: their form, what they look like, and what makes them their last day.
_BARE = (
    ("%Y", re.compile(r"\d{4}"), "1231"),
    ("%Y%m%d", re.compile(r"\d{8}"), ""),
    ("%Y-%m-%d", re.compile(r"\d{4}-\d\d-\d\d"), ""),
)
DAY = 86_400.0
#: Less than any clock of events tells apart.
_TICK = 1e-6
#: What %Z may stand for.
_UTC = re.compile(r"\b(UTC|GMT)\b", re.IGNORECASE)
_CODE = re.compile(r"\d+[eE]\d+|\+\d{7,}")
#: A long number as workbooks and pandas write it.
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+\d\d")
#: A comma in an amount that parts no thousands.
_NO_GROUP = re.compile(r",(?!\d{3}(?:\D|$))")
MISSING, NOT_AN_ID, RESERVED = "missing {}", "{} is neither text nor a number", "{} that reads as missing"


def ids(values: Sequence[object]) -> tuple[Sequence[str], dict[int, str]]:
    """Turn values into ids as they are written: text without stray blanks, or whole numbers.

    Returns:
        the ids, and {row: reason with a place for the column's name} of what is no id.
    """
    try:
        whole = "".join(values)  # type: ignore[arg-type]
        if whole.isascii() and whole.isprintable() and " " not in whole and READ_AS_MISSING.isdisjoint(values):
            return values, {}  # type: ignore[return-value]
    except TypeError:  # not all are text
        pass
    found, wrong = [], {}
    for row, value in enumerate(values):
        name = _id(value)
        if name in READ_AS_MISSING:
            wrong[row] = NOT_AN_ID if name == "<NA>" else RESERVED if name else MISSING
        found.append(name)
    return found, wrong


def _id(value: object) -> str:
    """Return an id as written, an empty string for none, ``<NA>`` for what cannot be one."""
    if isinstance(value, str):
        return " ".join(value.replace("\x00", "").split()).encode("utf-8", "replace").decode()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "<NA>"


def rounded(values: Sequence[object], names: Sequence[str]) -> list[int]:
    """Return the rows whose id lost digits before: ``4.00638E+12``, or a float so large that it skips whole numbers.

    Args:
        values: as read.
        names: as :func:`ids` returns them.
    """
    found = []
    if names is not values:  # not all are text
        found = [row for row, each in enumerate(values) if isinstance(each, float) and 2**53 <= abs(each) < math.inf]
    whole = "".join(names)  # looked through as a whole, which costs next to nothing
    if "E+" in whole or "e+" in whole:
        found += [row for row, name in enumerate(names) if _ROUNDED.fullmatch(name)]
    return found


def hashes(texts: Sequence[str]) -> np.ndarray:
    """Return the 64-bit hashes of texts (int64); among n ids two share one with a chance of n^2 / 2^65."""
    return np.fromiter(map(hash, texts), np.int64, len(texts))


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
            if np.isfinite(found).all() and not any(map(_grouped, values)):
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


def _grouped(value: object) -> bool:
    """Say whether it is text such as ``1_000``: a number for Python, none in any dump."""
    return isinstance(value, str) and "_" in value


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
        if _grouped(value):
            return None
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError):
        return None
    return number if math.isfinite(number) else None


def whole_number(value: object) -> object:
    """Return ``1430.0`` as ``1430``, as pandas writes whole numbers where some were missing; all else as it is."""
    if not isinstance(value, str):
        return value
    whole, point, rest = value.strip().partition(".")
    return whole if point and rest and not rest.strip("0") and whole.removeprefix("-").isdecimal() else value


def is_code(text: str) -> bool:
    """Say whether a number would lose what it is written with: a postcode such as 01067, a code such as 007 or 12E3
    (no program writes 12000 so), a telephone number such as +4930123456, one of more digits than a float64 holds."""
    digits = text.isdigit() and ((len(text) > 1 and text[0] == "0") or len(text) > 15)
    return digits or bool(_CODE.fullmatch(text))


def written(found: np.ndarray) -> list[str]:
    """Return numbers as they are written: the shortest form that reads back equal, whole ones without ``.0``."""
    if (found == np.floor(found)).all() and (np.abs(found) < 2**53).all():
        return list(map(str, found.astype(np.int64).tolist()))
    cells = [cell[:-2] if cell.endswith(".0") else cell for cell in map(repr, found.tolist())]
    if np.isnan(found).any():
        cells = ["" if cell == "nan" else cell for cell in cells]
    return cells


def flat(value: object, join: str = " ") -> str:
    """Return any JSON value as text: entries of a list joined and doubled ones left out, ``key: value`` for objects."""
    if type(value) is list:
        if len(value) == 1 and type(value[0]) is str:
            return value[0]
        try:
            return join.join(filter(str.strip, dict.fromkeys(value)))
        except TypeError:  # not all are text
            pass
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, dict):
        parts = [f"{key}: {flat(each, ', ')}" for key, each in value.items() if each not in (None, "", [], {})]
        return "; ".join(parts)
    if isinstance(value, (list, tuple, set)):
        return join.join(dict.fromkeys(part for part in _leaves(value, join) if part.strip()))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def float_list(value: object) -> str | None:
    """Return a list of numbers, or text such as ``[0.5, 1]``, as RecBole reads it, ``0.5 1``; None for all else."""
    entries = value.strip().strip("[]()").replace(",", " ").split() if isinstance(value, str) else value
    if entries is None or (isinstance(entries, float) and math.isnan(entries)):
        return ""
    try:
        return " ".join(written(np.array([float(each) for each in entries])))  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None


def _leaves(value: object, join: str) -> Iterator[str]:
    if isinstance(value, (list, tuple, set)):
        for each in value:
            yield from _leaves(each, join)
    else:
        yield flat(value, join)


def _iso(value: str) -> datetime:
    """Return an ISO date; a clock may end in Z, as ISO 8601 has it, or in UTC, as BigQuery and Ruby write it."""
    return datetime.fromisoformat(value.replace(" UTC" if value[-1:] == "C" else "Z", "+00:00"))


def date(*forms: str) -> Callable[[object], float]:
    """Return a parser of dates: value -> Unix time; a date without a zone counts as UTC.

    Args:
        forms: ``strptime`` formats, tried in turn; none, or an empty one: ISO 8601. With %Z nothing but UTC and GMT is
            a date: Python reads the zone of the machine, too, and heeds none.
    """

    @functools.lru_cache(maxsize=1 << 16)
    def parse(value: str) -> float:
        for form in forms or ("",):
            if "%Z" in form and not _UTC.search(value):
                continue
            try:
                when = datetime.strptime(value, form) if form else _iso(value)
            except ValueError:
                continue
            return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
        raise ValueError(f"[{value}] is not a date")

    def of_any(value: object) -> float:
        if isinstance(value, datetime):
            return (value if value.tzinfo else value.replace(tzinfo=timezone.utc)).timestamp()
        text = str(value).strip()
        whole = text.removesuffix(".0")  # pandas writes whole numbers so where some are missing
        return parse(whole if whole.isdigit() else text)

    return of_any


def price(value: object) -> float | None:
    """Return ``$1,299.99`` as 1299.99; a range such as ``$5 - $9``, ``2,55`` or page code is a ValueError."""
    if isinstance(value, str):
        if _NO_GROUP.search(value):
            raise ValueError(f"[{value}] has a comma that parts no thousands")
        value = value.strip().lstrip("$€£").replace(",", "")
        if value in ("", "—", "-"):
            return None
    return float(value)  # type: ignore[arg-type]


def decimal_comma(value: object) -> float | None:
    """Return ``1.299,50 €`` as 1299.5; ``4.5``, whose point parts no thousands, is a ValueError."""
    if not isinstance(value, str):
        return price(value)
    text = value.strip().strip("$€£ \u00a0")
    if text in ("", "—", "-"):
        return None
    if "." in text and not _THOUSANDS.fullmatch(text):
        raise ValueError(f"[{value}] has a point that parts no thousands")
    return float(text.replace(".", "").replace(",", "."))


def moment(value: object, end: bool = False) -> float:
    """Return the Unix time of what people write: an ISO date, 20140131, a year, or a Unix time.

    Args:
        end: of a day or year without a clock, return the end.

    Raises:
        ValueError: it is none of these.
    """
    text = str(value).strip()
    for form, day, last in _BARE:
        if day.fullmatch(text):
            try:
                return date("%Y%m%d")(text.replace("-", "") + last) + DAY - _TICK if end else date(form)(text)
            except ValueError:  # eight digits may be a Unix time of 1970
                break
    return float(text) if text.replace(".", "", 1).isdigit() and len(text) > 4 else date()(text)
