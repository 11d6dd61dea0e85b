"""Goodreads as UCSD publishes it: interactions (or reviews), books, and optionally authors and genres, JSON lines.

Format: https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html . A rating of 0 means that there is none.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Sequence

from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.jsonlines import batches
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, rating, text, timestamp, user_id

_MONTHS = {month: number for number, month in enumerate(calendar.month_abbr) if month}


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    # Reviews of the release that marks spoilers come with other keys.
    names = ("goodreads_interactions*.json", "goodreads_reviews*.json")
    found = inputs.find("interactions", *names, exclude="goodreads_reviews_spoiler*")
    books = inputs.find("books", "goodreads_books*.json", required=False)
    with_text = bool(options["reviews"])
    columns = [user_id(), item_id(), rating(unrated=0.0), timestamp(_added)]
    keys = ["user_id", "book_id", "rating", "date_added"]
    if with_text:
        columns.append(text("review"))
        keys.append("review_text" if "review" in found[0].base else "review_text_incomplete")

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in found:
            yield from batches(inputs, member, keys, ledger)

    return [Table("inter", columns, read), *([_books(inputs, books)] if books else [])]


def _books(inputs: Inputs, books: list[Member]) -> Table:
    authors = inputs.find("authors", "goodreads_book_authors*.json", required=False)
    genres = inputs.find("genres", "goodreads_book_genres*.json", required=False)
    keys = ["book_id", "title", "description", "authors", "popular_shelves", "publication_year", "publisher"]

    def read(ledger: Ledger) -> Iterator[Batch]:
        names = _lookup(inputs, authors, ("author_id", "name"), str)
        kinds = _lookup(inputs, genres, ("book_id", "genres"), _kinds)
        for member in books:
            for batch in batches(inputs, member, keys, ledger):
                ids, title, story, who, shelves, year, publisher = batch.columns
                by = [_by(each, names) for each in who]
                what = [kinds.get(str(book)) or _shelved(each) for book, each in zip(ids, shelves, strict=True)]
                yield Batch([ids, title, by, what, year, publisher, story], batch.file, batch.lines)

    columns = [
        item_id(), text("title"), text("authors"), text("genres"), Column("publication_year"), text("publisher"),
        text("description"),
    ]  # fmt: skip
    return Table("item", columns, read)


def _lookup(
    inputs: Inputs, members: Sequence[Member], keys: tuple[str, str], value: Callable[[object], str]
) -> dict[str, str]:
    """Read a side file into a table; damaged lines of it cost a name, not a book."""
    found: dict[str, str] = {}
    for member in members:
        for batch in batches(inputs, member, keys, Ledger("side file")):
            found.update((str(key), value(each)) for key, each in zip(*batch.columns, strict=True) if each)
    return found


def _kinds(value: object) -> str:
    return ", ".join(value) if isinstance(value, dict) else ""


def _by(value: object, names: dict[str, str]) -> str:
    ids = [str(each.get("author_id")) for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return ", ".join(names[each] for each in ids if each in names)


def _shelved(value: object) -> str:
    """Return the five commonest shelves that name a kind of book, where the genre file is not there."""
    names = [str(each.get("name")) for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return ", ".join([name for name in names if not name.startswith(("to-read", "currently", "own", "fav"))][:5])


def _added(value: object) -> float | None:
    """Parse ``Sun Jul 30 07:44:10 -0700 2017`` (ten times as fast as ``strptime``: there are 200 million)."""
    _, month, day, clock, zone, year = str(value).split()
    hours, minutes, seconds = clock.split(":")
    shift = (int(zone[1:3]) * 60 + int(zone[3:5])) * (-60 if zone[0] == "-" else 60)
    utc = calendar.timegm((int(year), _MONTHS[month], int(day), int(hours), int(minutes), int(seconds)))
    return float(utc - shift)


GOODREADS = Source(
    title="Goodreads (UCSD)",
    domain="books",
    files="goodreads_interactions_X.json.gz (or goodreads_reviews_X) goodreads_books_X.json.gz "
    "[goodreads_book_authors.json.gz goodreads_book_genres_initial.json.gz]",
    url="https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html",
    tables=_tables,
    text_fields=("title", "authors", "genres", "description"),
    scale=(1.0, 5.0),
    since=1_164_931_200.0,  # December 2006: Goodreads is founded
    options={"reviews": (False, "write each review's text into the .inter file, too")},
)
