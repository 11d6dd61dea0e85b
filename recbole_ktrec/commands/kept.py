"""What is made of a data set once, and kept as long as that is there: a service asks for it at each request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

Made = TypeVar("Made")


def kept(make: Callable[[Any], Made]) -> Callable[[Any], Made]:
    """Return ``make``, called once for each data set, and again where it holds other interactions than it did.

    What it makes must not hold the data set. Threads that ask at the same time may each make it.
    """
    found: WeakKeyDictionary[Any, tuple[Any, Made]] = WeakKeyDictionary()
    lock = Lock()  # of the dictionary alone: who asks for one data set need not wait for another

    @functools.wraps(make)
    def of(dataset: Any) -> Made:
        held = getattr(dataset, "inter_feat", None)
        with lock:
            before = found.get(dataset)
        if before is not None and before[0] is held:
            return before[1]
        made = make(dataset)
        with lock:
            found[dataset] = held, made
        return made

    return of
