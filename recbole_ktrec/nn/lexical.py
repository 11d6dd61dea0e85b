"""Terms of item texts: brand, series and author names, which a small language model blurs."""

from __future__ import annotations

import itertools
import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.matrices import heaviest
from recbole_ktrec.text.template import UNSPACED

_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_GRAM = 4
#: Words of a text that are read, the first ones: what a book's text is about is said by then.
_READ = 2000


def words_and_pairs(text: str) -> Iterator[str]:
    """Yield the lower-case words of ``text``, of the first two thousand, and each two that stand side by side."""
    words = _words(text)
    yield from words
    yield from _pairs(words)


def _words(text: str) -> list[str]:
    return [found.group() for found in itertools.islice(_WORD.finditer(text.lower()), _READ)]


def _pairs(words: Sequence[str]) -> Iterator[str]:
    return (f"{first} {second}" for first, second in zip(words, words[1:], strict=False))


def words_and_grams(text: str) -> Iterator[str]:
    """Yield :func:`words_and_pairs` and the runs of four characters of each word: ``<leg``, ``lego``, ``ego>``."""
    words = _words(text)
    yield from words
    yield from _pairs(words)
    for word in words:
        marked = f"<{word}>"
        yield from ("#" + marked[k : k + _GRAM] for k in range(max(1, len(marked) - _GRAM + 1)))


def term_counts(
    texts: Sequence[str | None], terms: Callable[[str], Iterator[str]] = words_and_pairs, most: float = 0.2
) -> sp.csr_matrix:
    """Return ``1 + log(count)`` of each term, float32 ``[n, terms]``; rows without a text are empty.

    Args:
        texts: one an item; None for an item without a text.
        terms: text -> its terms.
        most: terms of more than this share of the items are left out (no less than 20 items), they say little and cost
            most; so are those of a single item, which link nothing.
    """
    known: dict[str, int] = {}
    columns, values, ends = array("i"), array("f"), [0]  # a catalogue of long texts has tens of millions of them
    for text in texts:
        for term, count in Counter(terms(text or "")).items():
            columns.append(known.setdefault(term, len(known)))
            values.append(1 + math.log(count))
        ends.append(len(columns))
    parts = np.frombuffer(values, dtype=np.float32), np.frombuffer(columns, dtype=np.int32), np.array(ends)
    counts = sp.csr_matrix(parts, (len(texts), len(known)))
    found = np.bincount(counts.indices, minlength=counts.shape[1])
    return counts[:, np.flatnonzero((found >= 2) & (found <= max(most * len(texts), 20)))]


def idf(counts: sp.csr_matrix) -> np.ndarray:
    """Return ``log((1 + n) / (1 + n_t))^1.5`` of each term: rare terms count more than plainly."""
    found = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + found)) ** 1.5)


def weighted_rows(counts: sp.csr_matrix, weights: np.ndarray, most: int | None = None) -> sp.csr_matrix:
    """Return ``counts`` ``[n, terms]`` with each term weighted, rows of length 1 (empty ones stay empty).

    Args:
        weights: ``[terms]``, none negative.
        most: each row keeps its so many heaviest terms; None keeps all.
    """
    weighted = sp.csr_matrix(counts @ sp.diags(weights.astype(np.float32)))
    if most is not None:
        weighted = heaviest(weighted, most)
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return sp.csr_matrix(sp.diags((1 / np.maximum(norms, 1e-9)).astype(np.float32)) @ weighted)


def tf_idf(texts: Sequence[str | None], most: float = 0.2) -> sp.csr_matrix:
    """Return TF-IDF rows of length 1 of words and word pairs (Salton and Buckley 1988), float32 ``[n, terms]``.

    Args:
        texts: one an item; None for an item without a text, whose row stays zero.
        most: see :func:`term_counts`.
    """
    counts = term_counts(texts, most=most)
    return weighted_rows(counts, idf(counts))
