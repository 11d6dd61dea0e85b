"""For whom an item is: the users in whose lists it stands highest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ktrec.commands.asked import asked_for, meant
from recbole_ktrec.commands.later import speaking
from recbole_ktrec.commands.listed import ListedItems
from recbole_ktrec.errors import DataError

if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems


def users_for(
    model: Any, dataset: Any, item: str, users: Sequence[str], k: int, unseen: UnseenItems | None = None,
    only_new: bool = False, among: Collection[str] | None = None,
) -> Iterator[tuple[str, int, str, float]]:  # fmt: skip
    """Return (user, rank, item, score) of those ``k`` of ``users`` in whose lists ``item`` stands highest.

    Scores of different users are not comparable, places in their lists are. Of equal places, the one whose score is
    more standard deviations above the mean of its list comes first. Who took the item is left out.

    Args:
        unseen, only_new, among: see :func:`recbole_ktrec.commands.recommend.recommend`.

    Raises:
        DataError: nobody's list has the item.
    """
    found, place = list[tuple[int, float, str, float]](), _place(dataset, item, unseen)
    if _says_nothing(model, place):
        raise DataError(f"--for-item [{item}]: nobody took it and it has no text, so no list says anything of it.")
    request = asked_for(model, dataset, users, unseen, only_new, among)
    if (only_new or among is not None) and request.hidden[place]:
        left = " or ".join(["--new-items only"] * only_new + ["--only-items"] * (among is not None))
        raise DataError(f"--for-item [{item}]: in nobody's list, {left} leaves it out.")
    for some, scores in request.scored():
        for user, row in zip(some, scores, strict=True):
            if np.isfinite(row[place]):
                found.append((*_standing(row, place), user, float(row[place])))
    if not found:
        raise DataError(f"--for-item [{item}]: in nobody's list: these users took it, or nothing is known of them.")
    found.sort(key=lambda one: (one[0], -one[1]))
    return ((user, rank, item, value) for rank, _, user, value in found[:k])


def _place(dataset: Any, item: str, unseen: UnseenItems | None) -> int:
    """Return the place of an item among the scores."""
    known, new = dataset.field2token_id[dataset.iid_field], [] if unseen is None else unseen.tokens
    if item in known:
        return int(known[item])
    if item not in new:
        raise DataError(f"--for-item [{item}] has no text, so no model can score it.")
    return len(known) + new.index(item)


def _says_nothing(model: Any, place: int) -> bool:
    """Return whether a model that reads texts knows neither who took the item of this number nor its text."""
    return hasattr(model, "content_items") and place < model.n_items and not speaking(model)[place]


def _standing(row: np.ndarray, place: int) -> tuple[int, float]:
    """Return the place that an item has by the scores ``row`` of a list, from 1 on, and its standard score there."""
    others = row[np.isfinite(row)]
    return 1 + int((row > row[place]).sum()), float((row[place] - others.mean()) / max(others.std(), 1e-12))


def is_new(item: str, dataset: Any, items: ListedItems) -> bool:
    """Return whether the model has no number for an item of the ``.item`` file; refuse one that nobody knows."""
    known = dataset.field2token_id[dataset.iid_field]
    if not known.get(item) and item not in items.titles:
        near = meant(item, {**dict.fromkeys(items.titles, 1), **known})
        raise DataError(f"--for-item [{item}]: neither the model nor [{items.path}] knows it.{near}")
    return not known.get(item)
