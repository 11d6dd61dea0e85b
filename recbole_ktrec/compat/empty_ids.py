"""Interactions without a user or an item: RecBole takes rows for them that have both, once both sorts are there."""

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
