"""Users who took every item: RecBole can draw no others for them, and makes a sampler whether it is needed or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.source import Source


def refuse_full_users(source: Source, kind: str, entries: Sequence[Entry], dataset: Mapping[str, Any]) -> None:
    """Refuse data with a user who took every item, before RecBole ends the job of one row after the other for it.

    Args:
        kind: of the split; of ``cold_user`` the histories are kept from RecBole, which then tells of it itself.
        entries: the rows.
        dataset: settings of the data set.

    Raises:
        DataError: there is one, and a row that needs a sampler; the message names file, user and rows.
    """
    taken = source.frame.drop_duplicates(["user", "item"]).groupby("user", sort=False).size()
    most = source.frame["item"].nunique()
    rows = [entry.label for entry in entries if not _repeats(entry, dataset)]
    if kind != "cold_user" and taken.max() == most and rows:
        raise DataError(
            f"[{source.file('inter')}]: user [{taken.idxmax()}] took all [{most}] items, with which RecBole runs none "
            f'of {", ".join(rows)}. --user_inter_num_interval="[0,{most})" leaves out who took as many.'
        )


def _repeats(entry: Entry, dataset: Mapping[str, Any]) -> bool:
    """Whether RecBole's sampler may draw for a row what the user took before: for sequential models, if not told."""
    from recbole.utils import ModelType, get_model

    said = entry.settings(dataset).get("repeatable")
    return bool(get_model(entry.model).type == ModelType.SEQUENTIAL if said is None else said)
