"""Steam as UCSD publishes it: reviews (version 2, or the Australian users of version 1) and games, Python literals.

Format: https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data . Version 2 names the reviewer in ``username``;
version 1 holds one user a line with a list of reviews, each with ``recommend``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.jsonlines import batches, usual_keys
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, text, timestamp, unfolded, user_id
from recbole_ktrec.sources.values import date, price


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    reviews = inputs.find("reviews", "*review*.json", "steam_new.json")
    games = inputs.find("games", "steam_games*.json", required=False)
    old = [member for member in reviews if "reviews" in usual_keys(inputs, member, literal=True)]
    if len(old) not in (0, len(reviews)):
        new = next(member for member in reviews if member not in old)
        raise DataError(
            f"[{old[0].name}] is of version 1 (a user a line), [{new.name}] of version 2 (a review a line): "
            "name one with --file reviews=PATH."
        )
    tables = [(_nested if old else _reviews)(inputs, reviews, bool(options["reviews"]))]
    return [*tables, _games(inputs, games)] if games else tables


def _reviews(inputs: Inputs, members: list[Member], with_text: bool) -> Table:
    keys = ["username", "product_id", "hours", "date", *(["text"] if with_text else [])]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            yield from batches(inputs, member, keys, ledger, literal=True)

    columns = [user_id(), item_id(), Column("hours", "float"), timestamp(date())]
    return Table("inter", [*columns, text("review")] if with_text else columns, read)


def _nested(inputs: Inputs, members: list[Member], with_text: bool) -> Table:
    keys = ["item_id", "recommend", *(["review"] if with_text else [])]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            for batch in batches(inputs, member, ["user_id", "reviews"], ledger, literal=True):
                rows: list[list[object]] = []
                lines: list[int] = []
                for (user, reviews), line in batch.rows():
                    for each in reviews if isinstance(reviews, list) else [None]:
                        rows.append([user, *(each.get(key) if isinstance(each, dict) else None for key in keys)])
                        lines.append(line)
                columns = [[row[at] for row in rows] for at in range(len(keys) + 1)]
                yield unfolded(ledger, batch, columns, lines)

    shown = [user_id(), item_id(), Column("recommend", "float")]
    return Table("inter", [*shown, text("review")] if with_text else shown, read)


def _games(inputs: Inputs, members: list[Member]) -> Table:
    keys = ["id", "app_name", "title", "genres", "tags", "specs", "developer", "publisher", "price"]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            for batch in batches(inputs, member, keys, ledger, literal=True):
                ids, name, title, *rest = batch.columns
                named = [second or first for first, second in zip(name, title, strict=True)]
                yield Batch([ids, named, *rest], batch.file, batch.lines)

    columns = [
        item_id(), text("title"), text("genres", join=", "), text("tags", join=", "), text("specs", join=", "),
        text("developer"), text("publisher"), Column("price", "float", _price),
    ]  # fmt: skip
    return Table("item", columns, read)


def _price(value: object) -> float | None:
    return 0.0 if "free" in str(value).lower() else price(value)


STEAM = Source(
    title="Steam reviews and games (UCSD)",
    domain="games",
    files="steam_reviews.json.gz (or australian_user_reviews.json.gz) steam_games.json.gz",
    url="https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data",
    tables=_tables,
    text_fields=("title", "genres", "tags", "developer"),
    since=1_063_324_800.0,  # 12 September 2003: Steam opens
    options={"reviews": (False, "write each review's text into the .inter file, too")},
)
