"""Last.fm of HetRec 2011: how often users listened to artists; artists with their names and users' tags.

Format: https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-readme.txt .
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, text, user_id

_TABS = Dialect("\t", quoted=False, encodings=("utf-8", "latin-1"))


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    plays = inputs.find("plays", "user_artists.dat")
    artists = inputs.find("artists", "artists.dat", required=False)
    names = inputs.find("tags", "tags.dat", required=False)
    given = inputs.find("tagged", "user_taggedartists.dat", "user_taggedartists-timestamps.dat", required=False)
    most = int(str(options["tags"])) if names and given else 0

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in plays:
            yield from batches(inputs, member, ["userID", "artistID", "weight"], ledger, _TABS)

    def described(ledger: Ledger) -> Iterator[Batch]:
        tags = _tags(inputs, names, given, most, ledger) if most else {}
        for member in artists:
            for batch in batches(inputs, member, ["id", "name"], ledger, _TABS):
                of = [tags.get(str(each), "") for each in batch.columns[0]]
                yield Batch([*batch.columns, *([of] if most else [])], batch.file, batch.lines)

    plain = [item_id(), text("name")]
    tables = [Table("inter", [user_id(), item_id(), Column("plays", "float", required=True)], read)]
    return [*tables, Table("item", [*plain, text("tags")] if most else plain, described)] if artists else tables


def _tags(
    inputs: Inputs, names: Sequence[Member], given: Sequence[Member], most: int, ledger: Ledger
) -> dict[str, str]:
    """Return for each artist the tags that most users gave it."""
    aside = Ledger("tags", ledger.strict)
    meaning = {
        str(tag): str(value).strip()
        for member in names
        for batch in batches(inputs, member, ["tagID", "tagValue"], aside, _TABS)
        for tag, value in zip(*batch.columns, strict=True)
    }
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for member in given:
        for batch in batches(inputs, member, ["artistID", "tagID"], aside, _TABS):
            for artist, tag in zip(*batch.columns, strict=True):
                counts[str(artist)][meaning.get(str(tag), "")] += 1
    ledger.changed["tag rows read"] += aside.rows_in
    ledger.changed["damaged tag rows, left out"] += sum(aside.dropped.values())
    return {key: ", ".join(tag for tag, _ in each.most_common(most) if tag) for key, each in counts.items()}


LASTFM = Source(
    title="Last.fm (HetRec 2011)",
    domain="music",
    files="user_artists.dat artists.dat tags.dat user_taggedartists.dat",
    url="https://grouplens.org/datasets/hetrec-2011/",
    tables=_tables,
    text_fields=("name", "tags"),
    options={"tags": (10, "most frequent tags of an artist to take as text (0: none)")},
)
