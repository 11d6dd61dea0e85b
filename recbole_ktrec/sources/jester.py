"""Jester: a matrix of ratings (one row a reader, one column a joke, 99 for none) and the texts of the jokes.

Format: https://eigentaste.berkeley.edu/dataset/ . The matrices come as ``.xls`` (extra ``excel``) or saved as CSV, the
first column counts the reader's ratings; data set 2 has ``jester_ratings.dat`` with a row a rating instead. The jokes
are one ``init<number>.html`` each, or ``jester_items.dat``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import delimited, frames
from recbole_ktrec.sources.delimited import Dialect
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.reading import decode
from recbole_ktrec.sources.tables import Batch, Source, Table, item_id, rating, text, unfolded, user_id
from recbole_ktrec.sources.values import numbers

NONE = 99.0
_BODY = re.compile(r"<!--\s*begin of joke\s*-->(.*?)<!--\s*end of joke\s*-->", re.S | re.I)
_NUMBER = re.compile(r"(\d+)\.html?$")
_LATIN = ("utf-8", "latin-1")


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    found = inputs.find("ratings", "jester_ratings*.dat", "jester*data*.xls*", "jester*data*.csv", "*jester*.csv")
    _check_names(found)
    pages = inputs.find("jokes", "init*.htm*", "jester_items*.dat", required=False)
    long = "ratings" in found[0].base and ".dat" in found[0].base

    def read(ledger: Ledger) -> Iterator[Batch]:
        for place, member in enumerate(found, 1):
            for batch in _long(inputs, member, ledger) if long else _wide(inputs, member, ledger):
                yield batch if long else _unfold(ledger, batch, f"{place}-" if len(found) > 1 else "")

    def jokes(ledger: Ledger) -> Iterator[Batch]:
        for member in pages:
            with inputs.stream(member) as stream:
                lines, _ = decode(stream.read(), 1, _LATIN)
            yield _joke(member, "\n".join(lines), ledger) if "init" in member.base else _list(member, lines, ledger)

    tables = [Table("inter", [user_id(), item_id(), rating()], read)]
    return [*tables, Table("item", [item_id(), text("joke")], jokes)] if pages else tables


def _check_names(found: Sequence[Member]) -> None:
    """Refuse a matrix that lies there twice, unpacked and in its archive, say: its readers would count as others.

    Raises:
        DataError: two files have one name; the message names both.
    """
    first: dict[str, Member] = {}
    for member in found:
        if (other := first.setdefault(member.base, member)) is not member:
            raise DataError(f"[{other.name}] and [{member.name}] have one name: leave one, or say --file ratings=PATH.")


def _long(inputs: Inputs, member: Member, ledger: Ledger) -> Iterator[Batch]:
    dialect = Dialect("\t", header=False, quoted=False, width=3, split=str.split)
    return delimited.batches(inputs, member, [0, 1, 2], ledger, dialect)


def _wide(inputs: Inputs, member: Member, ledger: Ledger) -> Iterator[Batch]:
    """Yield the matrix, its first column included."""
    if frames.ending(member):
        yield from frames.batches(inputs, member, None, ledger, header=False)
        return
    lines = inputs.head(member, 1 << 16).decode("latin-1").split("\n")
    mark = max(",;\t", key=lambda each: sum(line.count(each) for line in lines))
    width = Counter(line.count(mark) + 1 for line in lines if line.strip()).most_common(1)[0][0]
    yield from delimited.batches(
        inputs, member, list(range(width)), ledger, Dialect(mark, header=False, quoted=False, width=width)
    )


def _unfold(ledger: Ledger, batch: Batch, prefix: str) -> Batch:
    """Turn a matrix into rows; a reader is called by file and line, a joke by its column."""
    users: list[str] = []
    items: list[str] = []
    values: list[object] = []
    lines: list[int] = []
    parsed = [numbers(column) for column in batch.columns[1:]]
    for row, line in enumerate(batch.lines):
        for joke, (found, wrong) in enumerate(parsed, 1):
            if row in wrong or not (found[row] == NONE or found[row] != found[row]):
                users.append(f"{prefix}{line}")
                items.append(str(joke))
                values.append(wrong.get(row, float(found[row])))
                lines.append(line)
    return unfolded(ledger, batch, [users, items, values], lines)


def _joke(member: Member, page: str, ledger: Ledger) -> Batch:
    number, body = _NUMBER.search(member.base), _BODY.search(page)
    ledger.rows_in += 1
    return Batch([[number.group(1) if number else None], [body.group(1) if body else page]], member.name, [1])


def _list(member: Member, lines: Sequence[str], ledger: Ledger) -> Batch:
    """Read ``jester_items.dat``: a line ``12:``, then the joke as HTML up to the next such line."""
    ids: list[str] = []
    jokes: list[str] = []
    numbers_: list[int] = []
    for number, line in enumerate(lines, 1):
        if re.fullmatch(r"\d+:\s*", line):
            ids.append(line.strip(" :\r"))
            jokes.append("")
            numbers_.append(number)
        elif jokes:
            jokes[-1] += line + "\n"
        elif line.strip():
            ledger.damaged("text before the first joke's number", member.name, number)
    ledger.rows_in += len(ids)
    return Batch([ids, jokes], member.name, numbers_)


JESTER = Source(
    title="Jester jokes (ratings matrix or list)",
    domain="jokes",
    files="jester-data-1.xls (or saved as .csv) init1.html ... init100.html | jester_ratings.dat jester_items.dat",
    url="https://eigentaste.berkeley.edu/dataset/",
    tables=_tables,
    text_fields=("joke",),
    scale=(-10.0, 10.0),
)
