"""Random numbers of one step: the same whatever was drawn before, and nothing else is drawn differently after."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import torch

_lock = threading.RLock()


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch draw from ``seed`` inside, and go on afterwards as if nothing had been drawn.

    torch has one generator a device for all threads, so one such block runs at a time.
    """
    with _lock, torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
