"""Splits: who goes where, known counts, and what must never leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.splits import (
    HISTORY,
    TEST,
    TRAIN,
    VALID,
    SplitSpec,
    assign,
    counts_by_ratio,
    describe,
    fingerprint,
    pair_fingerprint,
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """2,000 interactions of 100 users with 50 items, in the order of their time."""
    rng = np.random.default_rng(0)
    pairs = rng.permutation([(u, i) for u in range(100) for i in range(50)])[:2000]
    users, items = pairs.astype(str).T
    return pd.DataFrame({"user": users, "item": items, "row": np.arange(2000), "time": np.arange(2000.0)})


def test_counts_follow_recbole() -> None:
    from recbole.data.dataset import Dataset

    for total in range(1, 400):
        ends = [*Dataset._calcu_split_ids(None, total, [0.8, 0.1, 0.1]), total]
        assert list(np.cumsum(counts_by_ratio(total))) == ends, total


def test_cold_items_have_no_training_row_and_tuning_never_sees_those_of_test(frame: pd.DataFrame) -> None:
    parts = assign(frame, SplitSpec("cold_item", 0.2, seed=1))
    items = [set(frame["item"][parts == part]) for part in (TRAIN, VALID, TEST)]
    counts = describe(frame, parts)
    assert counts["items_without_training"] == 10
    assert len((items[1] - items[0]) & (items[2] - items[0])) == 0
    assert len(items[1] - items[0]) == len(items[2] - items[0]) == 5
    warm = frame["item"].isin(items[0])
    expected = [counts_by_ratio(n)[1] for n in frame["user"][warm].value_counts()]
    assert (parts[warm] == VALID).sum() == (parts[warm] == TEST).sum() == sum(expected)


def test_cold_users_appear_only_with_history_and_test(frame: pd.DataFrame) -> None:
    parts = assign(frame, SplitSpec("cold_user", 0.3, seed=1))
    cold = set(frame["user"][parts == HISTORY])
    assert len(cold) == 30
    assert set(np.unique(parts[frame["user"].isin(cold)])) == {TEST, HISTORY}
    assert (parts[frame["user"].isin(cold)] == HISTORY).mean() == pytest.approx(0.8, abs=0.03)
    per_user = frame[frame["user"].isin(cold)].assign(part=parts[frame["user"].isin(cold)]).groupby("user")["part"]
    assert per_user.nunique().eq(2).all(), "every cold user has a history and a target"


def test_time_never_looks_ahead_and_keeps_ties_together(frame: pd.DataFrame) -> None:
    tied = frame.assign(time=frame["time"] // 7)
    parts = assign(tied, SplitSpec("time", 0.2))
    time = tied["time"].to_numpy()
    assert time[parts == TRAIN].max() < time[parts == VALID].min()
    assert time[parts == VALID].max() < time[parts == TEST].min()
    assert (parts == TRAIN).mean() == pytest.approx(0.8, abs=0.01)
    assert (parts == TEST).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("kind", ["cold_item", "cold_user"])
def test_the_seed_decides(frame: pd.DataFrame, kind: str) -> None:
    first, again, other = (assign(frame, SplitSpec(kind, 0.2, seed)) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_bad_requests_say_what_is_wrong(frame: pd.DataFrame) -> None:
    with pytest.raises(ConfigError, match=r"Unknown split \[cold_items\].*Did you mean \[cold_item\]"):
        SplitSpec("cold_items")
    with pytest.raises(ConfigError, match="share"):
        SplitSpec("time", share=1.0)
    with pytest.raises(DataError, match="needs a time column"):
        assign(frame.drop(columns="time"), SplitSpec("time"))
    with pytest.raises(DataError, match=r"Line \[4\] of the \.inter file has no time"):
        assign(frame.assign(time=frame["time"].where(frame.index != 2)), SplitSpec("time"))
    filtered = frame[frame.index != 1].iloc[::-1]
    with pytest.raises(DataError, match=r"Line \[4\]"):
        assign(filtered.assign(time=filtered["time"].where(filtered["row"] != 2)), SplitSpec("time"))
    steps = frame.assign(time=frame.groupby("user").cumcount())
    with pytest.raises(DataError, match="each user's own steps"):
        assign(steps, SplitSpec("time"))
    with pytest.raises(DataError, match=r"All times are \[7\]"):
        assign(frame.assign(time=7.0), SplitSpec("time"))
    with pytest.raises(DataError, match=r"leaves no \[train\]"):
        assign(
            frame.assign(time=1.0 + (frame.index == 5), user=frame["user"].where(frame.index != 5, "x")),
            SplitSpec("time"),
        )


def test_fingerprint_knows_content_not_order() -> None:
    assert fingerprint(["a", "b"]) == fingerprint(["b", "a"]) != fingerprint(["ab"])
    assert pair_fingerprint(["u", "v"], ["i", "j"]) != pair_fingerprint(["u", "v"], ["j", "i"])
