"""Splits beside RecBole's own: the part that each interaction belongs to, from user, item and time columns alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.nn.recency import one_clock

#: The kinds that RecBole makes itself from its seed (RS and LS), and those that are written as benchmark files.
NATIVE_KINDS = ("random", "leave_one_out")
WRITTEN_KINDS = ("cold_item", "cold_user", "time")
KINDS = NATIVE_KINDS + WRITTEN_KINDS
#: Part names by their code in the arrays of :func:`assign`.
PARTS = ("train", "valid", "test", "history")
TRAIN, VALID, TEST, HISTORY = range(4)
#: RecBole's default ratios for interactions that are neither cold nor split by time.
RATIOS = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class SplitSpec:
    """What a split is made from.

    Args:
        kind: one of :data:`KINDS`.
        share: share held out, in (0, 1): of the items (``cold_item``), of the users (``cold_user``), of the
            interactions (``time``); no meaning for the native kinds.
        seed: seed of the draw (``time`` draws nothing).
    """

    kind: str = "random"
    share: float = 0.2
    seed: int = 2020

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"Unknown split [{self.kind}]: one of {', '.join(KINDS)}.{nearest(self.kind, KINDS)}")
        if not 0 < self.share < 1:
            raise ConfigError(f"share [{self.share}] must lie between 0 and 1.")

    @property
    def tag(self) -> str:
        """A name for folders: what distinguishes this split from others of the same data set."""
        if self.kind == "time":
            return f"time-{self.share:g}"
        return f"{self.kind}-{self.share:g}-{self.seed}" if self.kind in WRITTEN_KINDS else f"{self.kind}-{self.seed}"


def counts_by_ratio(total: int, ratios: tuple[float, ...] = RATIOS) -> list[int]:
    """Return how many of ``total`` rows go to each part, by RecBole's rule (``Dataset._calcu_split_ids``).

    Every part but the first is rounded down, but gets one row where the first can spare it.
    """
    counts = [int(ratio * total) for ratio in ratios]
    counts[0] = total - sum(counts[1:])
    for i in range(1, len(ratios)):
        if counts[0] <= 1:
            break
        if 0 < ratios[-i] * total < 1:
            counts[-i] += 1
            counts[0] -= 1
    return counts


def split_each_user(users: np.ndarray, rng: np.random.Generator, ratios: tuple[float, ...] = RATIOS) -> np.ndarray:
    """Part codes (n,) for rows of ``users`` (n,): a random 8:1:1 within each user."""
    order = np.lexsort((rng.random(len(users)), users))
    parts = np.empty(len(users), dtype=np.int8)
    bounds = np.flatnonzero(np.r_[True, users[order][1:] != users[order][:-1], True])
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        parts[order[start:stop]] = np.repeat(np.arange(len(ratios)), counts_by_ratio(stop - start, ratios))
    return parts


def _cold_item(frame: pd.DataFrame, spec: SplitSpec, rng: np.random.Generator) -> np.ndarray:
    """Cold items go to valid (half of them) or test (the others) with all their rows; the other rows are 8:1:1."""
    items, tokens = pd.factorize(frame["item"], sort=True)
    n_cold = max(2, round(spec.share * len(tokens)))
    cold = rng.permutation(len(tokens))[:n_cold]
    part_of_item = np.full(len(tokens), TRAIN, dtype=np.int8)
    part_of_item[cold[: n_cold // 2]], part_of_item[cold[n_cold // 2 :]] = VALID, TEST
    parts = part_of_item[items]
    warm = np.flatnonzero(parts == TRAIN)
    parts[warm] = split_each_user(pd.factorize(frame["user"], sort=True)[0][warm], rng)
    return parts


def _cold_user(frame: pd.DataFrame, spec: SplitSpec, rng: np.random.Generator) -> np.ndarray:
    """Cold users have no row in train or valid: 80 % of theirs are history, given at test time, 20 % are test."""
    users, tokens = pd.factorize(frame["user"], sort=True)
    able = np.flatnonzero(np.bincount(users) >= 2)
    n_cold = round(spec.share * len(tokens))
    if not 0 < n_cold < len(tokens):
        raise DataError(f"cold_user: share [{spec.share}] of [{len(tokens)}] users is [{n_cold}]: change the share.")
    if n_cold > len(able):
        raise DataError(f"cold_user needs [{n_cold}] users with two interactions or more; there are [{len(able)}].")
    cold = np.isin(users, rng.permutation(able)[:n_cold])
    parts = np.empty(len(frame), dtype=np.int8)
    parts[~cold] = split_each_user(users[~cold], rng)
    parts[cold] = np.where(split_each_user(users[cold], rng, (0.8, 0.2)) == 0, HISTORY, TEST)
    return parts


def check_times(frame: pd.DataFrame) -> None:
    """Refuse interactions without a time, which RecBole would give the mean one.

    Raises:
        DataError: there are some; the message names the line of the first and how to leave them out.
    """
    missing = np.isnan(frame["time"].to_numpy(dtype=float))
    if missing.any():
        line = int(frame["row"].to_numpy()[missing].min()) + 2  # the header is the first
        raise DataError(
            f'Line [{line}] of the .inter file has no time. val_interval: {{TIME: "[0,inf)"}} leaves out what has none '
            "(TIME is the column)."
        )


def _time(frame: pd.DataFrame, spec: SplitSpec, rng: np.random.Generator) -> np.ndarray:
    """Two points in time for all users: before the first is train, from the second on is test (ties stay together)."""
    if "time" not in frame:
        raise DataError("The time split needs a time column: set TIME_FIELD to a field of the .inter file.")
    check_times(frame)
    time = frame["time"].to_numpy(dtype=float)
    if time.min() == time.max():
        raise DataError(f"All times are [{time.min():g}]: they say nothing of before and after. Choose another split.")
    if not one_clock(pd.factorize(frame["user"])[0], time):
        raise DataError(
            f"Every user's first time is [{time.min():g}]: the time column counts each user's own steps. "
            "A point in time for all users needs a clock: choose another split."
        )
    ordered = np.sort(time)
    first = ordered[min(int((1 - spec.share) * len(time)), len(time) - 1)]
    second = ordered[min(int((1 - spec.share / 2) * len(time)), len(time) - 1)]
    return np.select([time < first, time < second], [TRAIN, VALID], TEST).astype(np.int8)


def assign(frame: pd.DataFrame, spec: SplitSpec) -> np.ndarray:
    """Return the part of every interaction.

    Args:
        frame: columns ``user``, ``item`` (tokens) and, for ``time``, ``time`` (numbers) and ``row`` (row of the file),
            one row an interaction.
        spec: a written kind; the draw depends on the rows, their order and the seed alone.

    Returns:
        Codes (n,) into :data:`PARTS`.

    Raises:
        ConfigError: the kind is RecBole's own.
        DataError: a part would be empty, or the time is missing.
    """
    if spec.kind not in WRITTEN_KINDS:
        raise ConfigError(f"RecBole makes the split [{spec.kind}] itself.")
    rng = np.random.default_rng(spec.seed)
    make = {"cold_item": _cold_item, "cold_user": _cold_user, "time": _time}[spec.kind]
    parts = make(frame, spec, rng)
    for code in (TRAIN, VALID, TEST):
        if not (parts == code).any():
            raise DataError(
                f"The split [{spec.kind}] with share [{spec.share}] leaves no [{PARTS[code]}] interaction: "
                f"change the share, or check the data ({len(frame)} interactions)."
            )
    return parts


def describe(frame: pd.DataFrame, parts: np.ndarray) -> dict[str, int]:
    """Count users, items and rows of each part, and who is cold (no training row)."""
    train = frame[parts == TRAIN]
    test = frame[parts == TEST]
    counts = {"users": frame["user"].nunique(), "items": frame["item"].nunique(), "interactions": len(frame)}
    counts |= {f"{name}_interactions": int((parts == code).sum()) for code, name in enumerate(PARTS)}
    counts |= {
        "repeated_pairs": int(frame.duplicated(["user", "item"]).sum()),
        "items_without_training": int(counts["items"] - train["item"].nunique()),
        "users_without_training": int(counts["users"] - train["user"].nunique()),
        "test_users": test["user"].nunique(),
        "test_interactions_of_cold_items": int((~test["item"].isin(train["item"])).sum()),
        "test_interactions_seen_in_training": repeated(test, train),
        "test_interactions_of_cold_users": int((~test["user"].isin(train["user"])).sum()),
    }
    return {key: int(value) for key, value in counts.items()}


def repeated(test: pd.DataFrame, train: pd.DataFrame) -> int:
    """Count the rows of ``test`` whose user and item stand in ``train`` too."""
    return len(test.merge(train[["user", "item"]].drop_duplicates(), on=["user", "item"]))


def fingerprint(lines: Iterable[str]) -> str:
    """SHA-256 of a set of lines whatever their order: two parts are the same when this is."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def pair_fingerprint(users: Iterable[str], items: Iterable[str]) -> str:
    """:func:`fingerprint` of user-item pairs."""
    return fingerprint(f"{user}\t{item}" for user, item in zip(users, items, strict=True))


def part_fingerprints(frame: pd.DataFrame, masks: Mapping[str, np.ndarray], items: Iterable[str]) -> dict[str, str]:
    """Return the fingerprints of the parts that RecBole reads, and of the ``items`` that are ranked.

    Args:
        frame: columns ``user`` and ``item``.
        masks: part -> which rows it holds, bool ``[n]``.
    """
    parts = {part: frame[masks[part]] for part in PARTS[:HISTORY]}
    found = {part: pair_fingerprint(rows["user"], rows["item"]) for part, rows in parts.items()}
    return {**found, "candidates": fingerprint(items)}
