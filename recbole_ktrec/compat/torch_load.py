"""RecBole's checkpoints hold its ``Config`` object, which torch 2.6 and newer refuse to unpickle by default.

So ``torch.load`` keeps its old default for the calls that RecBole's own modules make, and for nobody else's; and where
there is no GPU, these read one's checkpoint, too.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any


def _is_recbole(module: object) -> bool:
    return module == "recbole" or str(module).startswith("recbole.")


def default_is_safe(torch: ModuleType) -> bool:
    """Return whether ``torch.load`` refuses pickled objects unless told otherwise (torch 2.6 and newer)."""
    release = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
    return release >= (2, 6)


def relax_for_recbole(_utils: ModuleType) -> bool:
    """Wrap ``torch.load``; return False where its default does not need it, or where it is wrapped already."""
    import torch

    original = torch.load
    if not default_is_safe(torch) or hasattr(original, "for_recbole"):
        return False

    @functools.wraps(original)
    def load(*args: Any, **kwargs: Any) -> Any:
        asked = kwargs.get("weights_only") is not None or kwargs.get("pickle_module") is not None
        if not asked and _is_recbole(sys._getframe(1).f_globals.get("__name__")):
            kwargs["weights_only"] = False
            if len(args) < 2 and kwargs.get("map_location") is None and not torch.cuda.is_available():
                kwargs["map_location"] = "cpu"
        return original(*args, **kwargs)

    load.for_recbole = True  # type: ignore[attr-defined]
    torch.load = load
    return True
