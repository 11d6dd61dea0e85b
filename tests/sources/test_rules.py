"""The rules over all interactions: against a plain Python version, and with known answers."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.sources.rules import Interactions, Rules, apply, busy_users, core, drop_equal, drop_repeated

Rows = list[tuple[int, int, int, int]]  # user, item, time, hash
rows_of = st.lists(st.tuples(*[st.integers(0, n) for n in (5, 6, 4, 1)]), max_size=60)


def interactions(rows: Rows, timed: bool = True) -> Interactions:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4)
    times = columns[:, 2].astype(float) if timed else None
    return Interactions(columns[:, 0].astype(np.int32), columns[:, 1].astype(np.int32), times, columns[:, 3])


def kept(found: Interactions) -> list[int]:
    return np.flatnonzero(found.keep).tolist()


@settings(deadline=None)
@given(rows_of, st.integers(0, 4), st.integers(0, 4))
def test_core_is_the_largest_part_in_which_all_have_enough(rows: Rows, users: int, items: int) -> None:
    found = interactions(rows)
    before = len(rows)
    taken = core(found, users, items)
    left = list(enumerate(rows))
    while True:
        pairs = {r[:2] for _, r in left}
        by_user, by_item = Counter(user for user, _ in pairs), Counter(item for _, item in pairs)
        fewer = [(i, r) for i, r in left if by_user[r[0]] >= users and by_item[r[1]] >= items]
        if len(fewer) == len(left):
            break
        left = fewer
    assert kept(found) == [i for i, _ in left] and taken == before - len(left)


@settings(deadline=None)
@given(rows_of)
def test_equal_rows_go_but_for_the_first(rows: Rows) -> None:
    found = interactions(rows)
    seen: set[tuple[int, int, int]] = set()
    wanted = []
    for i, (user, item, _, hashed) in enumerate(rows):
        if (user, item, hashed) not in seen:
            wanted.append(i)
        seen.add((user, item, hashed))
    assert drop_equal(found) == len(rows) - len(wanted) and kept(found) == wanted


@settings(deadline=None)
@given(rows_of, st.booleans(), st.booleans())
def test_one_row_for_each_pair(rows: Rows, last: bool, timed: bool) -> None:
    found = interactions(rows, timed)
    best: dict[tuple[int, int], int] = {}
    for i, (user, item, time, _) in enumerate(rows):
        old = best.get((user, item))
        newer = old is None or (last and (not timed or time >= rows[old][2]))
        older = old is not None and not last and timed and time < rows[old][2]
        if newer or older:
            best[user, item] = i
    drop_repeated(found, last)
    assert kept(found) == sorted(best.values())


def test_busy_users_by_day() -> None:
    day = 86_400
    rows = [(0, i, day - 1, i) for i in range(3)] + [(1, i, day * i, i) for i in range(4)] + [(2, 0, day, 0)]
    found = interactions(rows)
    assert busy_users(found, 2).tolist() == [True, False, False]
    assert busy_users(found, 3).tolist() == [False, False, False]


def test_apply_takes_rules_in_order_and_counts_each() -> None:
    rows = [(0, 0, 1, 1), (0, 0, 1, 1), (0, 1, 2, 2), (1, 0, 1, 3), (1, 2, 1, 4), (2, 2, 1, 5)]
    found = interactions(rows)
    taken = dict(apply(found, Rules(require_text=True, user_core=2, item_core=1), np.array([True, True, False])))
    assert taken == {"exact duplicate": 1, "item without text": 2, "outside the 2/1-core": 1}
    assert kept(found) == [0, 2]
    assert not list(apply(interactions(rows), Rules(duplicates="keep"), None))


def test_no_rows_at_all() -> None:
    found = interactions([])
    rules = Rules(max_per_day=1, user_core=2, item_core=2)
    assert sum(taken for _, taken in apply(found, rules, None)) == 0
    assert drop_repeated(interactions([]), True) == 0


@pytest.mark.parametrize(
    "wrong", [{"duplicates": "some"}, {"items": "none"}, {"scale": (5, 1)}, {"user_core": -1}, {"max_per_day": 0}]
)
def test_impossible_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Rules(**wrong)  # type: ignore[arg-type]
