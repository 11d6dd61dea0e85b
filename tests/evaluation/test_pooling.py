"""Values by user over seeds: their mean is the number of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recbole_ktrec.evaluation.pooling import ByUser, beside, differences, of_rows, pooled
from recbole_ktrec.evaluation.significance import compare


def rows(users: list[str], **columns: list[float]) -> ByUser:
    return of_rows(pd.DataFrame(columns, index=users))


def test_one_seed_and_one_row_a_user_stays_as_it_is() -> None:
    values = np.random.default_rng(0).random(50)
    found = pooled([rows([f"{n:02}" for n in range(50)], ndcg=list(values))])
    assert (found["ndcg"].to_numpy() == values).all(), "bit for bit: equal users must have no difference"


def test_the_mean_is_the_mean_of_the_seeds_means() -> None:
    first = rows(["a", "b", "c"], ndcg=[1.0, 0.0, 0.5], cold=[np.nan, 1.0, np.nan])
    second = rows(["a", "d"], ndcg=[0.25, 0.75])
    found = pooled([first, second])
    assert list(found.index) == ["a", "b", "c", "d"]
    assert found["ndcg"].mean() == pytest.approx((0.5 + 0.5) / 2)
    # a: (.5 + .5 * 4/3 + .5 - .25 * 4/2) / 2; d is not asked by the first seed: its mean stands for it
    assert found["ndcg"].tolist() == pytest.approx([0.5833333, 0.1666667, 0.5, 0.75])
    assert found["cold"].isna().tolist() == [True, False, True, True] and found["cold"]["b"] == 1


def test_a_user_with_more_pairs_weighs_more() -> None:
    share, pairs = pd.DataFrame({"accuracy": [1.0, 0.5]}, ["a", "b"]), pd.DataFrame({"accuracy": [1, 9]}, ["a", "b"])
    found = pooled([ByUser(share * pairs, pairs)])["accuracy"]
    assert found.mean() == pytest.approx(5.5 / 10)
    assert found.tolist() == pytest.approx([0.55 + (1 - 0.55) / 5, 0.55 + (4.5 - 9 * 0.55) / 5])


def test_rows_of_one_user_are_counted_each() -> None:
    one = rows(["a", "a", "b"], ndcg=[1.0, 0.0, 1.0])
    assert one.counts["ndcg"].to_dict() == {"a": 2, "b": 1}
    assert pooled([one])["ndcg"].mean() == pytest.approx(2 / 3)


def test_columns_of_other_users_stand_beside() -> None:
    both = beside(rows(["a"], ndcg=[1.0]), rows(["b"], accuracy=[0.5]))
    found = pooled([both])
    assert found.loc["a"].isna().tolist() == [False, True] and found.loc["b", "accuracy"] == 0.5


def test_one_user_with_many_pairs_is_one_user() -> None:
    """100 users of two pairs for whom both models are equal, and one of 200 where one model has 40 more right."""
    users, pairs = [f"{n:03}" for n in range(101)], np.r_[np.full(100, 2.0), 200.0]
    counts = pd.DataFrame({"accuracy": pairs}, users)
    right = [pd.DataFrame({"accuracy": pairs / 2 + np.r_[np.zeros(100), more]}, users) for more in (40, 0)]
    one, other = (ByUser(totals, counts) for totals in right)
    spread, flipped = differences([one], [other])
    assert spread.mean() == pytest.approx(40 / 400) and flipped.mean() == pytest.approx(40 / 400)
    assert np.count_nonzero(flipped) == 1 and compare(spread, flipped).p == 1


def test_differences_over_seeds_have_the_difference_of_the_means() -> None:
    first = [rows(["a", "b", "c"], ndcg=[1.0, 0.0, 0.5]), rows(["a", "d"], ndcg=[0.25, 0.75])]
    second = [rows(["a", "b", "c"], ndcg=[1.0, 0.5, 0.0]), rows(["a", "d"], ndcg=[0.25, 0.5])]
    spread, flipped = differences(first, second)
    wanted = pooled(first)["ndcg"].mean() - pooled(second)["ndcg"].mean()
    assert spread.mean() == pytest.approx(wanted) and flipped.mean() == pytest.approx(wanted)
    assert flipped.tolist() == pytest.approx([0, -0.5 / 3 * 2, 0.5 / 3 * 2, 0.25 / 2 * 2])
    fewer = [rows(["a", "b"], ndcg=[1.0, 0.5]), second[1]]
    assert all(a is b for a, b in [differences(first, fewer)]), "other questions: the same values for both"
