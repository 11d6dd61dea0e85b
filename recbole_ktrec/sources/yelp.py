"""Yelp open data: reviews, businesses and users, JSON lines in a tar archive.

Format: https://www.yelp.com/dataset/documentation/main .
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.jsonlines import batches
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Kind, Source, Table, item_id, rating, text, timestamp, user_id
from recbole_ktrec.sources.values import date


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    reviews = inputs.find("reviews", "*review.json")
    columns = [user_id(), item_id(), rating(), timestamp(date())]
    keys = ["user_id", "business_id", "stars", "date"]
    if options["reviews"]:
        columns.append(text("review"))
        keys.append("text")
    tables = [_table(inputs, "inter", reviews, columns, keys)]
    if found := inputs.find("businesses", "*business.json", required=False):
        columns = [item_id(), text("name"), text("categories", join=", "), text("city"), Column("state")]
        columns.append(Column("mean_stars", "float"))
        keys = ["business_id", "name", "categories", "city", "state", "stars"]
        tables.append(_table(inputs, "item", found, columns, keys))
    if found := inputs.find("users", "*user.json", required=False):
        columns = [user_id(), Column("review_count", "float"), Column("fans", "float"), Column("mean_stars", "float")]
        tables.append(_table(inputs, "user", found, columns, ["user_id", "review_count", "fans", "average_stars"]))
    return tables


def _table(inputs: Inputs, kind: Kind, members: list[Member], columns: Sequence[Column], keys: Sequence[str]) -> Table:
    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            yield from batches(inputs, member, keys, ledger)

    return Table(kind, columns, read)


YELP = Source(
    title="Yelp open data",
    domain="local business",
    files="yelp_dataset.tar, or yelp_academic_dataset_review.json ..._business.json ..._user.json",
    url="https://www.yelp.com/dataset",
    tables=_tables,
    text_fields=("name", "categories", "city"),
    scale=(1.0, 5.0),
    since=1_096_588_800.0,  # October 2004: Yelp starts
    options={"reviews": (False, "write each review's text into the .inter file, too")},
)
