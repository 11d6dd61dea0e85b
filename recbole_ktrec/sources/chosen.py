"""Which rows of a table count: those that have one of the values wanted, in each of some columns of the file."""

from __future__ import annotations

import operator
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.names import letters
from recbole_ktrec.sources.tables import ITEM, PART_NAMES, RATING, TIME, USER, Batch, Kind, kept
from recbole_ktrec.sources.values import flat

#: Different values of a column that are counted, besides those wanted: memory stays bounded.
COUNTED = 1000
#: Values that a message lists, and characters of each; a column of more values is no type of event.
SHOWN, CUT = 10, 40
#: What logs call the type of an event (lower case, letters and digits only), the likeliest first.
EVENTS = ("event", "eventtype", "eventname", "behavior", "behaviour", "behaviortype", "behaviourtype", "action",
          "actiontype", "actionname", "interaction", "interactiontype", "activity", "activitytype", "feedback",
          "feedbacktype", "verb", "type", "status")  # fmt: skip
#: Values that say the most of a taste, the likeliest first: a hint proposes one of them.
STRONG = ("purchase", "purchased", "buy", "bought", "order", "ordered", "transaction", "checkout", "completed",
          "complete", "paid", "pay", "like", "liked")  # fmt: skip


def only_of(given: object, where: str) -> dict[str, tuple[str, ...]]:
    """Return column of the file -> the values wanted there, as :func:`text_of` gives them.

    Args:
        given: the key ``only`` of a part of a mapping: column -> a value, or a list of them.
        where: what the message names.

    Raises:
        ConfigError: it is another thing.
    """
    found = {}
    for column, said in given.items() if isinstance(given, Mapping) else ():
        values = said if isinstance(said, list) else [said]
        if not values or not all(isinstance(each, str | int | float | date) for each in values):
            raise ConfigError(
                f"[{where}.{column}] = [{said}] is neither a value nor a list of values: write {column}: [one, two] "
                "('' for an empty cell)."
            )
        found[str(column)] = tuple(dict.fromkeys(map(text_of, values)))
    return found


def only_said(pairs: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what ``--only COLUMN=VALUE[,VALUE]`` says, as the key ``only`` of a mapping.

    Raises:
        ConfigError: a value is empty.
    """
    found = {column: [each.strip() for each in text.split(",")] for column, text in pairs.items()}
    for column, values in found.items():
        if "" in values:
            raise ConfigError(
                f"--only {column}={pairs[column]}: write --only COLUMN=VALUE[,VALUE]; values that are empty or hold a "
                f"comma go into a mapping file, only: {{{column}: ['', 'a, b']}}."
            )
    return found


def text_of(value: object) -> str:
    """Return a cell as text, without blanks around it: booleans as true and false, nothing as an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == value:
        return str(value)
    return flat(value).strip()


def listed(found: Counter[str]) -> str:
    """Return values with their numbers of rows, the commonest first."""
    shown = (f"{text[:CUT] or 'empty'} ({rows:,})" for text, rows in found.most_common(SHOWN))
    return ", ".join(shown) + " and others" * (len(found) > SHOWN)


class Choice:
    """Leaves the rows of one table out that are not wanted, counts them, and notes which values there are.

    Args:
        columns: output name -> column of the file.
        only: column of the file -> the values wanted; empty: all rows, and types of events are counted.

    Attributes:
        columns: what is to be read: ``columns``, and then those of ``only``.
    """

    def __init__(
        self, kind: Kind, columns: Mapping[str, str], only: Mapping[str, Sequence[str]], ledger: Ledger
    ) -> None:
        self._kind, self._only, self._ledger = kind, dict(only), ledger
        self.columns = {**columns, **{f"only:{column}": column for column in only}}  # a name of ours has no colon
        self._width = len(columns)
        self._events = _events(columns) if kind == "inter" and not only else {}

    def of(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the rows that are wanted, without the columns that were read to tell."""
        for batch in batches:
            for column, at in self._events.items():
                self._count(column, batch.columns[at], SHOWN + 1)
            yield self._chosen(batch) if self._only else batch

    def _chosen(self, batch: Batch) -> Batch:
        keep = [True] * len(batch)
        for (column, wanted), values in zip(self._only.items(), batch.columns[self._width :], strict=True):
            texts = self._count(column, values, COUNTED)
            both = list(map(operator.and_, keep, map(frozenset(wanted).__contains__, texts)))
            self._ledger.rule(f"{column} is not {_either(wanted)}", sum(keep) - sum(both))
            keep = both
        return kept(Batch(batch.columns[: self._width], batch.file, batch.lines), keep)

    def _count(self, column: str, values: Sequence[object], most: int) -> list[str]:
        """Count the values of a column, ``most`` different ones besides those wanted; return them as text."""
        texts = list(map(text_of, values))
        found = self._ledger.values.setdefault(column, Counter())
        for text, rows in Counter(texts).items():
            if text in found or text in self._only.get(column, ()) or len(found) < most:
                found[text] += rows
        return texts

    def check(self) -> None:
        """Warn of a value that no row had; call it when all is read.

        Raises:
            DataError: no row had any value wanted of a column; the message names those that there are.
        """
        for column, wanted in self._only.items():
            found = self._ledger.values.get(column, Counter())
            unseen = [each for each in wanted if not found[each]]
            if found and unseen:
                told = self._unseen(column, unseen, found)
                if len(unseen) == len(wanted):
                    raise DataError(told)
                self._ledger.remarks.append(told)

    def _unseen(self, column: str, unseen: Sequence[str], found: Counter[str]) -> str:
        part = PART_NAMES[self._kind]
        absent = self._ledger.absent.get(f"only:{column}")
        if not any(found):
            return f"only: no row of the {part} has a value for [{column}]{f' ({absent})' if absent else ''}."
        near = next(filter(None, (nearest(each, found) for each in unseen)), "")
        return f"only: in no row of the {part} [{column}] is {_either(unseen)}; it is {listed(found)}.{near}"


def _either(values: Sequence[str]) -> str:
    """Return ``[view], [cart] or [buy]``."""
    shown = [f"[{each[:CUT]}]" for each in values[:SHOWN]] + ["..."] * (len(values) > SHOWN)
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _events(columns: Mapping[str, str]) -> dict[str, int]:
    """Return the columns that are called as a type of event is, with their places; the likeliest first."""
    places = {origin: at for at, (name, origin) in enumerate(columns.items()) if name not in (USER, ITEM, RATING, TIME)}
    called = {origin: letters(origin.rpartition(".")[2]) for origin in places}
    return {origin: places[origin] for name in EVENTS for origin in places if called[origin] == name}


def hint(ledger: Ledger) -> str:
    """Return what chooses rows by the type of event, where a column seems to hold one; empty for none."""
    for column, counts in ledger.values.items():
        found = Counter({text: rows for text, rows in counts.items() if text})
        sayable = [text for text, _ in found.most_common() if "," not in text]
        if sayable and 1 < len(found) and len(counts) <= SHOWN and 2 * len(found) <= found.total():
            value = next((text for each in STRONG for text in sayable if letters(text) == each), sayable[0])
            return (
                f"interactions: rows count alike, whatever their [{column}] is: {listed(found)} "
                f"(--only {shlex.quote(f'{column}={value}')} takes some alone)"
            )
    return ""
