from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.errors import DataError
from recbole_ktrec.text.pairs import PairSampler, TextDomain


def domain(rows: list[list[int]], texts: list[str | None], **more: object) -> TextDomain:
    matrix = sp.lil_matrix((len(rows), len(texts)), dtype=np.float32)
    for user, items in enumerate(rows):
        matrix[user, items] = 1
    return TextDomain("toys", texts, matrix.tocsr(), **more)  # type: ignore[arg-type]


def test_pairs_are_of_one_user_and_in_both_directions() -> None:
    rows = [[0, 1, 2], [3, 4], [5]]
    batch = PairSampler(domain(rows, list("abcdef"))).co_consumed(300, np.random.default_rng(1))
    seen = set(zip(batch.first, batch.second, strict=True))
    inside = {(a, b) for a in "abc" for b in "abc" if a != b} | {("d", "e"), ("e", "d")}
    assert seen == inside, "every ordered pair of a user's items, and nothing else"


def test_heavy_users_are_drawn_by_the_root_of_their_items() -> None:
    rows = [list(range(100)), [100, 101, 102, 103]]
    sampler = PairSampler(domain(rows, [str(k) for k in range(104)]))
    draws = [sampler.co_consumed(500, np.random.default_rng(seed)).first for seed in range(8)]
    heavy = np.mean([int(text) < 100 for part in draws for text in part])
    assert heavy == pytest.approx(10 / 12, abs=0.02)


def test_what_either_user_took_is_no_negative() -> None:
    rows = [[0, 1, 2], [2, 3], [4, 5]]
    sampler = PairSampler(domain(rows, list("abcdef")))
    batch = sampler.co_consumed(40, np.random.default_rng(3))
    groups = [set("abc"), set("cd"), set("ef")]
    for i in range(40):
        for j in range(40):
            of_i = next(g for g in groups if {batch.first[i], batch.second[i]} <= g)
            of_j = next(g for g in groups if {batch.first[j], batch.second[j]} <= g)
            assert batch.known[i, j] == (batch.second[j] in of_i or batch.first[i] in of_j)


def test_items_of_one_text_are_one_item_and_those_without_none() -> None:
    rows = [[0, 1], [0, 2, 3], [3, 4]]
    batch = PairSampler(domain(rows, ["a", "a", None, "b", None])).co_consumed(50, np.random.default_rng(4))
    assert {frozenset(pair) for pair in zip(batch.first, batch.second, strict=True)} == {frozenset("ab")}
    assert batch.known.all()


def test_a_domain_without_pairs_is_named() -> None:
    with pytest.raises(DataError, match=r"\[toys\]: no user took two items with different texts"):
        PairSampler(domain([[0], [1, 2]], ["a", "b", "b"]))


def test_pairs_of_fields_come_once_and_equal_ones_are_no_negatives() -> None:
    fields = (("t1", "d1"), ("t2", "d2"), ("t3", "d1"))
    sampler = PairSampler(domain([[0, 1]], ["a", "b"], field_pairs=fields))
    batch = sampler.fields(10, np.random.default_rng(5))
    assert sorted(zip(batch.first, batch.second, strict=True)) == sorted(fields)
    for i in range(3):
        for j in range(3):
            assert batch.known[i, j] == (i == j or {batch.first[i], batch.first[j]} == {"t1", "t3"})


def test_a_text_is_no_negative_of_itself_whichever_field_it_is() -> None:
    fields = (("drama", "comedy"), ("toy story", "drama"), ("war", "epic"))
    batch = PairSampler(domain([[0, 1]], ["a", "b"], field_pairs=fields)).fields(10, np.random.default_rng(5))
    place = {pair: k for k, pair in enumerate(zip(batch.first, batch.second, strict=True))}
    one, other, third = (place[pair] for pair in fields)
    assert batch.known[one, other] and batch.known[other, one]
    assert not batch.known[third, [one, other]].any() and not batch.known[[one, other], third].any()


def test_the_same_generator_gives_the_same_pairs() -> None:
    sampler = PairSampler(domain([list(range(9))], list("abcdefghi")))
    one, two = (sampler.co_consumed(16, np.random.default_rng([7, 3])) for _ in range(2))
    assert one.first == two.first and one.second == two.second


def test_histories_hold_each_text_once_and_say_who_took_what_together() -> None:
    rows = [[0, 1, 2, 3], [3, 4], [5, 6]]
    sampler = PairSampler(domain(rows, list("abcdefg")))
    batch = sampler.histories(7, 3, np.random.default_rng(1))
    assert len(set(batch.texts)) == len(batch.texts) and not batch.together.diagonal().any()
    sets = [set("abcd"), set("de"), set("fg")]
    for i, one in enumerate(batch.texts):
        for j, other in enumerate(batch.texts):
            assert batch.together[i, j] == (i != j and any({one, other} <= own for own in sets))
    short = sampler.histories(2, 3, np.random.default_rng(2))
    assert len(short.texts) <= 3, "no more users than it takes"
