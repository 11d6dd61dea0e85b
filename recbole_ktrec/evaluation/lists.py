"""What recommendation lists are like beside being right: coverage, novelty, diversity. Arrays in, numbers out."""

from __future__ import annotations

import numpy as np


def catalogue_coverage(items: np.ndarray, n_items: int) -> float:
    """Share of the catalogue that appears in any list (aggregate diversity; Herlocker et al., TOIS 2004).

    Args:
        items: item ids, shape (n_lists, k), or any array of ids; negative ids are ignored.
        n_items: real items in the catalogue (RecBole's padding item not counted).
    """
    return len(np.unique(items[items >= 0])) / n_items


def score_coverage(low: np.ndarray, high: np.ndarray, informed: np.ndarray) -> float:
    """Share of the catalogue for which the model can give a personal score at all (prediction coverage).

    An item counts when its score differs between users (``high > low``) and rests on something: training
    interactions, or content that the model reads. An identity that was never trained gives a score, but no information.

    Args:
        low: smallest score of each item over the users, shape (n_items,), padding item left out.
        high: largest score, same shape.
        informed: boolean, same shape.
    """
    return float(((high > low) & informed).mean())


def novelty(items: np.ndarray, counts: np.ndarray, n_users: int) -> np.ndarray:
    """Mean self-information of the recommended items (Zhou et al., PNAS 2010): mean of -log2 p(i).

    Args:
        items: item ids, shape (n_lists, k); negative ids (a list shorter than k) are ignored.
        counts: users who took each item in training, shape (n_items,); who took it again is one: p is none above 1.
        n_users: users in the training part; p(i) = (counts_i + 1) / (n_users + 1), so unseen items stay finite.

    Returns:
        Bits, shape (n_lists,).
    """
    information = -np.log2((counts + 1.0) / (n_users + 1.0))
    return np.nanmean(np.where(items >= 0, information[items], np.nan), axis=1)


def text_diversity(items: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Intra-list diversity (Ziegler et al., WWW 2005): one minus the mean cosine over the pairs of a list.

    Args:
        items: item ids, shape (n_lists, k), k >= 2.
        vectors: text vector of each item, shape (n_items, dim); a zero row is an item without text.

    Returns:
        Shape (n_lists,); items without text are left out, a list with fewer than two with text is NaN.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors, dtype=np.float64), where=norms > 0)
    with_text = (norms[:, 0] > 0)[items] & (items >= 0)
    n = with_text.sum(axis=1)
    total = np.stack([(unit[row[keep]].sum(axis=0) ** 2).sum() for row, keep in zip(items, with_text, strict=True)])
    pairs = n * (n - 1)
    return np.where(pairs > 0, 1 - (total - n) / np.maximum(pairs, 1), np.nan)


def mean_text_diversity(items: np.ndarray, vectors: np.ndarray) -> float:
    """Mean of :func:`text_diversity` over the lists that have one; NaN when none has."""
    values = text_diversity(items, vectors)
    return float("nan") if np.isnan(values).all() else float(np.nanmean(values))
