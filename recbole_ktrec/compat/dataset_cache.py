"""RecBole takes a saved data set (``save_dataset``) for the same one although it is of another folder or split.

A data set splits itself by the settings that it was saved with, so that the test of one run could hold rows that its
model was trained on.
"""

from __future__ import annotations

from types import ModuleType

_KEYS = ("data_path", "eval_args")


def compare_origin_and_split(argument_list: ModuleType) -> bool:
    """Add what a saved data set is to be compared by; return False where it is compared already."""
    arguments = argument_list.dataset_arguments
    missing = [key for key in _KEYS if key not in arguments]
    arguments.extend(missing)
    return bool(missing)
