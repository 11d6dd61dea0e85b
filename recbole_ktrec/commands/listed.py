"""The ``.item`` file beside a list: what it says of the items, and which of them no model has scored."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from recbole_ktrec.atomic import encoding_of, iter_atomic, read_header
from recbole_ktrec.commands.asked import meant
from recbole_ktrec.errors import DataError, counted
from recbole_ktrec.text import TextSettings

if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems


@dataclass(frozen=True)
class ListedItems:
    """What the ``.item`` file says, read once.

    Attributes:
        path: where it is, or would be.
        titles: id -> the first of ``text_fields``, else the first column of several words; empty without one.
        titled: whether there is such a column.
    """

    path: Path
    titles: dict[str, str]
    titled: bool

    @classmethod
    def read(cls, dataset: Any) -> ListedItems:
        """Read the file of a data set; of one without it nothing is said."""
        path, encoding = Path(dataset.dataset_path) / f"{dataset.dataset_name}.item", encoding_of(dataset.config)
        if not path.is_file():
            return cls(path, {}, False)
        column = _title(path, dataset.config, encoding)
        rows = iter_atomic(path, [dataset.iid_field, *column], encoding)
        return cls(path, {row[0]: row[1] if column else "" for row in rows}, bool(column))


def _title(path: Path, config: Any, encoding: str) -> list[str]:
    header = dict(read_header(path, encoding))
    words = [name for name, kind in header.items() if kind == "token_seq"]
    asked = TextSettings.from_mapping(config).fields or ()
    return [name for name in [*(field.name for field in asked), *words] if name in header][:1]


def write(file: TextIO, rows: Iterator[tuple[str, int, str, float]], dataset: Any, items: ListedItems) -> None:
    """Write lists as CSV, with what is said of each item."""
    first = list(itertools.islice(rows, 1))  # what cannot be scored is told before all else
    out = csv.writer(file, lineterminator="\n")
    out.writerow([dataset.uid_field, "rank", dataset.iid_field, "score", *(["text"] if items.titled else [])])
    for user, rank, item, value in itertools.chain(first, rows):
        out.writerow([user, rank, item, f"{value:.6g}", *([items.titles.get(item, "")] if items.titled else [])])


def only_items(path: Path, dataset: Any, unseen: UnseenItems | None, why_not: str) -> set[str]:
    """Read the ids of the items that may be listed, one a line; say how many of them no list can hold.

    Args:
        why_not: see :func:`tell_unscored`.

    Raises:
        DataError: the file is not to be read, or names no item that a list can hold.
    """
    known, new = dataset.field2token_id[dataset.iid_field], set() if unseen is None else set(unseen.tokens)

    def listed(item: str) -> bool:
        return bool(known.get(item)) or item in new  # the padding item has the number 0

    lines = _lines(path)
    named = {line if listed(line) else _unquoted(line): line for line in lines}
    strange = [item for item in named if not listed(item)]
    first = f", the first is [{strange[0]}] (line {lines[named[strange[0]]]})" if strange else ""
    if len(strange) == len(named):
        near = meant(strange[0], known) if strange else ""
        told = f"none of its {counted(len(named), 'line')} is an item{first}. Write one id a line, nothing beside it."
        raise DataError(f"--only-items [{path}]: {told}{near}")
    if strange:
        told = f"{len(strange):,} of {counted(len(named), 'item')} are in no list{first}"
        advice = ": the model does not know them" + ", --new-items scores those with a text" * (
            unseen is None and not why_not
        )
        print(f"--only-items [{path}]: {told}{advice}.", file=sys.stderr)
    return set(named)


def _lines(path: Path) -> dict[str, int]:
    """Return the lines of a file that are not empty, without blanks around, and the number of the first of each."""
    try:
        read = path.read_bytes()
        lines = read.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        number = read.count(b"\n", 0, error.start) + 1
        raise DataError(f"--only-items [{path}], line {number}: not UTF-8. Save the file as UTF-8.") from error
    except OSError as error:
        raise DataError(f"--only-items [{path}]: {error}") from error
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        found.setdefault(line.strip(), number)
    found.pop("", None)
    return found


def _unquoted(cell: str) -> str:
    """Return what a cell of a CSV file says that is written in quotes."""
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def refuse_unread(history: Sequence[str], dataset: Any, items: ListedItems) -> None:
    """Refuse items of a history that the ``.item`` file names and the model has no number for: texts are not read."""
    known = dataset.field2token_id[dataset.iid_field]
    if new := [item for item in history if item in items.titles and not known.get(item)]:
        told = "the model knows no such item, or nobody took it"
        raise DataError(f"--history [{new[0]}]: {told}; --new-items reads its text.")


def tell_gone(model: Any, dataset: Any, items: ListedItems) -> None:
    """Say how many items the ``.item`` file no longer names: that they are sold out, nothing tells a model."""
    if not hasattr(model, "content_items") or not items.path.is_file():
        return
    known, read = dataset.field2id_token[dataset.iid_field], model.content_items().cpu().numpy()
    if gone := [str(item) for item in known[read] if item not in items.titles]:
        told = f"[{items.path}] does not name {counted(len(gone), 'item')} of the training, the first is [{gone[0]}]"
        print(f"{told}: listed all the same, and new items are not compared with their texts.", file=sys.stderr)


def tell_unscored(dataset: Any, items: ListedItems, why_not: str, scored: Collection[str] | None) -> None:
    """Say how many items of the ``.item`` file are not ``scored``, being unknown to the model, and what to do.

    Args:
        why_not: why the model cannot score them, or nothing if it can.
        scored: by their text; None where that was not asked for.
    """
    new = items.titles.keys() - dataset.field2token_id[dataset.iid_field].keys()
    if scored:
        told = counted(len(scored), "item")
        print(f"Scored by text: {told} of [{items.path}], unknown to the model.", file=sys.stderr)
    if not (missing := len(new.difference(scored or ()))):
        return
    why = "no text" if scored is not None else "new, taken by nobody, or left out by a filter"
    advice = "--new-items scores them by text"
    if why_not:
        advice = f"KTRec and KTEASE can score such items by text, this model cannot: {why_not}"
    told = "" if scored is not None else f" {advice}."
    print(f"Not scored: {counted(missing, 'item')} of [{items.path}] ({why}).{told}", file=sys.stderr)
