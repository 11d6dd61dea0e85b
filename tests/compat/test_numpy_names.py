"""The dropped numpy names are set where they are missing, and only there."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from recbole_ktrec.compat.numpy_names import NAMES, add_names, missing_names


def test_what_is_missing_is_seen() -> None:
    bare = ModuleType("numpy")
    assert missing_names(bare) == list(NAMES)
    bare.float = float  # type: ignore[attr-defined]
    assert "float" not in missing_names(bare)


def test_recbole_s_names_are_there_before_any_config() -> None:
    import recbole

    assert np.float is np.float64 and np.bool is np.bool_  # type: ignore[attr-defined]
    assert np.dtype(np.long) == np.dtype(np.int_)  # type: ignore[attr-defined]
    assert recbole.__version__ and missing_names(np) == []


def test_nothing_is_set_twice() -> None:
    import recbole

    assert add_names(recbole) is False
