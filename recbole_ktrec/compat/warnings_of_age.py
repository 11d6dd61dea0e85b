"""What torch, pandas and scipy have to say about the age of RecBole's code: some ten lines a run, of no use to users.

What they announce is mended by the other remedies, or refused (pandas 3).
"""

from __future__ import annotations

import warnings
from types import ModuleType


def leave_out(_recbole: ModuleType) -> bool:
    """Leave out the FutureWarnings that point to RecBole's own modules."""
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"recbole\.")
    return True
