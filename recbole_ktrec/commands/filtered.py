"""What the filters of the training left out: users with fewer interactions than it wanted, and rows of the others."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.atomic import encoding_of, iter_atomic
from recbole_ktrec.nn.recency import in_order


def rows_of(dataset: Any, users: Iterable[str]) -> dict[str, list[int]]:
    """Return what ``users`` took by the ``.inter`` files: ids of items, 0 for those that ``dataset`` does not know.

    Whom it knows is in it with all that he took, and so left out here, unless a filter leaves rows out (val_interval).
    """
    known, items = (dataset.field2token_id[field] for field in (dataset.uid_field, dataset.iid_field))
    cut = bool(dataset.config["val_interval"])
    asked, found = {user for user in users if cut or not known.get(user)}, defaultdict[str, list[int]](list)
    for user, item in _pairs(dataset) if asked else ():
        if user in asked:
            found[user].append(int(items.get(item, 0)))
    return dict(found)


def with_taken(dataset: Any, rows: Mapping[str, list[int]], items: Mapping[str, int]) -> dict[str, list[int]]:
    """Return ``rows``, user -> numbers of items, and what the ``.inter`` files say of ``items``, id -> number."""
    found = defaultdict[str, list[int]](list, {user: list(taken) for user, taken in rows.items()})
    for user, item in _pairs(dataset) if items else ():
        if item in items:
            found[user].append(items[item])
    return dict(found)


def _pairs(dataset: Any) -> Iterator[tuple[str, ...]]:
    """Yield user and item of each row of the ``.inter`` files."""
    for path in _inter_files(dataset):
        yield from iter_atomic(path, [dataset.uid_field, dataset.iid_field], encoding_of(dataset.config))


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
    from recbole.data import create_dataset

    from recbole_ktrec.model.interactions import TrainingInteractions

    config = copy.deepcopy(dataset.config)
    for key, value in (("user_inter_num_interval", None), ("save_dataset", False)):
        config[key] = value
    whole = create_dataset(config)
    taken, known = TrainingInteractions.of(whole), dataset.field2token_id[dataset.iid_field]
    numbers = np.array([known.get(item, 0) for item in whole.field2id_token[whole.iid_field]])
    found = {}
    for user in users:
        row = whole.field2token_id[whole.uid_field].get(user, 0)
        items = taken.matrix[row].indices if taken.places is None else in_order(taken.places[row])[1]
        if row and (numbers[items] > 0).any():
            found[user] = numbers[items][numbers[items] > 0]
    return found
