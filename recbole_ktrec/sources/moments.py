"""How the times of a column are written: as Unix times, ISO dates or digits alone, or in a form that is asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources.ledger import EARLY
from recbole_ktrec.sources.tables import TIME
from recbole_ktrec.sources.values import NO_NUMBER, date, flat, numbers

_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%b %d, %Y",
         "%B %d, %Y", "%m %d, %Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y/%m/%d", "%Y-%m-%d")  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %H:%M:%S %Z")
#: Forms of dates that a message offers; none is taken unasked, since 3/4 may be in March or in April. The last are of
#: web servers, mails, C and X.
FORMS = (
    *(day + clock for day in _DAYS for clock in _CLOCKS),
    *("%Y-%m", "%Y/%m", "%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S %z]", "%d/%b/%Y:%H:%M:%S"),
    *("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y"),
    "%a %b %d %H:%M:%S %z %Y",
)
#: Digits -> how dates are written without anything between.
COMPACT = {4: "%Y", 8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S", 17: "%Y%m%d%H%M%S%f"}
#: Digits -> dates that they may be, of which none is taken unasked: they may be seconds as well.
EITHER = {6: ("%y%m%d", "%Y%m", "%d%m%y", "%m%d%y"), 8: ("%d%m%Y", "%m%d%Y", "%y%m%d%H")}
#: Unit of Unix times, and what they are above in it; ten digits of seconds last until the year 2286. Nanoseconds count
#: from 1998 on: what is less counts 100 ns from the year 1 or 1601 (.NET, Windows), and is told as of the future.
_UNITS = (("ns", 9e17), ("us", 1e14), ("ms", 1e11))


def is_moment(values: Sequence[object]) -> bool:
    """Say whether these are dates or numbers that are dates; 35 beside a date may be how long something took."""
    full = [value for value in values if flat(value).strip() not in NO_NUMBER]
    found, wrong = numbers(full)
    if not full or not _few(wrong, full):
        return bool(full) and any(_few(numbers(full, date(*form))[1], full) for form in ((), *zip(FORMS)))
    middle = float(np.nanmedian(found))
    return middle > EARLY or "date" in _clock(full, middle)


def are_dates(values: Sequence[object]) -> bool:
    """Say whether these are ISO dates."""
    full = [value for value in values if flat(value).strip() not in NO_NUMBER]
    return bool(full) and len(numbers(full)[1]) == len(full) and _few(numbers(full, date())[1], full)


def time_form(values: Sequence[object], name: str, file: str) -> dict[str, Any]:
    """Return how times are written; a few cells that are otherwise are damage, and counted as such when all is read."""
    full = [value for value in values if flat(value).strip() not in NO_NUMBER]
    found, wrong = numbers(full)
    if _few(wrong, full):
        clock = _clock(full, float(np.nanmedian(found)) if len(found) else 0.0)
        return clock or _seconds(full, name, file)
    digits, wrong = wrong, numbers(full, date())[1]
    if _few(wrong, full):
        return {"date": "iso"}
    if not digits.keys() & wrong.keys():
        number, day = (full[next(iter(rows))] for rows in (wrong, digits))
        raise ConfigError(
            f"[{file}], column [{name}]: some times are numbers, such as [{number}], and some are dates, such as "
            f"[{day}]: write all of them in one form."
        )
    forms = [form for form in FORMS if _few(numbers(full, date(form))[1], full)]
    form = (forms or FORMS)[0]
    fitting = f"These fit: {', '.join(forms)}" if forms else "None that was tried fits"
    raise ConfigError(
        f"[{file}], column [{name}]: [{next(iter(wrong.values()))}] is neither a number nor an ISO date such as "
        f"2023-01-31. Say how dates are written, --column '{TIME}={name}:{form}', or in a mapping file "
        f'{TIME}: {{from: {name}, date: "{form}"}}. {fitting}.'
    )


def _clock(values: Sequence[object], middle: float) -> dict[str, Any]:
    """Return how times that are numbers are written; 20230131 is a date and no second of August 1970."""
    digits = str(int(middle))
    form = COMPACT.get(len(digits))
    years = numbers(values)[0]
    if form == "%Y" and not _few({row: None for row in np.flatnonzero(~((years >= 1900) & (years <= 2100)))}, values):
        form = None  # they count something
    if form and 1900 <= int(digits[:4]) <= 2100 and _few(numbers(values, date(form))[1], values):
        return {"date": form}
    return next(({"unit": unit} for unit, least in _UNITS if middle > least), {})


def _seconds(values: Sequence[object], name: str, file: str) -> dict[str, Any]:
    """Return that times are seconds; refuse those that are dates as well, such as 210304."""
    texts = [flat(value).strip().removesuffix(".0") for value in values]
    digits = len(texts[0]) if texts and len(set(map(len, texts))) == 1 else 0
    forms = [form for form in EITHER.get(digits, ()) if _few(_no_past(texts, form), texts)]
    if not forms:
        return {}
    stated = [f"--column '{TIME}={name}:{how}'" for how in (*forms, "s")]
    raise ConfigError(
        f"[{file}], column [{name}]: [{texts[0]}] may be a date, or seconds since 1970, which would be of that year. "
        f"Say which: {' or '.join(stated)}."
    )


def _no_past(texts: Sequence[str], form: str) -> dict[int, object]:
    """Return what is no date of this form between 1970 and now."""
    found = numbers(texts, date(form))[0]
    return dict.fromkeys(np.flatnonzero(~((found >= 0) & (found < time.time()))).tolist())


def _few(wrong: Mapping[int, object], full: Sequence[object]) -> bool:
    """Say whether what does not fit may be damage: one cell of three and more, or a tenth."""
    return len(wrong) <= max(len(full) // 10, len(full) > 2)
