"""What the models know of texts: vectors of the data set's items and users, lined up with RecBole's ids by token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.text import ItemVectors, TextSettings, entity_texts, history_documents, item_vectors


def feature_file(config: Any, dataset: Any, kind: str) -> Path:
    """Return the path of the data set's ``.item`` or ``.user`` file.

    Raises:
        DataError: there is none, so there is no text to read.
    """
    path = Path(dataset.dataset_path) / f"{dataset.dataset_name}.{kind}"
    if not path.is_file():
        raise DataError(
            f"[{path}] is missing: {config['model']} reads the text of {kind}s from it. "
            f"`ktrec convert` makes it, or set fusion to [id] for a model that reads no text."
        )
    return path


def tokens(dataset: Any, field: str) -> list[str]:
    """Return the outside names of the internal ids of ``field``; the first is ``[PAD]``."""
    return [str(token) for token in dataset.field2id_token[field]]


def load_item_text(config: Any, dataset: Any) -> ItemVectors:
    """Return the vectors of the items' texts, row k for internal id k."""
    field = config["ITEM_ID_FIELD"]
    path = feature_file(config, dataset, "item")
    return item_vectors(path, tokens(dataset, field), TextSettings.from_mapping(config), config["device"], field)


def load_user_text(config: Any, dataset: Any, interactions: sp.csr_matrix) -> ItemVectors | None:
    """Return the vectors of the users' own texts as ``user_text`` says, or None where it needs none.

    Raises:
        ConfigError: ``user_text`` is not one of the known kinds.
    """
    kind, kinds = config["user_text"], ("none", "history_mean", "history_document", "columns")
    if kind not in kinds:
        raise ConfigError(f"user_text [{kind}] is not one of {', '.join(kinds)}.{nearest(str(kind), kinds)}")
    settings = TextSettings.from_mapping(config)
    if kind == "columns":
        wanted = TextSettings.from_mapping(_UserView(config))
        path = feature_file(config, dataset, "user")
        return item_vectors(path, tokens(dataset, config["USER_ID_FIELD"]), wanted, config["device"],
                            config["USER_ID_FIELD"])  # fmt: skip
    if kind == "history_document":
        return _documents(config, dataset, interactions, settings)
    return None


class _UserView:
    """The configuration as the text room reads it for users: ``user_text_fields`` stands for ``text_fields``."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def __getitem__(self, key: str) -> Any:
        if key == "text_template":
            return None
        return self.config["user_text_fields" if key == "text_fields" else key]


def _documents(config: Any, dataset: Any, interactions: sp.csr_matrix, settings: TextSettings) -> ItemVectors:
    from recbole_ktrec.text import encode

    field = config["ITEM_ID_FIELD"]
    texts = entity_texts(feature_file(config, dataset, "item"), field, tokens(dataset, field), settings)
    histories: Sequence[Sequence[str | None]] = [
        [texts[item] for item in interactions.indices[start:stop]]
        for start, stop in zip(interactions.indptr[:-1], interactions.indptr[1:], strict=True)
    ]
    documents = history_documents(histories, config["user_document_items"])
    encoded = encode(documents, settings, config["device"])
    has_text = np.array([text is not None for text in documents], dtype=bool)
    return ItemVectors(encoded.matrix, has_text, encoded.fingerprint, int((~has_text).sum()), encoded)
