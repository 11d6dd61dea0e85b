"""Whether one data set holds interactions or texts of another, told by a few of its hashes.

The smallest hashes of a set are a random sample of it (bottom-k, Broder, 1997); which of another set's hashes below the
largest of them are among them says how much of that other set is in this one. So the card of an artifact need not hold
the sources for a copy to be found that was sorted, filtered or named anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

#: Hashes that are kept of a set, and those of another set that must be comparable to say anything: of a source of a
#: million interactions a cut of 5,000 is found, of 64 KB a card.
_KEPT, _FEWEST = 4096, 20
#: Shares from which on two sets are told to be the same. Ids that count from 1 meet by chance, as often as such a pair
#: is taken at all; shops of one trade sell the same items.
SAME_INTERACTIONS, SAME_TEXTS = 0.3, 0.5
#: Odd, for one number of two: the fractional part of the golden ratio.
_MIX = np.uint64(0x9E3779B97F4A7C15)


def of_interactions(users: Sequence[Any], items: Sequence[Any]) -> np.ndarray:
    """Return a hash of each (user, item) pair by the ids of the files, ``[n]``: uint64."""
    user, item = (_hashes(ids) for ids in (users, items))
    both = user * _MIX ^ item
    return (both ^ both >> np.uint64(32)) * _MIX


def of_dataset(dataset: Any) -> np.ndarray:
    """Return a hash of each interaction of RecBole's ``dataset``, see :func:`of_interactions`."""
    fields = dataset.uid_field, dataset.iid_field
    tokens = (np.asarray(dataset.field2id_token[field])[np.asarray(dataset.inter_feat[field])] for field in fields)
    return of_interactions(*tokens)


def _hashes(values: Sequence[Any]) -> np.ndarray:
    codes, distinct = pd.factorize(np.asarray(values, dtype=object))
    return pd.util.hash_array(np.array([str(one) for one in distinct], dtype=object), categorize=False)[codes]


def sketch(hashes: np.ndarray) -> str:
    """Return the smallest of ``hashes`` as a card holds them: 16 hexadecimal digits each."""
    return np.unique(hashes)[:_KEPT].astype(">u8").tobytes().hex()


def read(sketched: str) -> np.ndarray:
    """Return the hashes of a :func:`sketch`, the smallest first.

    Raises:
        ValueError: it is none.
    """
    return np.frombuffer(bytes.fromhex(sketched), dtype=">u8").astype(np.uint64)


def part_in(hashes: np.ndarray, sketched: str) -> float:
    """Return which share of ``hashes`` the set of a :func:`sketch` holds, about; 0 where too few can be compared."""
    kept, mine = read(sketched), np.unique(hashes)
    if len(kept) >= _KEPT:  # else it is the whole set
        mine = mine[mine <= kept[-1]]
    return float(np.isin(mine, kept).mean()) if len(mine) >= _FEWEST else 0.0
