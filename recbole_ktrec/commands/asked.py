"""Whom lists are asked for: the numbers of users in a trained model, those among them whom a filter left out."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from recbole_ktrec.commands.filtered import histories, rows_of
from recbole_ktrec.commands.later import Later
from recbole_ktrec.errors import ConfigError, DataError, nearest


def numbered(model: Any, dataset: Any, users: Sequence[str]) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Return the numbers of ``users`` in the model, and what they took that it does not know of, see ``rows_of``."""
    check_histories(model, dataset)
    rows, known = rows_of(dataset, users), dataset.field2token_id[dataset.uid_field]
    joined = _join(model, dataset, [user for user in rows if not known.get(user)])
    return np.array([joined.get(user) or _id(model, dataset, user, user in rows) for user in users]), rows


def take_held_out(model: Any, dataset: Any) -> None:
    """Let a model that takes histories in count what was held out in training: all that ``dataset`` holds.

    Items without interactions in the training say nothing: who took nothing else has no history still.
    """
    if hasattr(model, "fold_in"):
        model.fold_in(dataset, np.where(model.taken.learned, np.arange(model.n_items), 0))


def check_histories(model: Any, dataset: Any) -> None:
    """Refuse a model that knows users by the numbers of another data set: lists would be other users'.

    Raises:
        ConfigError: see there.
    """
    rows = getattr(getattr(model, "taken", None), "rows", None)
    people = dataset.field2id_token[dataset.uid_field]
    if isinstance(dataset, Later) and not dataset.given_to(model):
        raise ConfigError("The model has other histories than this Later has: call its give(model) first.")
    if rows is not None and not np.array_equal(rows[: len(people)], people):
        raise ConfigError(
            f"The model has taken in histories of other data than those of [{dataset.dataset_path}]: give recommend "
            "those data, or have the model take these, by fold_in(dataset)."
        )


def _join(model: Any, dataset: Any, filtered: Collection[str]) -> dict[str, int]:
    """Give ``model`` the histories of users whom a filter left out, if it takes any; return their numbers in it."""
    if not hasattr(model, "take") or not filtered:
        return {}
    found = histories(dataset, filtered)
    before = model.taken.base or model.taken  # without those of an earlier call
    first = before.matrix.shape[0]
    model.take(before.joined(list(found.values())))
    for user, items in found.items():
        print(f"user [{user}] is left out by a filter: the list is made from the {len(items)} taken.", file=sys.stderr)
    return {user: first + place for place, user in enumerate(found)}


def _id(model: Any, dataset: Any, user: str, filtered: bool) -> int:
    known = dataset.field2token_id[dataset.uid_field]
    if known.get(user):  # 0 is the padding user
        return int(known[user])
    near = "" if filtered else meant(user, known)
    if hasattr(model, "fold_in"):  # the padding user has no history
        why, rest = ("left out by a filter", ", but for what this user took") if filtered else ("not in the data", "")
        print(f"user [{user}] is {why}: the list is what is taken in general{rest}.{near}", file=sys.stderr)
        return 0
    why = ": a filter of the training left the rows of this user out" if filtered else ""
    raise DataError(f"[{dataset.dataset_name}] has no user [{user}]{why}.{near}")


def meant(word: str, known: Mapping[str, int]) -> str:
    """Return, after a blank, the nearest of the ``known`` ids to one that is none; padding, of number 0, is none."""
    parts = [part for part in word.split(",") if part]
    if parts != [word] and parts and all(map(known.get, parts)):
        return f" Blanks part the ids, not commas: {' '.join(f'[{part}]' for part in parts)}."
    return nearest(word, (str(one) for one, number in known.items() if number))
