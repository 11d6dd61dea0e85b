"""The users and items that a checkpoint knows by number, compared when it is loaded.

RecBole numbers users and items as they appear in the files, and a checkpoint holds the numbers alone: with a row more,
fewer or elsewhere, ``load_data_and_model`` gives a model whose scores are those of other items, without a word.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import DataError

#: The configuration key that goes into a checkpoint: field -> what :func:`digest` makes of its tokens.
KEY = "ids_sha256"


def digest(tokens: Iterable[object]) -> str:
    """SHA-256 of ids in the order of their numbers."""
    total = hashlib.sha256()
    for token in tokens:
        total.update(f"{token}\n".encode())
    return total.hexdigest()


def same_ids(quick_start: ModuleType) -> bool:
    """Let runs of ``recbole.quick_start`` note the ids, and refuse a checkpoint's data if they have changed."""
    original = quick_start.create_dataset  # type: ignore[attr-defined]

    @functools.wraps(original)
    def create_dataset(config: Any) -> Any:
        dataset = original(config)
        fields = [name for name in (dataset.iid_field, dataset.uid_field) if name in dataset.field2id_token]
        found = {name: digest(dataset.field2id_token[name]) for name in fields}
        check(config[KEY] or {}, found, str(config["dataset"]))
        config[KEY] = found
        return dataset

    quick_start.create_dataset = create_dataset  # type: ignore[attr-defined]
    return True


def check(trained: dict[str, str], found: dict[str, str], name: str) -> None:
    """Compare the ids of training with those of the data; nothing is said where training noted none.

    Raises:
        DataError: they differ.
    """
    for field, was in trained.items():
        if found.get(field, was) != was:
            raise DataError(
                f"Data set [{name}]: the ids of [{field}] are not those that the model was trained with (rows came, "
                "went or moved since, and a model knows users and items by number alone). Load it with the files of "
                "its training, or train again. Who came since: ktrec recommend --history, with those files."
            )
