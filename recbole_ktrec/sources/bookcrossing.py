"""Book-Crossing: ratings, books and readers, semicolons and backslash-escaped quotes in latin-1 (or a comma CSV).

Format: http://www2.informatik.uni-freiburg.de/~cziegler/BX/ . A rating of 0 is implicit: the reader has the book.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, rating, text, user_id

#: A semicolon parts cells only between two of them: "..." or NULL.
_PART = re.compile(r'(?<=["L]);(?="|NULL)')


def split(line: str) -> list[str] | None:
    r"""Take one line apart; a title that swallowed its author, as ``"Title\";Author\"";"2000"``, gives it back."""
    cells = []
    for cell in _PART.split(line.strip()):
        if cell == "NULL":
            cells.append("")
        elif len(cell) >= 2 and cell[0] == cell[-1] == '"':
            cells.append(cell[1:-1])
        else:
            return None
    if len(cells) == 7 and '\\";' in cells[1]:
        title, _, author = cells[1].partition('\\";')
        cells[1:2] = [title, author]
    return [cell.replace('\\"', '"').replace("\\\\", "\\").strip('"' if cell.count('"') == 1 else "") for cell in cells]


_OLD = Dialect(";", encodings=("utf-8", "latin-1"), split=split)
_NEW = Dialect(",", encodings=("utf-8", "latin-1"))


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    ratings = inputs.find("ratings", "*ratings*.csv")
    columns = [user_id(), item_id(), rating(unrated=0.0)]
    tables = [Table("inter", columns, _reader(inputs, ratings, ["User-ID", "ISBN", "Book-Rating"]))]
    if books := inputs.find("books", "*books*.csv", required=False):
        names = ["ISBN", "Book-Title", "Book-Author", "Year-Of-Publication", "Publisher"]
        shown = [item_id(), text("title"), text("author"), Column("year", parse=_year), text("publisher")]
        tables.append(Table("item", shown, _reader(inputs, books, names)))
    if users := inputs.find("users", "*users*.csv", required=False):
        shown = [user_id(), text("location"), Column("age", "float")]
        tables.append(Table("user", shown, _reader(inputs, users, ["User-ID", "Location", "Age"])))
    return tables


def _reader(inputs: Inputs, members: Sequence[Member], names: list[str]) -> Callable[[Ledger], Iterator[Batch]]:
    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            old = b";" in inputs.head(member, 1 << 12).split(b"\n")[0]
            yield from batches(inputs, member, names, ledger, _OLD if old else _NEW)

    return read


def _year(value: object) -> str:
    return "" if value in ("0", 0) else str(value)


BOOKCROSSING = Source(
    title="Book-Crossing",
    domain="books",
    files="BX-Book-Ratings.csv BX-Books.csv BX-Users.csv | Ratings.csv Books.csv Users.csv",
    url="https://grouplens.org/datasets/book-crossing/",
    tables=_tables,
    text_fields=("title", "author", "publisher"),
    scale=(1.0, 10.0),
)
