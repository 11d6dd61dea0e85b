"""MicroLens: ``*_pairs.csv`` (user, item, time in milliseconds) and the titles of the videos.

Format: https://github.com/westlake-repl/MicroLens . The title files of the larger releases have no header; titles may
hold commas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Source, Table, item_id, kept, text, timestamp, user_id

_HEADS = {"item", "item_id", "id", "videoid", "video_id"}


def split(line: str) -> list[str] | None:
    """Part a line at its first comma."""
    item, comma, title = line.partition(",")
    if not comma:
        return None
    title = title.strip()
    if len(title) > 1 and title[0] == title[-1] == '"':
        title = title[1:-1].replace('""', '"')
    return [item.strip('" '), title]


_TITLES = Dialect(",", header=False, split=split, width=2)


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    pairs = inputs.find("pairs", "*pairs*.csv")
    titles = inputs.find("titles", "*title*.csv", required=False)

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in pairs:
            yield from batches(inputs, member, ["user", "item", "timestamp"], ledger, Dialect(","))

    def described(ledger: Ledger) -> Iterator[Batch]:
        for member in titles:
            for batch in batches(inputs, member, [0, 1], ledger, _TITLES):
                keep = [line > 1 or str(cells[0]).lower() not in _HEADS for cells, line in batch.rows()]
                ledger.rows_in -= keep.count(False)
                yield kept(batch, keep)

    tables = [Table("inter", [user_id(), item_id(), timestamp(divide=1000.0)], read)]
    return [*tables, Table("item", [item_id(), text("title")], described)] if titles else tables


MICROLENS = Source(
    title="MicroLens (50k, 100k, 1M)",
    domain="social video",
    files="MicroLens-X_pairs.csv MicroLens-X_titles.csv",
    url="https://github.com/westlake-repl/MicroLens",
    tables=_tables,
    text_fields=("title",),
    since=1_293_840_000.0,  # 2011: the platform it was collected from opens
)
