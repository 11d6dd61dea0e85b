"""With ``save_dataset`` RecBole takes a saved data set for the same one although it came from another ``data_path``."""

from __future__ import annotations

from types import ModuleType


def compare_data_path(argument_list: ModuleType) -> bool:
    """Add ``data_path`` to what a saved data set is compared by; return False where it is compared already."""
    if "data_path" in argument_list.dataset_arguments:
        return False
    argument_list.dataset_arguments.append("data_path")
    return True
