"""What metrics need beside the lists: users of items, items whose content a model reads, text vectors of items."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recbole_ktrec.atomic import encoding_of
from recbole_ktrec.errors import DataError


def item_users(users: np.ndarray, items: np.ndarray, n_items: int) -> np.ndarray:
    """Different users of each item, shape (n_items,), from the ids of interactions, shape (n,) each."""
    pairs = np.unique(np.asarray(users, dtype=np.int64) * n_items + items)
    return np.bincount(pairs % n_items, minlength=n_items)


def content_items(model: Any, n_items: int) -> np.ndarray:
    """Mask (n_items,) of the items whose content ``model`` reads: what its ``content_items()`` says, else none."""
    ask = getattr(model, "content_items", None)
    if not callable(ask):
        return np.zeros(n_items, dtype=bool)
    return np.asarray(torch.as_tensor(ask()).cpu().numpy(), dtype=bool)


def text_vectors(config: Any, dataset: Any, texts: Mapping[str, Any] | None = None) -> np.ndarray:
    """Text vectors by item id, shape (n_items, dim), zero for padding and items without text.

    Args:
        config, dataset: RecBole's.
        texts: ``text_*`` keys in place of those of ``config``.

    Raises:
        DataError: the data set has no ``.item`` file.
    """
    from recbole_ktrec.text import EntityFile, TextSettings, item_vectors

    path = Path(config["data_path"]) / f"{config['dataset']}.item"
    if not path.is_file():
        raise DataError(f"TextDiversity needs item text, and there is no file [{path}].")
    tokens = [str(token) for token in dataset.field2id_token[dataset.iid_field]]
    settings = TextSettings.from_mapping(config if texts is None else texts)
    file = EntityFile(path, dataset.iid_field, encoding_of(config))
    return np.asarray(item_vectors(file, tokens, settings, "cpu", False).matrix)
