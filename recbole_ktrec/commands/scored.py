"""The scores that lists are made of: of every item for some users, without what they took."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from logging import getLogger
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from tqdm import tqdm

from recbole_ktrec.commands.filtered import with_taken
from recbole_ktrec.commands.kept import kept
from recbole_ktrec.errors import ConfigError, counted

if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems

_logger = getLogger(__name__)
_USERS = 256


def name_of(dataset: Any, unseen: UnseenItems | None, item: int) -> str:
    """Return the id of an item by its place among the scores."""
    known = dataset.field2id_token[dataset.iid_field]
    return str(known[item]) if unseen is None or item < len(known) else unseen.tokens[item - len(known)]


@kept
def taken_in(dataset: Any) -> sp.csr_matrix:
    """Return who took what in a data set, ``[n_users, n_items]``."""
    return dataset.inter_matrix(form="csr")


@dataclass(frozen=True)
class Request:
    """Whom lists are made for, and what these may hold.

    Attributes:
        model, dataset: of the checkpoint; the model has the histories of these users.
        users, ids: names, and numbers in the model, ``[n_users]``.
        places: numbers in ``dataset``, ``[n_users]``, 0 for those whom it does not know.
        rows: user -> numbers of the items that this one took beside those that ``dataset`` says.
        unseen, only_new, among: see :func:`recbole_ktrec.commands.recommend.recommend`.
    """

    model: Any
    dataset: Any
    users: Sequence[str]
    ids: np.ndarray
    places: np.ndarray
    rows: dict[str, list[int]]
    unseen: UnseenItems | None
    only_new: bool
    among: Collection[str] | None = None

    def __post_init__(self) -> None:
        """Refuse an ``among`` that would leave out all without a word."""
        if isinstance(self.among, str) or not isinstance(self.among, Collection | None):
            raise ConfigError(f"among [{self.among}] must be a set of ids, or None for all items.")
        listed = () if self.among is None else self.among
        if (other := next((item for item in listed if not isinstance(item, str)), None)) is not None:
            kind = type(other).__name__
            raise ConfigError(f"among [{other}]: ids are strings, as the files spell them, this is of type {kind}.")

    def scored(self) -> Iterator[tuple[Sequence[str], np.ndarray]]:
        """Yield some users after others with their scores ``[m, items]``, -inf where an item is not to be listed."""
        model, dataset, unseen, hidden = self.model, self.dataset, self.unseen, self.hidden
        taken = taken_in(dataset)
        new = [] if unseen is None else unseen.tokens
        rows = with_taken(
            dataset, self.rows, self.users, {item: taken.shape[1] + place for place, item in enumerate(new)}
        )
        starts = range(0, len(self.ids), _USERS)
        for start in tqdm(starts, desc="Users", unit=f"x{_USERS}", disable=len(starts) < 5 or None, leave=False):
            some, part = self.users[start : start + _USERS], self.ids[start : start + _USERS]
            scores = score(model, dataset, part)
            scores[taken[self.places[start : start + _USERS]].nonzero()] = -np.inf  # of padding: nothing
            if unseen is not None:
                scores = np.concatenate([scores, unseen.scores(part, model)], axis=1)
            scores[:, hidden] = -np.inf
            for row, user in zip(scores, some, strict=True):
                row[rows.get(user, [])] = -np.inf
            yield some, scores

    @functools.cached_property
    def hidden(self) -> np.ndarray:
        """Which items are in no list: bool ``[items]``, those of ``unseen`` last."""
        known = self.dataset.field2token_id[self.dataset.iid_field]
        new = [] if self.unseen is None else self.unseen.tokens
        hidden = np.zeros(len(known) + len(new), dtype=bool)
        if self.only_new:
            hidden[: len(known)] = ~nobodys(self.model, self.dataset)
        if self.among is not None:
            beside = {item: len(known) + place for place, item in enumerate(new)}
            listed = [known.get(item, beside.get(item, 0)) for item in self.among]
            hidden[np.delete(np.arange(len(hidden)), listed)] = True
        hidden[0] = True  # padding
        return hidden


def ranked(request: Request, k: int) -> Iterator[tuple[str, int, str, float]]:
    """Return (user, rank, item, score) of the best ``k`` items of each list that is asked for."""
    name, without = functools.partial(name_of, request.dataset, request.unseen), list[str]()
    for some, scores in request.scored():
        for user, row in zip(some, scores, strict=True):
            listed = [item for item in _best(row, k) if np.isfinite(row[item])]
            without += [user] * (not listed)
            yield from ((user, rank, name(item), float(row[item])) for rank, item in enumerate(listed, 1))
    if without:
        told = f"No list for {counted(len(without), 'user')}, the first is [{without[0]}]"
        why = "what may be in it is taken already, or not scored (new items are by what a user took)"
        _logger.warning(f"{told}: {why}.")


def _best(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the places of the ``k`` highest ``scores`` ``[n]``, of equal ones the first."""
    low = -scores
    if k < len(low):  # the rest of a large catalogue need not be in order
        some = np.flatnonzero(~(low > np.partition(low, k - 1)[k - 1]))
        return np.asarray(some[np.argsort(low[some], kind="stable")][:k])
    return np.argsort(low, kind="stable")


def nobodys(model: Any, dataset: Any) -> np.ndarray:
    """Return which items nobody took, in held-out interactions neither: bool ``[n_items]``, padding is none.

    Of a model that reads texts only those with a text: of the others it knows nothing.
    """
    found = np.asarray(taken_in(dataset).sum(axis=0)).ravel() == 0
    found[0] = False
    if hasattr(model, "content_items"):
        found &= model.content_items().cpu().numpy()
    return found


def score(model: Any, dataset: Any, users: np.ndarray) -> np.ndarray:
    """Return the scores of all items for ``users`` ``[m]``, internal ids: float32 ``[m, n_items]``."""
    import torch
    from recbole.data.interaction import Interaction

    asked = Interaction({dataset.uid_field: torch.from_numpy(users)}).to(model.device)
    with torch.no_grad():
        try:
            found = model.full_sort_predict(asked)
        except NotImplementedError:
            found = torch.stack([_pairs(model, dataset, int(user)) for user in users])
    return np.array(found.view(len(users), -1).float().cpu().numpy())


def _pairs(model: Any, dataset: Any, user: int) -> Any:
    """Return the scores ``[n_items]`` of a model that scores pairs, which are given the columns of user and item."""
    import torch
    from recbole.data.interaction import Interaction

    items = torch.arange(dataset.item_num)
    pairs = Interaction({dataset.uid_field: torch.full_like(items, user), dataset.iid_field: items})
    return model.predict(dataset.join(pairs).to(model.device)).flatten()
