"""Splits for a transfer curve: a nested sample of users, or of interactions, to learn from; always the same questions.

The same test interactions are asked for at every share, and all items of the data set are candidates. What changes is
what a model may learn from, and be chosen on: the training and validation interactions of the sampled users (each test
user's whole training history is the query at scoring time), or a sample of all users' interactions (which is all that
is known of the histories then, at scoring time too). At share 0 nothing is learned, and the whole histories ask.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.prepare import WRITTEN_SETTINGS, Prepared, about_data, loaded_columns
from recbole_ktrec.evaluation.source import Source
from recbole_ktrec.evaluation.split_files import LISTED, write_split
from recbole_ktrec.evaluation.splits import (
    TEST,
    TRAIN,
    VALID,
    SplitSpec,
    assign,
    part_fingerprints,
    split_each_user,
)

KINDS = ("random", "cold_item")
#: What a share is a share of: whole histories of some users, or some interactions of every user's history.
SAMPLES = ("users", "interactions")
#: Parts beside RecBole's: training interactions that are query only, interactions that are only masked.
HISTORY, MASKED = "history", "masked"
#: Files of one column: every item (so that RecBole gives each an id), and those without a training interaction.
CANDIDATES, COLD = "candidates", "cold"
#: Goes up when the splits change.
FORMAT = 1


def base_parts(frame: pd.DataFrame, spec: SplitSpec) -> np.ndarray:
    """Return the part of every interaction at share 100, codes ``[n]``.

    Raises:
        ConfigError: the kind of split is not one of ``KINDS``.
    """
    if spec.kind not in KINDS:
        raise ConfigError(f"The split [{spec.kind}] has no transfer curve: one of {', '.join(KINDS)}.")
    if spec.kind == "cold_item":
        return assign(frame, spec)
    return split_each_user(pd.factorize(frame["user"], sort=True)[0], np.random.default_rng(spec.seed))


def learnable(frame: pd.DataFrame, parts: np.ndarray, percent: float, seed: int, sample: str = "users") -> np.ndarray:
    """Return which rows may be learned from, bool ``[n]``; those of a smaller share are among those of a larger one.

    Of ``interactions``, the share is one of the training interactions; a validation interaction is there where its user
    has one of them.
    """
    draw = np.random.default_rng([seed, 1])
    if sample == "users":
        users = np.array(sorted(frame["user"][parts == TRAIN].unique()))
        chosen = users[draw.permutation(len(users))[: math.ceil(len(users) * percent / 100)]]
        return frame["user"].isin(chosen).to_numpy() | (percent >= 100)
    there = np.zeros(len(frame), dtype=bool)
    for part in (TRAIN, VALID):
        rows = np.flatnonzero(parts == part)
        there[rows[draw.permutation(len(rows))[: math.ceil(len(rows) * percent / 100)]]] = True
    known = frame["user"].isin(frame["user"][there & (parts == TRAIN)].unique()).to_numpy()
    return (there & known) | (percent >= 100)


def masks_of(frame: pd.DataFrame, parts: np.ndarray, learns: np.ndarray, asks: bool = True) -> dict[str, np.ndarray]:
    """Return part name -> its rows, bool ``[n]``; ``asks``: what is not learned from is part of the queries."""
    asked = frame["user"].isin(frame["user"][parts == TEST].unique()).to_numpy()
    history = (parts == TRAIN) & ~learns & asked
    return {
        "train": (parts == TRAIN) & learns,
        "valid": (parts == VALID) & learns,
        "test": parts == TEST,
        HISTORY: history & asks,
        MASKED: ((parts == VALID) & ~learns & asked) | (history & (not asks)),
    }


def prepare_share(source: Source, spec: SplitSpec, percent: float, values: Mapping[str, Any], folder: Path,
                  sample: str = "users") -> Prepared:  # fmt: skip
    """Write the split of ``percent`` of the training users, or interactions, below ``folder`` and return it."""
    frame = source.frame
    with source.named():
        parts = base_parts(frame, spec)
    whole = sample == "users"
    masks = masks_of(frame, parts, learnable(frame, parts, percent, spec.seed, sample), asks=whole or percent == 0)
    name = f"{source.name}-{spec.tag}-{percent:g}pct{'' if whole else f'-{sample}'}"
    items = sorted(frame["item"].unique())
    described = asdict(spec) | {"percent": percent} | ({} if whole else {"sample": sample})
    counts, prints = _counts(frame, parts, masks), part_fingerprints(frame, masks, items)
    info = {"transfer_format": FORMAT, **source.origin, **described, "counts": counts, "fingerprints": prints}
    settings = {**WRITTEN_SETTINGS, **_all_items(source, values), "seed": spec.seed}
    if not masks["train"].any():
        settings["shuffle"] = False  # torch shuffles no empty data set
    lists = {CANDIDATES: items, COLD: sorted(set(items) - set(frame["item"][parts == TRAIN]))}
    write_split(source, folder / name, info, masks, set(items), {**about_data(values), **settings}, lists)
    return Prepared(name, str(folder.resolve()), described, source.digest, settings, counts, prints)


def _all_items(source: Source, values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with which every item gets an id, whoever's interactions are there."""
    user, item = source.fields["USER_ID_FIELD"], source.fields["ITEM_ID_FIELD"]
    columns = loaded_columns(values) or [user, item]
    return {
        "additional_feat_suffix": [CANDIDATES],
        "load_col": {"inter": columns, CANDIDATES: [LISTED]},
        "alias_of_item_id": [LISTED],
    }


def _counts(frame: pd.DataFrame, parts: np.ndarray, masks: Mapping[str, np.ndarray]) -> dict[str, int]:
    counts = {f"{part}_interactions": int(mask.sum()) for part, mask in masks.items()}
    return counts | {
        "users": int(frame["user"].nunique()),
        "items": int(frame["item"].nunique()),
        "interactions": len(frame),
        "learned_users": int(frame["user"][masks["train"]].nunique()),
        "test_users": int(frame["user"][masks["test"]].nunique()),
        "all_train_interactions": int((parts == TRAIN).sum()),
    }


def check_shares(shares: Sequence[float]) -> list[float]:
    """Return the shares in order, each once.

    Raises:
        ConfigError: there is none, or one is not from 0 to 100.
    """
    for share in shares:
        if not 0 <= share <= 100:
            raise ConfigError(f"The share [{share:g}] is no percentage from 0 to 100.")
    if not shares:
        raise ConfigError("A curve needs one share or more.")
    return sorted({float(share) for share in shares})
