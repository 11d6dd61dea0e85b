"""Interactions without a user or an item: RecBole takes rows for them that have both, once both sorts are there.

Without the columns of users and items it ends in a TypeError or KeyError of pandas.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

#: Rows that the warning names.
_NAMED = 10


def drop_first(module: ModuleType) -> bool:
    """Let ``Dataset._filter_nan_user_or_item`` find none: it drops by position what it found by label.

    After the rows without a user are gone the two are no longer the same, so for each row without an item it drops
    another one, and the row itself stays with the padding item, or it asks for a row beyond the end.
    """
    original = module.Dataset._filter_nan_user_or_item

    @functools.wraps(original)
    def _filter_nan_user_or_item(self: Any) -> None:
        fields = [field for field in (self.uid_field, self.iid_field) if field is not None]
        _refuse_absent(self, fields)
        missing = self.inter_feat[fields].isnull().any(axis=1)
        if missing.any():
            from recbole_ktrec.errors import counted

            lines = [int(label) + 2 for label in self.inter_feat.index[missing][:_NAMED]]
            more = " and others" if missing.sum() > _NAMED else ""
            self.logger.warning(
                f"Left out of {counted(len(missing), 'interaction')}, for they have no {' or no '.join(fields)} "
                f"(empty, or what pandas reads as missing): {int(missing.sum()):,}, lines {lines}{more}."
            )
            self.inter_feat = self.inter_feat[~missing]
        original(self)

    module.Dataset._filter_nan_user_or_item = _filter_nan_user_or_item
    return True


def _refuse_absent(dataset: Any, fields: list[str]) -> None:
    """Raise DataError if a column of ids was not loaded, which RecBole leaves out without a word and then misses."""
    from recbole_ktrec.errors import DataError

    loaded = [] if dataset.inter_feat is None else list(dataset.inter_feat.columns)
    if absent := [field for field in fields if field not in loaded]:
        load_col = dataset.config["load_col"]
        asked = "all of them" if load_col is None else load_col.get("inter", "none")
        raise DataError(
            f"Data set [{dataset.dataset_name}]: no column [{'], ['.join(absent)}] of its interactions was loaded. "
            f"USER_ID_FIELD is [{fields[0]}], ITEM_ID_FIELD [{fields[-1]}], load_col of inter is {asked}: the header "
            "of the .inter file must have both, and load_col, if it names columns, must name them."
        )
