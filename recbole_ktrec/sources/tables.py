"""What a source says of itself: its tables, their columns, and where its owner publishes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal, NamedTuple

from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger

Kind = Literal["inter", "item", "user"]
#: What people call the tables -> their kinds, and back.
PARTS: dict[str, Kind] = {"interactions": "inter", "items": "item", "users": "user"}
PART_NAMES: dict[str, str] = {kind: name for name, kind in PARTS.items()}
USER, ITEM, RATING, TIME = "user_id", "item_id", "rating", "timestamp"


class Column(NamedTuple):
    """One column of the result and what it is made of.

    Attributes:
        name: its name in the atomic file.
        type: ``token``, ``token_seq``, ``float`` or ``float_seq``.
        parse: value as read -> value (a string, a number, or None for missing); a ValueError says what is wrong.
        required: a row without the value is dropped; else the cell stays empty.
        divide: what a number is divided by, such as 1000 for milliseconds.
        unrated: the number that stands for "no rating".
        join: what parts the entries of a list in a text column.
        origin: the column of the file that it is read from, where a mapping says so.
    """

    name: str
    type: str = "token"
    parse: Callable[[object], object] | None = None
    required: bool = False
    divide: float = 1.0
    unrated: float | None = None
    join: str = " "
    origin: str = ""


def user_id(parse: Callable[[object], object] | None = None) -> Column:
    return Column(USER, "token", parse, required=True)


def item_id(parse: Callable[[object], object] | None = None) -> Column:
    return Column(ITEM, "token", parse, required=True)


def rating(unrated: float | None = None) -> Column:
    return Column(RATING, "float", required=True, unrated=unrated)


def timestamp(parse: Callable[[object], object] | None = None, divide: float = 1.0) -> Column:
    """Seconds since 1970; ``divide=1000`` for milliseconds, ``parse`` for dates."""
    return Column(TIME, "float", parse, required=True, divide=divide)


def text(name: str, parse: Callable[[object], object] | None = None, join: str = " ") -> Column:
    return Column(name, "token_seq", parse, join=join)


@dataclass
class Batch:
    """Some rows, column by column, as read.

    Attributes:
        columns: for each column of the table, one value a row.
        file: where the rows come from.
        lines: for each row, its line number in ``file`` (from 1).
    """

    columns: Sequence[Sequence[object]]
    file: str
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self) -> Iterator[tuple[tuple[object, ...], int]]:
        """Yield (values, line number) row by row."""
        return zip(zip(*self.columns, strict=True), self.lines, strict=True)


def unfolded(ledger: Ledger, batch: Batch, columns: Sequence[Sequence[object]], lines: Sequence[int]) -> Batch:
    """Return what the records of ``batch`` hold as rows of their own (``lines``: where each row comes from)."""
    ledger.rows_in += len(lines) - len(batch)
    return Batch(columns, batch.file, lines)


def kept(batch: Batch, keep: Sequence[bool]) -> Batch:
    """Return the rows of ``batch`` with ``keep``."""
    columns = [list(compress(column, keep)) for column in batch.columns]
    return Batch(columns, batch.file, list(compress(batch.lines, keep)))


@dataclass
class Table:
    """One atomic file in the making: its columns, and a reader that yields batches and reports damaged rows."""

    kind: Kind
    columns: Sequence[Column]
    read: Callable[[Ledger], Iterator[Batch]]


@dataclass(frozen=True)
class Source:
    """One raw format.

    Attributes:
        title, domain: for people.
        files: what the owner calls the files.
        url: where the owner publishes and describes them.
        tables: inputs and options -> tables; interactions come first.
        text_fields: item columns that make up an item's text, in order.
        scale: lowest and highest rating, ends included.
        since: Unix time before which there can be no event (the platform did not exist).
        options: extra options it understands -> (default, help).
        page_code: what a text holds only if it is the code of a page, caught in the place of the text.
        events: columns of interactions that say which rows are events -> their values, as RecBole's ``val_interval``.
    """

    title: str
    domain: str
    files: str
    url: str
    tables: Callable[[Inputs, dict[str, object]], Sequence[Table]]
    text_fields: tuple[str, ...]
    scale: tuple[float, float] | None = None
    since: float | None = None
    options: dict[str, tuple[object, str]] = field(default_factory=dict)
    page_code: tuple[str, ...] = ()
    events: dict[str, str] = field(default_factory=dict)
