"""What the filters of the training left out: users with fewer interactions than it wanted, and rows of the others."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ktrec.atomic import encoding_of, iter_atomic
from recbole_ktrec.commands.kept import kept
from recbole_ktrec.nn.recency import in_order

if TYPE_CHECKING:
    from recbole_ktrec.model.interactions import TrainingInteractions


def rows_of(dataset: Any, users: Iterable[str]) -> dict[str, list[int]]:
    """Return what ``users`` took by the ``.inter`` files: ids of items, 0 for those that ``dataset`` does not know.

    Whom it knows is in it with all that he took, and so left out here, unless a filter leaves rows out (val_interval).
    """
    known, items = (dataset.field2token_id[field] for field in (dataset.uid_field, dataset.iid_field))
    cut = bool(dataset.config["val_interval"])
    asked = [user for user in dict.fromkeys(users) if cut or not known.get(user)]
    found = beside(dataset) if asked else {}
    return {user: [int(items.get(item, 0)) for item in found[user]] for user in asked if user in found}


def with_taken(
    dataset: Any, rows: Mapping[str, list[int]], users: Sequence[str], items: Mapping[str, int]
) -> dict[str, list[int]]:
    """Return ``rows``, user -> numbers of items, and what ``users`` took of new ``items``, id -> number."""
    found = {user: list(taken) for user, taken in rows.items()}
    took = beside(dataset) if items else {}
    for user in dict.fromkeys(users) if took else ():
        found[user] = [*found.get(user, ()), *(items[item] for item in took.get(user, ()) if item in items)]
    return found


@kept
def beside(dataset: Any) -> Mapping[str, Sequence[str]]:
    """Return user -> items of the rows of the ``.inter`` files whose user or item ``dataset`` does not know.

    Of all rows where a filter leaves rows out (val_interval). The files are read once for a data set, which stands for
    what they were: they may be replaced while lists are made.
    """
    own = getattr(dataset, "beside", None)
    return read_beside(dataset) if own is None else own


def read_beside(dataset: Any) -> dict[str, list[str]]:
    """Read what :func:`beside` returns from the files."""
    users, items = (dataset.field2token_id[field] for field in (dataset.uid_field, dataset.iid_field))
    cut, found = bool(dataset.config["val_interval"]), defaultdict[str, list[str]](list)
    for path in _inter_files(dataset):
        for user, item in iter_atomic(path, [dataset.uid_field, dataset.iid_field], encoding_of(dataset.config)):
            if cut or not users.get(user) or not items.get(item):
                found[user].append(item)
    return dict(found)


def _inter_files(dataset: Any) -> list[Path]:
    """Return the ``.inter`` file, or the parts of the split that it came in."""
    parts = [f".{part}" for part in dataset.config["benchmark_filename"] or ()] or [""]
    paths = [Path(dataset.dataset_path) / f"{dataset.dataset_name}{part}.inter" for part in parts]
    return [path for path in paths if path.is_file()]


def histories(dataset: Any, users: Iterable[str]) -> dict[str, np.ndarray]:
    """Return what ``users`` took as a model reads it: internal ids of items, the oldest first where times are loaded.

    All settings of the training hold (``val_interval``, ``threshold``), but for how much a user must have taken. Who
    took nothing that ``dataset`` knows is not there.
    """
    if dataset.config["user_inter_num_interval"] is None:
        return {}  # no filter of users: the others are in it
    rows, taken, numbers = _unfiltered(dataset)
    found = {}
    for user in users:
        row = rows.get(user, 0)
        items = taken.matrix[row].indices if taken.places is None else in_order(taken.places[row])[1]
        if row and (numbers[items] > 0).any():
            found[user] = numbers[items][numbers[items] > 0]
    return found


@kept
def _unfiltered(dataset: Any) -> tuple[Mapping[str, int], TrainingInteractions, np.ndarray]:
    """Return user -> row, the interactions without a filter of users, and the numbers of their items in ``dataset``."""
    from recbole.data import create_dataset

    from recbole_ktrec.model.interactions import TrainingInteractions

    config = copy.deepcopy(dataset.config)
    for key, value in (("user_inter_num_interval", None), ("save_dataset", False)):
        config[key] = value
    whole = create_dataset(config)
    taken, known = TrainingInteractions.of(whole), dataset.field2token_id[dataset.iid_field]
    numbers = np.array([known.get(item, 0) for item in whole.field2id_token[whole.iid_field]])
    return whole.field2token_id[whole.uid_field], taken, numbers
