"""The scores that lists are made of: of every item for some users, without what they took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from recbole_ktrec.commands.filtered import with_taken

if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems

_USERS = 256


def names_of(dataset: Any, unseen: UnseenItems | None) -> list[str]:
    """Return the ids of the items in the order of their scores; the first is padding."""
    return [*map(str, dataset.field2id_token[dataset.iid_field]), *([] if unseen is None else unseen.tokens)]


@dataclass(frozen=True)
class Request:
    """Whom lists are made for, and what these may hold.

    Attributes:
        model, dataset: of the checkpoint.
        users, ids: names, and numbers in the model, ``[n_users]``.
        rows: user -> numbers of the items that this one took beside those that ``dataset`` says.
        unseen, only_new: see :func:`recbole_ktrec.commands.recommend.recommend`.
    """

    model: Any
    dataset: Any
    users: Sequence[str]
    ids: np.ndarray
    rows: dict[str, list[int]]
    unseen: UnseenItems | None
    only_new: bool

    def scored(self) -> Iterator[tuple[Sequence[str], np.ndarray]]:
        """Yield some users after others with their scores ``[m, items]``, -inf where an item is not to be listed."""
        model, dataset, unseen = self.model, self.dataset, self.unseen
        taken, hidden = dataset.inter_matrix(form="csr"), ~nobodys(model, dataset) if self.only_new else [0]
        new = [] if unseen is None else unseen.tokens
        rows = with_taken(dataset, self.rows, {item: taken.shape[1] + place for place, item in enumerate(new)})
        starts = range(0, len(self.ids), _USERS)
        for start in tqdm(starts, desc="Users", unit=f"x{_USERS}", disable=len(starts) < 5, leave=False):
            part, some = self.ids[start : start + _USERS], self.users[start : start + _USERS]
            scores = score(model, dataset, part)
            scores[:, hidden] = -np.inf
            scores[taken[np.where(part < taken.shape[0], part, 0)].nonzero()] = -np.inf  # of padding: nothing
            if unseen is not None:
                scores = np.concatenate([scores, unseen.scores(part)], axis=1)
            for row, user in zip(scores, some, strict=True):
                row[rows.get(user, [])] = -np.inf
            yield some, scores


def nobodys(model: Any, dataset: Any) -> np.ndarray:
    """Return which items nobody took, in held-out interactions neither: bool ``[n_items]``, padding is none.

    Of a model that reads texts only those with a text: of the others it knows nothing.
    """
    found = np.asarray(dataset.inter_matrix(form="csr").sum(axis=0)).ravel() == 0
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
