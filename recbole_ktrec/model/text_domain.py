"""A RecBole data set as a source domain for the language model: its texts, and who took what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.item_text import feature_file, load_texts, tokens
from recbole_ktrec.text import TextDomain, TextSettings, chosen_fields, entity_texts


def text_domain(config: Any, dataset: Any) -> TextDomain:
    """Return the items' texts, all interactions of ``dataset``, and pairs of the first text field with the others.

    Raises:
        DataError: the ``.item`` file is missing or cannot be read.
    """
    texts = load_texts(config, dataset)
    return TextDomain(dataset.dataset_name, texts, binary_interactions(dataset), _field_pairs(config, dataset))


def _field_pairs(config: Any, dataset: Any) -> list[tuple[str, str]]:
    settings, field = TextSettings.from_mapping(config), config["ITEM_ID_FIELD"]
    path = feature_file(config, dataset, "item")
    fields = chosen_fields(path, field, settings)
    if len(fields) < 2:
        return []
    first, others = (
        entity_texts(path, field, tokens(dataset, field), replace(settings, fields=tuple(part), template=None))
        for part in (fields[:1], fields[1:])
    )
    return [(one, rest) for one, rest in zip(first, others, strict=True) if one and rest]
