"""Word features of item texts: brand, series and author names, which a small language model blurs."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sp

_WORD = re.compile(r"\w+")


def words_and_pairs(text: str) -> Iterator[str]:
    """Yield the lower-case words of ``text`` and each two that stand side by side."""
    words = _WORD.findall(text.lower())
    yield from words
    yield from (f"{first} {second}" for first, second in zip(words, words[1:], strict=False))


def _counts(texts: Sequence[str | None]) -> sp.csr_matrix:
    """Return ``1 + log(count)`` of each feature, float32 ``[n, features]``; rows without a text are empty."""
    known: dict[str, int] = {}
    columns: list[int] = []
    values: list[float] = []
    ends = [0]
    for text in texts:
        for feature, count in Counter(words_and_pairs(text or "")).items():
            columns.append(known.setdefault(feature, len(known)))
            values.append(1 + math.log(count))
        ends.append(len(columns))
    return sp.csr_matrix((np.array(values, dtype=np.float32), columns, ends), (len(texts), len(known)))


def tf_idf(texts: Sequence[str | None], idf_power: float = 1.5, most: float = 0.2) -> sp.csr_matrix:
    """Return TF-IDF rows of length 1 of words and word pairs (Salton and Buckley 1988), float32 ``[n, features]``.

    Args:
        texts: one an item; None for an item without a text, whose row stays zero.
        idf_power: above 1, rare features count more than with the plain logarithm.
        most: features of more than this share of the items are left out (no less than 20 items), they say little and
            cost most; so are those of a single item, which link nothing.
    """
    counts = _counts(texts)
    found = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero((found >= 2) & (found <= max(most * len(texts), 20)))
    idf = np.log((1 + len(texts)) / (1 + found[kept])) ** idf_power
    weighted = counts[:, kept] @ sp.diags(idf.astype(np.float32))
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags((1 / np.maximum(norms, 1e-9)).astype(np.float32)) @ weighted)
