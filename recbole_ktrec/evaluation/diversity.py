"""Text diversity compares texts in one way for every row of a table, whatever texts a model reads itself."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from recbole_ktrec.errors import KTRecError
from recbole_ktrec.model.artifact_card import artifact_folder, read_card
from recbole_ktrec.text import TextSettings

#: What the vector of an item depends on.
_COMPARED = ("fields", "template", "missing", "encoder", "encoder_revision", "pooling", "prompt", "max_length", "dtype")


def shared_texts(data: Mapping[str, Any], row: Mapping[str, Any], reads: bool) -> dict[str, Any] | None:
    """Return the ``text_*`` keys of a data set for a row that has others, None where they come to the same.

    Args:
        data: configuration of the data set, the same for all rows.
        row: configuration of a row.
        reads: whether its model is one of the plugin, which takes the language model of an artifact.
    """
    if _compared(data) == _compared(row) and not (reads and _has_language_model(row)):
        return None
    return {key: value for key, value in data.items() if key in TextSettings.keys()}


def _compared(values: Mapping[str, Any]) -> list[Any]:
    settings = TextSettings.from_mapping(values)
    return [getattr(settings, name) for name in _COMPARED]


def _has_language_model(row: Mapping[str, Any]) -> bool:
    if row.get("pretrained"):
        with contextlib.suppress(KTRecError):  # the job says what is wrong
            return bool(read_card(artifact_folder(row)).get("language_model"))
    return False
