"""Whom lists are asked for: the numbers of users in a trained model, those among them whom a filter left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from logging import getLogger
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ktrec.commands.filtered import histories, rows_of
from recbole_ktrec.commands.later import Later
from recbole_ktrec.commands.scored import Request
from recbole_ktrec.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems

_logger = getLogger(__name__)
#: Ids among which the nearest is looked for: among a million it takes seconds, and a service meets many new users.
_MOST_NEAR = 20_000


def asked_for(
    model: Any, dataset: Any, users: Sequence[str], unseen: UnseenItems | None = None, only_new: bool = False,
    among: Collection[str] | None = None,
) -> Request:  # fmt: skip
    """Return the request for lists of ``users``; ``model`` stays as it is, threads may ask it for others."""
    check_histories(model, dataset)
    rows, known = rows_of(dataset, users), dataset.field2token_id[dataset.uid_field]
    found = histories(dataset, [user for user in rows if not known.get(user)]) if hasattr(model, "take") else {}
    for user, items in found.items():
        _logger.warning(f"user [{user}] is left out by a filter: the list is made from the {len(items)} taken.")
    places = [0 if user in found else _id(model, dataset, user, user in rows) for user in users]
    ids = at = np.array(places, dtype=np.int64)
    if found:  # a model of these users alone: what all the others took is much
        model = model.with_histories(model.taken.some(at).joined(list(found.values())))
        joined = {user: len(users) + place for place, user in enumerate(found)}
        ids = np.array([joined.get(user, place) for place, user in enumerate(users)])
    return Request(model, dataset, users, ids, at, rows, unseen, only_new, among)


def take_held_out(model: Any, dataset: Any) -> None:
    """Let a model that takes histories in count what was held out in training: all that ``dataset`` holds.

    Items without interactions in the training say nothing: who took nothing else has no history still.
    """
    if hasattr(model, "fold_in"):
        model.fold_in(dataset, np.where(model.trained_on.known, np.arange(model.n_items), 0))


def check_histories(model: Any, dataset: Any) -> None:
    """Refuse a model that knows users by the numbers of another data set: lists would be other users'.

    Raises:
        ConfigError: see there.
    """
    rows = getattr(getattr(model, "taken", None), "users", None)
    people = dataset.field2id_token[dataset.uid_field]
    if rows is people:  # mostly, and quicker than to compare all
        return
    if isinstance(dataset, Later) and not dataset.given_to(model):
        raise ConfigError(
            "The model has other histories than this Later has: call its give(model) first, or "
            "ask the model that its given(model) returns."
        )
    if rows is not None and not np.array_equal(rows[: len(people)], people):
        raise ConfigError(
            f"The model has taken in histories of other data than those of [{dataset.dataset_path}]: give recommend "
            "those data, or have the model take these, by fold_in(dataset)."
        )


def _id(model: Any, dataset: Any, user: str, filtered: bool) -> int:
    known = dataset.field2token_id[dataset.uid_field]
    if known.get(user):  # 0 is the padding user
        return int(known[user])
    near = "" if filtered else meant(user, known)
    if hasattr(model, "fold_in"):  # the padding user has no history
        why, rest = ("left out by a filter", ", but for what this user took") if filtered else ("not in the data", "")
        _logger.warning(f"user [{user}] is {why}: the list is what is taken in general{rest}.{near}")
        return 0
    why = ": a filter of the training left the rows of this user out" if filtered else ""
    raise DataError(f"[{dataset.dataset_name}] has no user [{user}]{why}.{near}")


def meant(word: str, known: Mapping[str, int]) -> str:
    """Return, after a blank, the nearest of the ``known`` ids to one that is none; padding, of number 0, is none."""
    parts = [part for part in word.split(",") if part]
    if parts != [word] and parts and all(map(known.get, parts)):
        return f" Blanks part the ids, not commas: {' '.join(f'[{part}]' for part in parts)}."
    if len(known) > _MOST_NEAR:
        return ""
    return nearest(word, (str(one) for one, number in known.items() if number))
