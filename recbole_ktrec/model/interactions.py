"""What users did, as the models read it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp


def binary_interactions(dataset: Any) -> sp.csr_matrix:
    """Return who took what in ``dataset``: 1 however often, float32 ``[n_users, n_items]``."""
    return (dataset.inter_matrix(form="csr") > 0).astype(np.float32).tocsr()
