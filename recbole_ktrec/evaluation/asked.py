"""The user-item pairs that every model of a comparison is asked about: held-out positives, drawn negatives, ratings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recbole_ktrec.atomic import iter_atomic, read_header
from recbole_ktrec.evaluation.answers import draw_negatives


@dataclass(frozen=True)
class Asked:
    """Pairs by RecBole's ids, each shape (n,): positives first, then their negatives.

    Attributes:
        users, items: ids.
        labels: 1 held out, 0 drawn.
        ratings: the rating of a positive, NaN for negatives and where there is none.
    """

    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray
    ratings: np.ndarray


def read_interactions(
    paths: Iterable[Path], fields: Sequence[str], rating: str | None, encoding: str = "utf-8"
) -> pd.DataFrame:
    """Read all interactions of a data set: columns ``user``, ``item``, ``rating`` (NaN: none).

    Args:
        paths: the ``.inter`` file, or those of the parts of a written split.
        fields: names of the user and the item column.
        rating: name of the rating column, if any.
        encoding: of the files.
    """
    frames = [_read(path, list(fields), rating, encoding) for path in paths]
    return pd.concat(frames, ignore_index=True).drop_duplicates(["user", "item"], keep="last", ignore_index=True)


def _read(path: Path, columns: list[str], rating: str | None, encoding: str) -> pd.DataFrame:
    has_rating = rating in {field.name for field in read_header(path, encoding)}
    rows = list(iter_atomic(path, [*columns, rating] if has_rating and rating else columns, encoding))
    frame = pd.DataFrame(rows, columns=["user", "item", "rating"][: 3 if has_rating else 2], dtype=object)
    frame["rating"] = pd.to_numeric(frame["rating"], errors="coerce") if has_rating else np.nan
    return frame


def of_parts(interactions: pd.DataFrame, users: np.ndarray, items: np.ndarray, taken: sp.csr_matrix) -> pd.DataFrame:
    """Return those of ``interactions`` that ``taken`` holds: a filter of rows may have left others of the file out.

    Args:
        users, items: tokens by id, padding left out.
        taken: by id, ``[n_users + 1, n_items + 1]``.
    """
    user, item = (
        pd.Index(tokens).get_indexer(interactions[name]) + 1 for name, tokens in (("user", users), ("item", items))
    )
    kept = (user > 0) & (item > 0)
    kept[kept] = np.asarray(taken[user[kept], item[kept]]).ravel() > 0
    return interactions[kept].reset_index(drop=True)


class Questions:
    """Draws the pairs of a part by tokens, so that every model is asked the same whatever its ids.

    Args:
        interactions: all parts, from :func:`read_interactions`.
        users, items: tokens by id, padding left out, shape (n_users,), (n_items,): ids are positions plus one.
        seed: seed of the draw.
    """

    def __init__(self, interactions: pd.DataFrame, users: np.ndarray, items: np.ndarray, seed: int) -> None:
        self.users, self.items, self.seed = pd.Index(users), pd.Index(items), seed
        self.user_rank = pd.Index(np.sort(users))
        self.item_rank = pd.Index(np.sort(items))
        known = interactions[interactions["user"].isin(users) & interactions["item"].isin(items)]
        self.known = np.unique(self._codes(known["user"], known["item"]))
        self.ratings = known.set_index(["user", "item"])["rating"]

    def _codes(self, users: pd.Series | np.ndarray, items: pd.Series | np.ndarray) -> np.ndarray:
        return self.user_rank.get_indexer(users).astype(np.int64) * len(self.item_rank) + self.item_rank.get_indexer(
            items
        )

    def median_rating(self, *held_out: Asked) -> float:
        """Return the median of the ratings that are not of the positives of ``held_out``."""
        pairs = [(self.users[one.users - 1], self.items[one.items - 1], one.labels == 1) for one in held_out]
        asked = [pd.MultiIndex.from_arrays([users[positive], items[positive]]) for users, items, positive in pairs]
        rest = self.ratings[~np.logical_or.reduce([self.ratings.index.isin(one) for one in asked])]
        return float((rest if rest.notna().any() else self.ratings).median())

    def ask(self, users: np.ndarray, items: np.ndarray, part: int) -> Asked:
        """Return the pairs for the positives (``users``, ``items``: tokens, shape (n,)) of a part (its code)."""
        codes = np.unique(self._codes(users, items))
        user, positive = np.divmod(codes, len(self.item_rank))
        negative = draw_negatives(user, self.known, len(self.item_rank), [self.seed, part])
        drawn = negative >= 0
        tokens = self.user_rank[user], self.item_rank[positive]
        ratings = self.ratings.reindex(pd.MultiIndex.from_arrays(tokens)).to_numpy(dtype=float)
        return Asked(
            self.users.get_indexer(tokens[0].append(tokens[0][drawn])) + 1,
            self.items.get_indexer(tokens[1].append(self.item_rank[negative[drawn]])) + 1,
            np.r_[np.ones(len(codes)), np.zeros(int(drawn.sum()))],
            np.r_[ratings, np.full(int(drawn.sum()), np.nan)],
        )
