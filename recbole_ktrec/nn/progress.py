"""Progress bars of what takes long: there unless :func:`progress_shown` turns them off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from tqdm import tqdm

_shown: ContextVar[bool] = ContextVar("shown", default=True)


@contextlib.contextmanager
def progress_shown(shown: bool) -> Iterator[None]:
    """Show bars, or none, while the block runs (RecBole's ``show_progress``)."""
    before = _shown.set(shown)
    try:
        yield
    finally:
        _shown.reset(before)


def progress_bar(*args: Any, disable: bool, **kwargs: Any) -> tqdm:
    """Return a bar of ``tqdm`` that goes when it is done; none where ``disable`` or :func:`progress_shown` says so."""
    return tqdm(*args, disable=disable or not _shown.get(), leave=False, **kwargs)
