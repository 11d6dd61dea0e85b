"""What the models know of texts: vectors of the data set's items and users, lined up with RecBole's ids by token."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.atomic import check_separator, encoding_of
from recbole_ktrec.errors import ConfigError, DataError, one_of, switch
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.nn.recency import in_order
from recbole_ktrec.text import (
    EntityFile,
    ItemVectors,
    TextSettings,
    encode,
    history_documents,
    item_vectors,
)

_logger = logging.getLogger(__name__)
#: What ``user_text`` may be.
USER_TEXTS = ("none", "history_mean", "history_document", "columns")


def feature_file(config: Any, dataset: Any, kind: str) -> EntityFile:
    """Return the data set's ``.item`` or ``.user`` file.

    Raises:
        DataError: there is none, so there is no text to read.
    """
    check_separator(config)
    path = Path(dataset.dataset_path) / f"{dataset.dataset_name}.{kind}"
    if not path.is_file():
        raise DataError(
            f"[{path}] is missing: {config['model']} reads the text of {kind}s from it. "
            f"`ktrec convert` makes it. Without text: KTRec with fusion [id], KTEASE with prior [none]."
        )
    return EntityFile(path, config[f"{kind.upper()}_ID_FIELD"], encoding_of(config))


def tokens(dataset: Any, field: str) -> list[str]:
    """Return the outside names of the internal ids of ``field``; the first is ``[PAD]``."""
    return [str(token) for token in dataset.field2id_token[field]]


def shuffled_items(count: int, seed: int) -> np.ndarray:
    """Return whose text each item gets when texts are shuffled, ``[count]``; padding, item 0, keeps its own."""
    return np.append(0, 1 + np.random.default_rng(seed).permutation(count - 1))


def _order(config: Any, count: int) -> np.ndarray | None:
    """Return whose text each item gets, ``[count]``, or None where it keeps its own."""
    shuffled = config["shuffle_texts"]
    if shuffled is None or not switch("shuffle_texts", shuffled):
        return None
    return shuffled_items(count, int(config["seed"]))


def load_item_text(config: Any, dataset: Any) -> ItemVectors:
    """Return the vectors of the items' texts, row k for internal id k; with ``shuffle_texts``, of another item's."""
    file, settings = feature_file(config, dataset, "item"), TextSettings.from_mapping(config)
    found = _vectors(file, config, dataset, settings)
    if not found.has_text.any():
        _warn_of_no_text(file, settings)
    order = _order(config, len(found.has_text))
    if order is None:
        return found
    return replace(found, matrix=np.asarray(found.matrix)[order], has_text=found.has_text[order])


def _vectors(file: EntityFile, config: Any, dataset: Any, settings: TextSettings) -> ItemVectors:
    """Return the vectors of the texts of ``file``, row k for internal id k."""
    names, progress = tokens(dataset, file.id_column), bool(config["show_progress"])
    return item_vectors(file, names, settings, config["device"], progress)


def _warn_of_no_text(file: EntityFile, settings: TextSettings) -> None:
    """Say what was read: with vectors of zeros the run looks like any other."""
    read = ", ".join(one.name for one in file.fields(settings))
    there = ", ".join(one.name for one in file.header() if one.name != file.id_column)
    _logger.warning(
        f"No item has a text, so texts say nothing here: the columns read, [{read}], are empty, or [{file.path}] has "
        f"none of the items that were taken. Check text_fields and [{file.id_column}]; the columns of the file are "
        f"[{there}]."
    )


def load_texts(config: Any, dataset: Any) -> list[str | None]:
    """Return the items' texts themselves, entry k for internal id k; None where there is none."""
    file = feature_file(config, dataset, "item")
    texts = file.texts(tokens(dataset, file.id_column), TextSettings.from_mapping(config))
    order = _order(config, len(texts))
    return texts if order is None else [texts[one] for one in order]


def load_user_text(config: Any, dataset: Any, interactions: sp.csr_matrix) -> ItemVectors | None:
    """Return the vectors of the users' own texts as ``user_text`` says, or None where it needs none.

    Raises:
        ConfigError: ``user_text`` is not one of the known kinds, or ``user_text_fields`` names no columns.
        DataError: the ``.user`` file lacks one of them, or holds no text.
    """
    kind = one_of("user_text", config["user_text"], USER_TEXTS)
    if kind == "columns":
        try:
            return _columns(config, dataset)
        except (ConfigError, DataError) as error:  # which name the key that is read for items
            raise type(error)(str(error).replace("text_fields", "user_text_fields")) from error
    if kind == "history_document":
        return _documents(config, dataset, interactions)
    return None


def _columns(config: Any, dataset: Any) -> ItemVectors:
    return _vectors(
        feature_file(config, dataset, "user"), config, dataset, TextSettings.from_mapping(_UserView(config))
    )


class _UserView:
    """The configuration as the text room reads it for users: ``user_text_fields`` stands for ``text_fields``."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def __getitem__(self, key: str) -> Any:
        if key == "text_template":
            return None
        return self.config["user_text_fields" if key == "text_fields" else key]


def _documents(config: Any, dataset: Any, interactions: sp.csr_matrix) -> ItemVectors:
    texts, places = load_texts(config, dataset), TrainingInteractions.of(dataset).places
    items = interactions.indices if places is None else in_order(places)[1]
    histories: Sequence[Sequence[str | None]] = [
        [texts[item] for item in history] for history in np.split(items, interactions.indptr[1:-1])
    ]
    documents = history_documents(histories, config["user_document_items"])
    encoded = encode(documents, TextSettings.from_mapping(config), config["device"], bool(config["show_progress"]))
    has_text = np.array([text is not None for text in documents], dtype=bool)
    missing = int((~has_text[1:]).sum())  # user 0 is [PAD]
    return ItemVectors(encoded.matrix, has_text, encoded.fingerprint, missing, encoded)
