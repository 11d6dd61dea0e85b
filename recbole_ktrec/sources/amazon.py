"""Amazon reviews: the releases of 2014, 2018 and 2023, told apart by the keys of their rows.

Formats: http://jmcauley.ucsd.edu/data/amazon/ (2014; metadata are Python literals),
https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/ (2018), https://amazon-reviews-2023.github.io/ (2023; reviews
point to ``parent_asin``, the key of the metadata, and count milliseconds).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.jsonlines import batches, usual_keys
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, rating, text, timestamp, user_id
from recbole_ktrec.sources.values import flat, price

#: The text of a review, by release: key -> column.
_REVIEW_TEXT = {True: {"title": "summary", "text": "review"}, False: {"summary": "summary", "reviewText": "review"}}


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    reviews = inputs.find("reviews", "*review*.json*", "*.jsonl", "*.json", exclude="meta*")
    meta = inputs.find("meta", "meta*.json*", required=False)
    tables = [_interactions(inputs, reviews, bool(options["reviews"]))]
    return [*tables, _items(inputs, meta)] if meta else tables


def _interactions(inputs: Inputs, members: list[Member], with_text: bool) -> Table:
    new = "parent_asin" in usual_keys(inputs, members[0])
    keys = ["user_id", "parent_asin", "rating"] if new else ["reviewerID", "asin", "overall"]
    keys.append("timestamp" if new else "unixReviewTime")
    columns = [user_id(), item_id(), rating(), timestamp(divide=1000.0 if new else 1.0)]
    if with_text:
        keys += _REVIEW_TEXT[new]
        columns += [text(name) for name in _REVIEW_TEXT[new].values()]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            yield from batches(inputs, member, keys, ledger)

    return Table("inter", columns, read)


def _items(inputs: Inputs, members: list[Member]) -> Table:
    first = usual_keys(inputs, members[0], literal=True)
    if "parent_asin" in first:
        keys = ["parent_asin", "title", "store", "categories", "price", "features", "description"]
    elif "category" in first:  # 2018; in 2014 [categories] is a list of paths, and there is no [feature]
        keys = ["asin", "title", "brand", "category", "price", "feature", "description"]
    else:
        keys = ["asin", "title", "brand", "categories", "price", "feature", "description"]

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in members:
            yield from batches(inputs, member, keys, ledger, literal=True)

    columns = [
        item_id(), text("title"), text("brand", _brand), text("categories", join=", "), Column("price", "float", price),
        text("features"), text("description"),
    ]  # fmt: skip
    return Table("item", columns, read)


def _brand(value: object) -> str:
    return "" if value == "Unknown" else flat(value)


AMAZON = Source(
    title="Amazon reviews 2014, 2018, 2023 (reviews and metadata)",
    domain="e-commerce",
    files="reviews_X.json.gz meta_X.json.gz (2014) | X.json.gz X_5.json.gz meta_X.json.gz (2018) | "
    "X.jsonl.gz meta_X.jsonl.gz (2023)",
    url="https://amazon-reviews-2023.github.io/",
    tables=_tables,
    text_fields=("title", "brand", "categories", "description"),
    scale=(1.0, 5.0),
    since=805_852_800.0,  # 16 July 1995: Amazon opens
    options={"reviews": (False, "write each review's summary and text into the .inter file, too")},
    page_code=(".getTime()",),  # the owner says to leave out what holds it
)
