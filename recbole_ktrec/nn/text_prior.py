"""What texts say about pairs of items before anybody has interacted: a sparse matrix of alike items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.matrices import row_blocks
from recbole_ktrec.nn.progress import progress_bar

#: Numbers of a block of similarities: 64 MiB.
_BLOCK = 1 << 24
#: So many of them take long enough for a progress bar.
_MANY = 4
#: Items from whose neighbours the scale of a power is taken.
_SAMPLE = 256


def power_scale(vectors: np.ndarray, count: int, power: float) -> float:
    """Return the factor that gives ``cos^power`` of near items the mean that their cosine has.

    Without it a higher power would also make the vectors count for less beside the words.

    Args:
        vectors: rows of length 1 or 0, ``[n, dim]``; some of them stand for all.
        count: how many near items an item has.
    """
    if power == 1:
        return 1.0
    some = np.flatnonzero(vectors.any(axis=1))
    some = some[np.linspace(0, len(some) - 1, min(len(some), _SAMPLE)).astype(int)] if len(some) else some
    alike = np.maximum(vectors[some] @ vectors.T, 0)
    near = -np.partition(-alike, min(count, len(vectors) - 1), axis=1)[:, :count]
    raised = float((near**power).mean()) if near.size else 0.0
    return float(near.mean()) / raised if raised else 1.0


def _raised(cosines: np.ndarray, power: float, scale: float) -> np.ndarray:
    """Return ``scale * cos^power``, in the place of ``cosines`` ``[rows, n]``."""
    if power != 1:
        cosines **= np.float32(power)
        cosines *= np.float32(scale)
    return cosines


def _nearest(alike: np.ndarray, own: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return index and value of the ``count`` highest of each row but for that of the item ``own`` itself."""
    alike[np.arange(len(alike)), own] = 0
    best = torch.from_numpy(alike).topk(count, dim=1, sorted=False)  # four times as fast as numpy's argpartition
    return best.indices.numpy(), best.values.numpy()


def _prior(index: np.ndarray, value: np.ndarray, n: int) -> sp.csc_matrix:
    """Return the columns ``[n, c]`` whose entries are ``value`` at ``index``, ``[c, count]`` each."""
    wanted, count = index.shape
    prior = sp.csc_matrix((value.ravel(), index.ravel(), np.arange(wanted + 1) * count), shape=(n, wanted))
    prior.eliminate_zeros()
    prior.sort_indices()
    return prior


def blocks_of(columns: int, n: int) -> list[slice]:
    """Return which of so many columns of ``n`` rows are computed at a time."""
    return row_blocks(columns, max(1, _BLOCK // max(n, 1)))


def _nearest_of_forms(
    vectors: np.ndarray, words: sp.csr_matrix | None, count: int, forms: Sequence[tuple[float, float]],
    columns: np.ndarray,
) -> Iterator[tuple[int, slice, tuple[np.ndarray, np.ndarray]]]:  # fmt: skip
    """Yield what :func:`neighbours_of_forms` does, the columns as :func:`_nearest` gives them."""
    n = len(vectors)
    scales = {power: power_scale(vectors, count, power) for power, _ in forms}
    turned = None if words is None else words.T.tocsr()  # once: scipy would do it for each block
    for some in blocks_of(len(columns), n):
        own = columns[some]
        cosines = np.maximum(vectors[own] @ vectors.T, 0)
        shared = 0 if words is None else (words[own] @ turned).toarray()
        for power, scale in scales.items():
            raised = _raised(cosines.copy() if len(scales) > 1 else cosines, power, scale)
            for place in [place for place, form in enumerate(forms) if form[0] == power]:
                alike = raised + np.float32(forms[place][1]) * shared
                yield place, some, _nearest(alike, own, count)


def text_neighbours(
    vectors: np.ndarray,
    words: sp.csr_matrix | None = None,
    count: int = 500,
    lexical_weight: float = 0.3,
    power: float = 1.0,
) -> sp.csc_matrix:
    """Return the prior: column j holds how alike the ``count`` nearest items are to item j, zero elsewhere.

    Args:
        vectors: rows of length 1 or 0, float32 ``[n, dim]``.
        words: rows of length 1 or 0, ``[n, features]``, see :func:`recbole_ktrec.nn.lexical.tf_idf`.
        count: neighbours of an item; the memory is ``8 * n * count`` bytes.
        lexical_weight: weight of the words beside the vectors.
        power: the cosine of the vectors is raised to it (see :func:`power_scale`); above 1, close items count for more.

    Returns:
        float32 ``[n, n]``, zero where an item meets itself, values positive.
    """
    n = len(vectors)
    count, total, form = min(count, n - 1), len(blocks_of(n, n)), (power, lexical_weight)
    found = _nearest_of_forms(vectors, words if lexical_weight else None, count, [form], np.arange(n))
    # Filled in place: blocks that are put together at the end would take the memory twice.
    index, value = np.empty((n, count), dtype=np.int32), np.empty((n, count), dtype=np.float32)
    for _, some, (places, values) in progress_bar(found, "text neighbours", total, disable=total < _MANY):
        index[some], value[some] = places, values
    return _prior(index, value, n)


def neighbours_of_forms(
    vectors: np.ndarray, words: sp.csr_matrix | None, count: int, forms: Sequence[tuple[float, float]],
    columns: np.ndarray,
) -> Iterator[tuple[int, slice, sp.csc_matrix]]:  # fmt: skip
    """Yield the priors of several ``forms``, (power, lexical weight) each, some of the ``columns`` at a time.

    What forms have in common is computed once: all of them take a few times as long as :func:`text_neighbours` of one.

    Args:
        vectors, words, count: see there; words may be None where no form gives them a weight.
        columns: ids ``[c]`` of the items whose columns are wanted.

    Yields:
        the place of a form, which of the columns, and these ``[n, b]``.
    """
    n = len(vectors)
    for place, some, found in _nearest_of_forms(vectors, words, min(count, n - 1), forms, columns):
        yield place, some, _prior(*found, n)


def no_prior(n_items: int) -> sp.csc_matrix:
    """Return a prior that says nothing: KTEASE is then EASE."""
    return sp.csc_matrix((n_items, n_items), dtype=np.float32)
