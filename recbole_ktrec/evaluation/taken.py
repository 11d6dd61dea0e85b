"""What a user took before is no candidate: RecBole sees to that for all models but sequential ones, which rank it too.

A sequential model that puts what is in the history at the top would be compared with others that may not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.evaluation.harness import is_sequential
from recbole_ktrec.evaluation.splits import TEST, TRAIN, VALID


def mask_taken(config: Any, loaders: tuple[Any, Any, Any]) -> None:
    """Take out of the candidates of a sequential model what each user took before, on validation and test data.

    What is asked for stays a candidate, as with the other models; with ``repeatable`` given, everything does.
    """
    if not is_sequential(config) or config.external_config_dict.get("repeatable"):
        return
    train, valid = (taken_in(loaders[code]._dataset, config) for code in (TRAIN, VALID))
    for loader, before in ((loaders[VALID], train), (loaders[TEST], train + valid)):
        part = loader._dataset
        fields = part.uid_field, part.iid_field, part.iid_field + config["LIST_SUFFIX"]
        loader.collate_fn = functools.partial(_masked, loader.collate_fn, before.tocsr(), *fields)


def taken_in(part: Any, config: Any) -> sp.csr_matrix:
    """Return how often the interactions of a part, and the histories that they come with, name an item.

    RecBole's parts for sequential models hold steps: the first item of a user is in their histories alone.

    Returns:
        ``[n_users, n_items]``.
    """
    rows, user = part.inter_feat, part.inter_feat[part.uid_field].numpy()
    row, history = _histories(rows, part.iid_field + config["LIST_SUFFIX"])
    users, items = np.append(user, user[row]), np.append(rows[part.iid_field].numpy(), history)
    return sp.csr_matrix((np.ones(len(users), dtype=np.int32), (users, items)), (part.user_num, part.item_num))


def _histories(rows: Any, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (row, item) of all that the histories of ``rows`` hold, without padding; nothing where they have none."""
    if field not in rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    histories = rows[field].numpy()
    row, place = histories.nonzero()
    return row, histories[row, place]


def _masked(
    collate: Callable[[Any], Any], before: sp.csr_matrix, user: str, item: str, history: str, index: Any
) -> tuple[Any, tuple[torch.Tensor, torch.Tensor], Any, Any]:
    """Return a batch of a full-ranking loader with places to mask: what ``before`` or the row's history holds."""
    rows, _, positive_row, positive_item = collate(index)
    known, own = before[rows[user].numpy()].tocoo(), _histories(rows, history)
    row, column = np.append(known.row, own[0]).astype(np.int64), np.append(known.col, own[1]).astype(np.int64)
    kept = column != rows[item].numpy()[row]
    return rows, (torch.from_numpy(row[kept]), torch.from_numpy(column[kept])), positive_row, positive_item
