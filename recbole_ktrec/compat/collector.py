"""RecBole calls ``.cpu()`` on all it has collected, but the ItemCoverage family of metrics collects plain numbers.

(ItemCoverage, AveragePopularity, GiniIndex, TailPercentage.)
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any


def keep_plain_values(collector: ModuleType) -> bool:
    """Make ``Collector.get_data_struct`` pass values that are no tensors through as they are."""
    original = collector.Collector.get_data_struct

    @functools.wraps(original)
    def get_data_struct(self: Any) -> Any:
        collected = self.data_struct._data_dict
        plain = {key: value for key, value in collected.items() if not hasattr(value, "cpu")}
        for key in plain:
            del collected[key]
        try:
            returned = original(self)
        finally:
            collected.update(plain)
        returned._data_dict.update(plain)
        return returned

    collector.Collector.get_data_struct = get_data_struct
    return True
