"""Groups of items and users."""

from __future__ import annotations

import numpy as np

from recbole_ktrec.evaluation.groups import item_groups, user_groups


def test_items_by_popularity() -> None:
    counts = np.array([0, *range(20, 0, -1), 0, 0])  # padding, 20 warm items from popular to rare, 2 cold ones
    groups = item_groups(counts, np.array([f"i{n}" for n in range(23)]))
    assert np.flatnonzero(groups["cold"]).tolist() == [21, 22]
    assert np.flatnonzero(groups["head"]).tolist() == [1, 2]
    assert np.flatnonzero(groups["middle"]).tolist() == list(range(3, 11))
    assert np.flatnonzero(groups["tail"]).tolist() == list(range(11, 21))
    assert groups["warm"].sum() == 20
    assert not any(mask[0] for mask in groups.values()), "padding belongs to no group"


def test_ties_go_by_token_whatever_the_item_order() -> None:
    counts, tokens = np.array([0, 3, 3, 3, 3]), np.array(["", "d", "a", "c", "b"])
    order = [0, 3, 1, 4, 2]
    one, two = item_groups(counts, tokens), item_groups(counts[order], tokens[order])
    assert set(tokens[one["head"]]) == set(tokens[order][two["head"]]) == {"a"}


def test_no_cold_group_without_cold_items() -> None:
    assert "cold" not in item_groups(np.array([0, 1, 2]), np.array(["", "a", "b"]))


def test_users_by_what_is_known_of_them() -> None:
    trained, known = np.array([0, 4, 5, 0, 300]), np.array([0, 4, 5, 12, 300])
    groups = user_groups(trained, known)
    assert groups["cold users"].tolist() == [True, False, False, True, False]
    assert {name for name in groups if name.startswith("history")} == {
        "history 0", "history 1-4", "history 5-9", "history 10-19", "history 100+",
    }  # fmt: skip
    assert groups["history 10-19"].tolist() == [False, False, False, True, False]
