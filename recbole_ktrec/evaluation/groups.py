"""Groups of items and users, defined by the training part alone and by tokens, so that every model has the same."""

from __future__ import annotations

import numpy as np

#: Which tenths of the items that have training interactions, the most popular first.
_TENTHS = {"head": slice(0, 1), "middle": slice(1, 5), "tail": slice(5, 10)}
#: Lower bounds of the user groups by number of training (or given) interactions.
HISTORY_BOUNDS = (0, 1, 5, 10, 20, 50, 100)


def item_groups(counts: np.ndarray, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Return masks over items.

    Args:
        counts: training interactions of each item, shape (n_items,); position 0 is RecBole's padding item.
        tokens: item tokens, shape (n_items,), which break ties of popularity whatever the item order.

    Returns:
        Name -> boolean mask (n_items,): ``warm``, ``cold`` (no training interaction), ``head`` (most popular tenth of
        the warm items), ``middle`` (second to fifth tenth), ``tail`` (the less popular half); groups without an item
        are left out.
    """
    real = np.arange(len(counts)) > 0
    warm = np.flatnonzero(real & (counts > 0))
    order = warm[np.lexsort((np.asarray(tokens)[warm].astype(str), -counts[warm]))]
    tenths = np.array_split(order, 10)
    groups = {"warm": warm, "cold": np.flatnonzero(real & (counts == 0))}
    groups |= {name: np.concatenate(tenths[part]) for name, part in _TENTHS.items()}
    return {name: np.isin(np.arange(len(counts)), members) for name, members in groups.items() if len(members)}


def user_groups(trained: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """Return masks over rows of users.

    Args:
        trained: training interactions of each row's user, shape (n_rows,).
        known: interactions that a model is given of each row's user, in training or at test time, same shape.

    Returns:
        ``warm users``, ``cold users`` (none in training), ``history 0``, ``history 1-4``, ... ``history 100+`` ->
        boolean mask (n_rows,); empty groups are left out.
    """
    place = np.searchsorted(HISTORY_BOUNDS, known, side="right") - 1
    masks = {"warm users": trained > 0, "cold users": trained == 0}
    masks |= {_history_name(i): place == i for i in range(len(HISTORY_BOUNDS))}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _history_name(i: int) -> str:
    low = HISTORY_BOUNDS[i]
    if i + 1 == len(HISTORY_BOUNDS):
        return f"history {low}+"
    high = HISTORY_BOUNDS[i + 1] - 1
    return f"history {low}" if low == high else f"history {low}-{high}"
