"""RecBole looks whether a folder exists and then makes it; of two processes that start together one fails."""

from __future__ import annotations

import os
from types import ModuleType

from recbole_ktrec.compat.hooks import replace


def ensure_dir(dir_path: str) -> None:
    """Make the folder unless it is there, whoever else is making it at the same time."""
    os.makedirs(dir_path, exist_ok=True)


def make_folders_together(utils: ModuleType) -> bool:
    """Let RecBole use ``ensure_dir`` of this module."""
    replace(utils, "ensure_dir", ensure_dir)
    return True
