"""MIND, the Microsoft news data: ``news.tsv`` and ``behaviors.tsv`` of any of its parts.

Format: https://github.com/msnews/msnews.github.io/blob/master/assets/doc/introduction.md . A line of ``behaviors.tsv``
holds the news that a user clicked before (oldest first, no times), and the news that were shown at a time, each with
``-1`` for a click and ``-0`` for none; the test part has no such marks. The lines are in no order of time, and each
line of a user, of the train and the dev part alike, repeats the earlier clicks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress

from recbole_ktrec.sources.delimited import Dialect, batches
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, text, timestamp, user_id
from recbole_ktrec.sources.values import date

_BEHAVIORS = Dialect("\t", header=False, quoted=False, width=5)
_NEWS = Dialect("\t", header=False, quoted=False, width=8)
_TIME = date("%m/%d/%Y %I:%M:%S %p")
#: User, news, time, label, line.
_Row = tuple[str, str, object, str, int]


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    behaviors = inputs.find("behaviors", "behaviors*.tsv")
    news = inputs.find("news", "news*.tsv", required=False)
    shown, history = bool(options["impressions"]), bool(options["history"])
    columns = [user_id(), item_id(), timestamp(_when), *([Column("label", "float", required=True)] if shown else [])]

    def interactions(ledger: Ledger) -> Iterator[Batch]:
        firsts = _firsts(inputs, behaviors) if history else {}
        seen: set[str] = set()
        for member in behaviors:
            for batch in batches(inputs, member, [1, 2, 3, 4], ledger, _BEHAVIORS):
                rows: list[_Row] = []
                for cells, line in batch.rows():
                    user, when, clicked, impressions = map(str, cells)
                    if history and clicked and user not in seen:
                        seen.add(user)
                        rows += _history(user, firsts.get(user, when), clicked.split(), line)
                    rows += _shown(user, when, impressions.split(), line)
                yield _clicks(ledger, batch, rows, shown)

    def items(ledger: Ledger) -> Iterator[Batch]:
        for member in news:
            yield from batches(inputs, member, [0, 3, 1, 2, 4], ledger, _NEWS)

    described = [item_id(), text("title"), text("category"), text("subcategory"), text("abstract")]
    return [Table("inter", columns, interactions), *([Table("item", described, items)] if news else [])]


def _shown(user: str, when: object, impressions: Sequence[str], line: int) -> list[_Row]:
    parts = (each.rpartition("-") for each in impressions)
    return [(user, news, when, label if mark else "?", line) for news, mark, label in parts]


def _firsts(inputs: Inputs, behaviors: Sequence[Member]) -> dict[str, float]:
    """Return when each user is seen for the first time, for those of whom a time can be read."""
    found: dict[str, float] = {}
    for member in behaviors:
        for batch in batches(inputs, member, [1, 2], Ledger("inter"), _BEHAVIORS):
            for user, when in zip(*batch.columns, strict=True):
                with suppress(ValueError):
                    found[str(user)] = min(_TIME(when), found.get(str(user), math.inf))
    return found


def _history(user: str, first: float | str, clicked: Sequence[str], line: int) -> list[_Row]:
    """Place earlier clicks in the seconds before the user's first time: their order is known, their times are not."""
    if isinstance(first, str):  # no time
        return [(user, news, first, "1", line) for news in clicked]
    return [(user, news, first - len(clicked) + place, "1", line) for place, news in enumerate(clicked)]


def _clicks(ledger: Ledger, batch: Batch, rows: list[_Row], shown: bool) -> Batch:
    """Turn impressions into a batch; what is not labelled is damaged, what is not clicked goes unless it is wanted."""
    ledger.rows_in += len(rows) - len(batch)
    for *_, label, line in rows:
        if label not in ("0", "1"):
            ledger.reject("impression without a click mark (-0 or -1)", batch.file, line)
    kept = [row for row in rows if row[3] == "1" or (shown and row[3] == "0")]
    ledger.rule("shown, not clicked", 0 if shown else sum(row[3] == "0" for row in rows))
    columns: list[Sequence[object]] = list(zip(*kept, strict=True)) if kept else [(), (), (), (), ()]
    return Batch(columns[: 4 if shown else 3], batch.file, [row[4] for row in kept])


def _when(value: object) -> object:
    return value if isinstance(value, float) else _TIME(value)


MIND = Source(
    title="MIND, Microsoft news (small, large; train, dev)",
    domain="news",
    files="behaviors.tsv news.tsv",
    url="https://msnews.github.io/",
    tables=_tables,
    text_fields=("title", "category", "subcategory", "abstract"),
    since=1_570_838_400.0,  # 12 October 2019: the first day of the six weeks that it was collected in
    options={
        "impressions": (
            False,
            "write what was shown and not clicked, too, with a column label (1: clicked; RecBole takes these alone)",
        ),
        "history": (False, "write earlier clicks, too, a second apart before the first time of the user"),
    },
    events={"label": "[1,1]"},
)
