"""The property file of a converted data set: what RecBole loads, what the plugin takes as text, how to split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from recbole_ktrec.atomic import Field
from recbole_ktrec.sources.tables import RATING, TIME


def property_file(
    name: str,
    source: str,
    fields: Mapping[str, Sequence[Field]],
    text_fields: Sequence[str],
    more: Mapping[str, object],
) -> str:
    """Return the YAML text of ``<name>.yaml``.

    Item texts stay out of ``load_col``: the plugin reads them from the ``.item`` file by item token.

    Args:
        fields: table -> its columns.
        text_fields: item columns that make up an item's text, in order.
        more: keys that are added or put in the place of those made here.
    """
    inter = [field.name for field in fields["inter"] if field.type in ("token", "float")]
    items = [field.name for field in fields.get("item", ())]
    timed = TIME in inter
    keys: dict[str, object] = {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id"}
    if RATING in inter:
        keys["RATING_FIELD"] = RATING
    if timed:
        keys["TIME_FIELD"] = TIME
    keys["load_col"] = {"inter": inter}
    if text := [each for each in text_fields if each in items]:
        keys["text_fields"] = text
    split = {"RS": [0.8, 0.1, 0.1]}
    keys["eval_args"] = {"split": split, "group_by": "user", "order": "TO" if timed else "RO", "mode": "full"}
    keys.update(more)
    head = f"# Property file of [{name}], made by `ktrec convert {source}`; the keys are RecBole's, but text_fields.\n"
    return head + yaml.safe_dump(keys, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
