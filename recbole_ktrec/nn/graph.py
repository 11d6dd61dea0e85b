"""Smoothing of item vectors over the user-item graph (as LightGCN propagates, He et al. 2020, arXiv:2002.02126)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import unit_length


def normalised(interactions: sp.spmatrix) -> sp.csr_matrix:
    """Return ``D_u^-1/2 X D_i^-1/2`` of the binary ``[n_users, n_items]`` matrix X."""
    users = np.asarray(interactions.sum(axis=1)).ravel()
    items = np.asarray(interactions.sum(axis=0)).ravel()
    left, right = (sp.diags(1 / np.sqrt(np.maximum(degrees, 1))) for degrees in (users, items))
    return (left @ interactions @ right).tocsr().astype(np.float32)


def smooth_items(interactions: sp.spmatrix, vectors: np.ndarray, layers: int) -> np.ndarray:
    """Return the mean of ``vectors`` ``[n_items, dim]`` and their 1..``layers`` times smoothed selves, of length 1.

    One layer walks item -> users -> items. It is done once before training: smoothing is linear, and so are the towers
    that come after it, so a training batch costs what the batch holds and not the catalogue.
    Items without interactions keep their own vector.
    """
    adjacency = normalised(interactions)
    current, total = vectors, vectors.astype(np.float32, copy=True)
    for _ in range(layers):
        current = unit_length(adjacency.T @ (adjacency @ current))
        total += current
    return unit_length(total).astype(np.float32)
