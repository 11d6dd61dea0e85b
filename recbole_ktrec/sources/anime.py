"""MyAnimeList ratings as published on Kaggle: ``rating.csv`` and ``anime.csv``.

Format: https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database . A rating of -1 means watched, but
not rated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, rating, text, user_id

_CSV = Dialect(",")


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    ratings = inputs.find("ratings", "rating*.csv")
    animes = inputs.find("anime", "anime*.csv", required=False)
    names = ["anime_id", "name", "genre", "type", "episodes", "rating", "members"]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in ratings:
            yield from batches(inputs, member, ["user_id", "anime_id", "rating"], ledger, _CSV)

    def described(ledger: Ledger) -> Iterator[Batch]:
        for member in animes:
            yield from batches(inputs, member, names, ledger, _CSV)

    columns = [
        item_id(), text("name"), text("genre"), text("type"), Column("episodes", "float"),
        Column("mean_rating", "float"), Column("members", "float"),
    ]  # fmt: skip
    tables = [Table("inter", [user_id(), item_id(), rating(unrated=-1.0)], read)]
    return [*tables, Table("item", columns, described)] if animes else tables


ANIME = Source(
    title="MyAnimeList ratings",
    domain="video",
    files="rating.csv anime.csv",
    url="https://www.kaggle.com/datasets/CooperUnion/anime-recommendations-database",
    tables=_tables,
    text_fields=("name", "genre", "type"),
    scale=(1.0, 10.0),
)
