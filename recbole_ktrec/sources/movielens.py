"""MovieLens: 100k (``u.data``), 1M and 10M (``.dat``), latest, 20M, 25M and 32M (CSV), with tags where they exist.

Format: the README of each release at https://files.grouplens.org/datasets/movielens/ .
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, rating, text, timestamp, user_id

_GENRES_100K = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical "
    "Mystery Romance Sci-Fi Thriller War Western"
).split()
_YEAR = re.compile(r"\s*\((\d{4})(?:[-–]\s*\d{0,4}\s*)?\)\s*$")
_TABS = Dialect("\t", header=False, quoted=False, width=4)
_PIPES = Dialect("|", header=False, quoted=False, encodings=("latin-1",), width=5)
_COLONS = Dialect("::", header=False, quoted=False, encodings=("utf-8", "latin-1"), width=4)
_CSV = Dialect(",")
_INTER = (user_id(), item_id(), rating(), timestamp())


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    found = inputs.one("ratings", "ratings.csv", "ratings.dat", "u.data")
    csv, old = ".csv" in found[0].base, found[0].base.startswith("u.")
    dialect = _CSV if csv else _TABS if old else _COLONS
    columns: list[str | int | None] = ["userId", "movieId", "rating", "timestamp"] if csv else [0, 1, 2, 3]

    def interactions(ledger: Ledger) -> Iterator[Batch]:
        for member in found:
            yield from batches(inputs, member, columns, ledger, dialect)

    if old:
        return [
            Table("inter", _INTER, interactions),
            *_items_100k(inputs),
            *_users(inputs, "u.user", _PIPES, (1, 2, 3, 4)),
        ]
    return [
        Table("inter", _INTER, interactions),
        *_movies(inputs, csv, int(str(options["tags"]))),
        *([] if csv else _users(inputs, "users.dat", replace(_COLONS, width=5), (2, 1, 3, 4))),
    ]


def _movies(inputs: Inputs, csv: bool, tags: int) -> list[Table]:
    found = inputs.one("movies", "movies.csv" if csv else "movies.dat", required=False)
    given = inputs.one("tags", "tags.csv" if csv else "tags.dat", required=False) if tags else []
    named: list[str | int | None] = ["movieId", "title", "title", "genres"] if csv else [0, 1, 1, 2]

    def read(ledger: Ledger) -> Iterator[Batch]:
        words = _tags(inputs, csv, tags, ledger) if given else {}
        for member in found:
            for batch in batches(inputs, member, named, ledger, _CSV if csv else replace(_COLONS, width=3)):
                if given:
                    batch.columns = [*batch.columns, [words.get(str(item), "") for item in batch.columns[0]]]
                yield batch

    columns = [item_id(), text("movie_title", _title), Column("release_year", parse=_year), text("genre", _genres)]
    return [Table("item", [*columns, text("tags")] if given else columns, read)] if found else []


def _tags(inputs: Inputs, csv: bool, most: int, ledger: Ledger) -> dict[str, str]:
    """Return for each movie the tags that most users gave it; tags are counted apart from the movies' rows."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    aside = Ledger("tags", ledger.strict)
    columns: list[str | int | None] = ["movieId", "tag"] if csv else [1, 2]
    for member in inputs.one("tags", "tags.csv" if csv else "tags.dat"):
        for batch in batches(inputs, member, columns, aside, _CSV if csv else _COLONS):
            for item, tag in zip(*batch.columns, strict=True):
                counts[str(item)][str(tag).strip().lower()] += 1
    ledger.changed["tag rows read"] += aside.rows_in
    ledger.changed["damaged tag rows, left out"] += sum(aside.dropped.values())
    return {item: ", ".join(tag for tag, _ in found.most_common(most)) for item, found in counts.items()}


def _items_100k(inputs: Inputs) -> list[Table]:
    found = inputs.one("movies", "u.item", required=False)

    def read(ledger: Ledger) -> Iterator[Batch]:
        wanted: list[str | int | None] = [0, 1, 1, *range(5, 24)]
        for member in found:
            for batch in batches(inputs, member, wanted, ledger, replace(_PIPES, width=24)):
                flags = zip(*batch.columns[3:], strict=True)
                genres = [", ".join(g for g, on in zip(_GENRES_100K, row, strict=True) if on == "1") for row in flags]
                yield Batch([*batch.columns[:3], genres], batch.file, batch.lines)

    columns = [item_id(), text("movie_title", _title), Column("release_year", parse=_year), text("genre")]
    return [Table("item", columns, read)] if found else []


def _users(inputs: Inputs, name: str, dialect: Dialect, order: tuple[int, ...]) -> list[Table]:
    found = inputs.one("users", name, required=False)

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in found:
            yield from batches(inputs, member, [0, *order], ledger, dialect)

    columns = [user_id(), Column("age"), Column("gender"), Column("occupation"), Column("zip_code")]
    return [Table("user", columns, read)] if found else []


def _title(value: object) -> str:
    return _YEAR.sub("", str(value))


def _year(value: object) -> str:
    found = _YEAR.search(str(value))
    return found.group(1) if found else ""


def _genres(value: object) -> str:
    return "" if value == "(no genres listed)" else str(value).replace("|", ", ")


MOVIELENS = Source(
    title="MovieLens 100k, 1M, 10M, 20M, 25M, 32M, latest",
    domain="movies",
    files="u.data u.item u.user | ratings.dat movies.dat users.dat tags.dat | ratings.csv movies.csv tags.csv",
    url="https://grouplens.org/datasets/movielens/",
    tables=_tables,
    text_fields=("movie_title", "genre", "tags"),
    scale=(0.5, 5.0),
    since=789_652_004.0,  # the oldest rating of ml-32m: 9 January 1995
    options={"tags": (10, "most frequent tags of a movie to take as text (0: none)")},
)
