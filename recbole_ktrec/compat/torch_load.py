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


def relax_for_recbole(_utils: ModuleType) -> bool:
    """Wrap ``torch.load``, which with an older torch serves those without a GPU alone; return False where it is."""
    import torch

    original = torch.load
    if hasattr(original, "for_recbole"):
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
