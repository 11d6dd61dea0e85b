"""Six graph models build their adjacency matrix with ``dok_matrix._update``, which scipy 1.13 has dropped."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def _update(self: Any, data: Any) -> None:
    """Set many entries at once without checking them, as scipy 1.12 did. ``data``: {(row, column): value}."""
    self._dict.update(data)


def add_update(_model: ModuleType) -> bool:
    """Give ``dok_matrix`` its ``_update`` back; return False where it still has one."""
    from scipy.sparse import dok_matrix

    if hasattr(dok_matrix, "_update"):
        return False
    dok_matrix._update = _update
    return True
