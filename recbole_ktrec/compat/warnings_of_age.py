"""What torch, pandas and scipy have to say about the age of RecBole's code: some ten lines a run, of no use to users.

What they announce is mended by the other remedies, or refused (pandas 3).
"""

from __future__ import annotations

import warnings
from types import ModuleType


def leave_out(_recbole: ModuleType) -> bool:
    """Leave out what points to RecBole's own modules: FutureWarnings, and UserWarnings of what is deprecated."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"recbole\.")
    warnings.filterwarnings("ignore", r".* is deprecated", UserWarning, module=r"recbole\.")
    return True
