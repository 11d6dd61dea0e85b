"""What texts say about pairs of items: words, neighbours, whitening, and cold items on the scale of known ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.cold_items import ColdItems, Rehearsal
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.fitted import Dense, as_matrices, scores_from
from recbole_ktrec.nn.lexical import idf, term_counts, tf_idf, weighted_rows, words_and_grams, words_and_pairs
from recbole_ktrec.nn.samples import Sample, masked_ndcg
from recbole_ktrec.nn.text_prior import neighbours_of_forms, power_scale, text_neighbours
from recbole_ktrec.nn.tuning import best_of, climb, plain_or_better
from recbole_ktrec.nn.whitening import whitened_text


@pytest.mark.parametrize("terms", [words_and_pairs, words_and_grams])
def test_of_very_long_texts_the_beginning_is_read(terms: Callable[[str], Iterator[str]]) -> None:
    long = " ".join(f"w{k}" for k in range(2500))
    assert {"w0", "w1999", "w1998 w1999"} <= set(terms(long)) and not {"w2000", "w1999 w2000"} & set(terms(long))


def test_words_and_pairs() -> None:
    assert list(words_and_pairs("Lego City-Set")) == ["lego", "city", "set", "lego city", "city set"]


def test_characters_of_scripts_without_blanks_are_words() -> None:
    assert list(words_and_pairs("中国 news")) == ["中", "国", "news", "中 国", "国 news"]


def test_runs_of_characters() -> None:
    assert list(words_and_grams("Legos 4")) == ["legos", "4", "legos 4", "#<leg", "#lego", "#egos", "#gos>", "#<4>"]


def test_a_row_keeps_its_heaviest_terms() -> None:
    counts = term_counts(["a b c", "a b c", "a b", None])
    assert counts.shape == (4, 5) and weighted_rows(counts, idf(counts)).nnz == 13
    rows = weighted_rows(counts, np.array([1, 2, 3, 4, 5]), most=2).toarray()
    np.testing.assert_allclose(rows[0], np.array([0, 0, 0, 4, 5]) / 41**0.5, rtol=1e-5)
    np.testing.assert_allclose(rows[2], np.array([0, 2, 0, 4, 0]) / 20**0.5, rtol=1e-5)
    assert not rows[3].any()


def test_rare_words_link_more_than_common_ones() -> None:
    common = [f"toy number{k}" for k in range(30)]
    rows = tf_idf(["toy lego", "toy barbie", "blue lego", None, *common])
    assert np.asarray(rows.multiply(rows).sum(axis=1)).ravel()[0] == pytest.approx(1, abs=1e-5)
    assert rows[3].nnz == 0
    alike = (rows @ rows.T).toarray()
    assert alike[0, 2] > 0.9 > alike[0, 1]  # [toy] is in most texts, so it is left out


def test_neighbours_are_the_nearest_by_brute_force() -> None:
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = tf_idf([" ".join(draw.choice(list("abcdefgh"), 3)) for _ in range(50)], most=1.0)
    found = text_neighbours(vectors, words, count=5, lexical_weight=0.3).toarray()
    alike = np.maximum(vectors @ vectors.T, 0) + 0.3 * (words @ words.T).toarray()
    np.fill_diagonal(alike, 0)
    for item in range(50):
        best = np.argsort(alike[:, item])[-5:]
        assert set(np.flatnonzero(found[:, item])) == set(best)
        np.testing.assert_allclose(found[best, item], alike[best, item], rtol=1e-4)


def test_power_keeps_the_weight_of_vectors_beside_words() -> None:
    """The order of neighbours' shares is squared, their mean stays."""
    turn = np.arccos([1.0, 0.8, 0.6])
    vectors = np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    near = np.sort(vectors @ vectors.T, axis=1)[:, ::-1]
    assert power_scale(vectors, 3, 1.0) == 1.0
    assert power_scale(vectors, 3, 2.0) == pytest.approx(near.mean() / (near**2).mean(), rel=1e-5)
    assert power_scale(np.zeros((3, 2), dtype=np.float32), 2, 2.0) == 1.0
    plain, squared = (text_neighbours(vectors, count=2, power=power).toarray() for power in (1.0, 2.0))
    assert squared[0, 1] / squared[0, 2] == pytest.approx((plain[0, 1] / plain[0, 2]) ** 2, rel=1e-4)


def test_item_without_text_has_no_neighbours() -> None:
    vectors = np.array([[0, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32)
    found = text_neighbours(vectors, count=3).toarray()
    assert found[0].sum() == found[:, 0].sum() == 0
    assert found[1, 2] == found[2, 1] == 1
    assert found[3].sum() == 0


def test_small_catalogue_keeps_its_neighbourhoods_when_whitened() -> None:
    """Fewer items than dimensions: without the shrinkage every two items would become equally unlike."""
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((4, 64))
    vectors = (centres[np.arange(32) % 4] + 0.3 * draw.standard_normal((32, 64))).astype(np.float32)
    has_text = np.ones(32, dtype=bool)
    has_text[31] = False
    same = np.arange(31)[:, None] % 4 == np.arange(31) % 4
    off = ~np.eye(31, dtype=bool)

    white = whitened_text(vectors, has_text, 0.5)
    assert not white[31].any()
    alike = white[:31] @ white[:31].T
    assert alike[same & off].mean() - alike[~same].mean() > 0.05


def test_catalogue_without_any_text_is_no_error() -> None:
    assert whitened_text(np.ones((3, 4), dtype=np.float32), np.zeros(3, dtype=bool), 0.5).tolist() == [[0] * 4] * 3


def test_ndcg_of_known_rankings() -> None:
    scores = np.array([[4.0, 3, 2, 1], [1, 2, 3, 4]], dtype=np.float32)
    known = torch.zeros(2, 4, dtype=torch.bool)
    wanted = torch.tensor([[True, False, False, False], [False, False, False, False]])
    assert masked_ndcg(scores, known, wanted) == pytest.approx(1)
    wanted[1, 2] = True  # second place
    assert masked_ndcg(scores, known, wanted) == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert masked_ndcg(scores, known, wanted, np.array([False, False, False, True])) == pytest.approx(1)


def test_climb_finds_the_top_with_few_trials() -> None:
    tried = []

    def score(value: float) -> float:
        tried.append(value)
        return -((value - 6) ** 2)

    assert climb(range(20), 4, score) == (0, 6)
    assert sorted(tried) == [3, 4, 5, 6, 7]
    assert best_of([1, 2, 3], lambda value: -abs(value - 2)) == (0, 2)


def test_plain_stays_unless_beaten_by_more_than_a_standard_error() -> None:
    users = {0.0: [0.2, 0.4, 0.3], 0.5: [0.7, 0.2, 0.2], 1.0: [0.3, 0.5, 0.3]}

    def by_user(value: float) -> np.ndarray:
        return np.array(users[value])

    assert plain_or_better([0.0, 0.5], by_user) == (
        pytest.approx(0.3),
        0.0,
    )  # +.5, -.2, -.1: better in the mean, by chance
    assert plain_or_better([0.0, 1.0], by_user) == (pytest.approx(1.1 / 3), 1.0)
    assert plain_or_better([0.5], by_user) == (pytest.approx(1.1 / 3), 0.5)


@pytest.fixture
def twin_topics() -> tuple[sp.csr_matrix, sp.csc_matrix, Sample]:
    """Two topics of 20 items each (item 0 is padding); a user takes items of one topic only."""
    draw = np.random.default_rng(0)
    rows = np.zeros((200, 41), dtype=np.float32)
    later = np.zeros_like(rows)
    for user in range(200):
        mine = draw.permutation(np.arange(1 + user % 2, 41, 2))
        rows[user, mine[:6]] = 1
        later[user, mine[6:8]] = 1
    same = (np.arange(41)[:, None] % 2 == np.arange(41) % 2) & ~np.eye(41, dtype=bool)
    same[0] = same[:, 0] = False
    training, prior = sp.csr_matrix(rows), sp.csc_matrix(same.astype(np.float32))
    return training, prior, Sample(training, sp.csr_matrix(later))


def test_rehearsal_puts_cold_items_among_known_ones(twin_topics: tuple[sp.csr_matrix, sp.csc_matrix, Sample]) -> None:
    interactions, prior, sample = twin_topics
    known = np.arange(41) > 0
    popularity = np.asarray(interactions.T @ interactions.toarray())

    def score(rows: sp.csr_matrix) -> np.ndarray:
        return np.asarray(rows @ popularity, dtype=np.float32)

    free = Rehearsal(sample, prior, known, 0.2, score).choose(warm_loss=1.0)
    strict = Rehearsal(sample, prior, known, 0.2, score).choose(warm_loss=0.0)
    assert free[1].cold_only == pytest.approx(strict[1].cold_only)
    assert free[1].cold > strict[1].cold
    assert strict[1].warm == pytest.approx(strict[1].warm_alone, rel=0.01)
    assert strict[1].warm > free[1].warm
    assert free[0].scale > 0 and {free[0].power, strict[0].power} <= {1.0, 0.7, 0.5}


@pytest.mark.parametrize("height", [0.0, 1.0])
def test_where_cold_items_may_cost_nothing_their_order_stays(
    height: float, twin_topics: tuple[sp.csr_matrix, sp.csc_matrix, Sample]
) -> None:
    _, prior, sample = twin_topics
    known = np.arange(41) > 0
    rehearsal = Rehearsal(sample, prior, known, 0.2, lambda rows: np.full(rows.shape, height, dtype=np.float32))
    level, measured = rehearsal.choose(warm_loss=-10.0)  # no level keeps so much
    assert 0 < level.scale < 1e-3 and measured.cold_only > 0
    assert (rehearsal.scores.own * np.float32(level.scale)).max() > 0


def test_cold_items_that_nothing_can_be_rehearsed_for_count_as_texts_do(
    twin_topics: tuple[sp.csr_matrix, sp.csc_matrix, Sample],
) -> None:
    interactions, prior, sample = twin_topics
    known = np.ones(41, dtype=np.float32)
    known[[0, 39, 40]] = 0
    few = Sample(*(sp.csr_matrix(part[:1] @ sp.diags(known)) for part in (sample.rows, sample.positives)))
    fit = Fit(sp.csr_matrix(interactions @ sp.diags(known)), prior, Options(prior_weight=0.07), few)
    cold = fit.cold_items(lambda rows: np.zeros(rows.shape, dtype=np.float32), fit.choice())
    assert list(cold.columns) == [39, 40] and cold.scale == 0.07


def test_power_levels_cold_items_alike_in_both_forms() -> None:
    prior = sp.csc_matrix(np.array([[0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    cold = replace(ColdItems.of(prior, np.array([False, True, True, False]), np.array([3])), scale=3.0, power=0.5)
    both = sp.csr_matrix([[0, 1.0, 1.0, 0]])
    scores = np.zeros((1, 4), dtype=np.float32)
    cold.fill(both, scores)
    assert scores[0, 3] == pytest.approx(3 * np.sqrt(4 + 1))  # own: 2^2 and 1^2
    matrix = np.zeros((4, 4), dtype=np.float32)
    replace(cold, scale=3.0**2, power=1.0).fill(sp.csr_matrix(np.eye(4, dtype=np.float32)), matrix)
    dense = Dense(matrix, cold.columns, 0.5)
    assert np.allclose(dense(both), scores) and np.allclose(scores_from(as_matrices(dense))(both), scores)
    assert Dense(np.full((1, 2), -1.0), np.array([1]), 0.5)(sp.csr_matrix([[1.0]])).tolist() == [[-1.0, 0.0]]


def test_cold_item_scores_like_its_neighbours() -> None:
    prior = sp.csc_matrix(np.array([[0, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32))
    cold = ColdItems.of(prior, np.array([False, True, True, False]), np.array([3]))
    scores = np.array([[0, 0, 10, 99]], dtype=np.float32)
    ColdItems(cold.columns, cold.own, cold.near, 2.0, 0.5).fill(sp.csr_matrix([[0, 1.0, 0, 0]]), scores)
    # own: 2^2 from item 1; neighbours: shares 16/17 and 1/17 of the scores 0 and 10.
    assert scores[0, 3] == pytest.approx(2 * (4 + 0.5 * 10 / 17))
    nobody = ColdItems.of(prior, np.zeros(4, dtype=bool), np.array([3]))
    nobody.fill(sp.csr_matrix([[0, 1.0, 0, 0]]), scores)
    assert scores[0, 3] == 4  # a history that is given later may hold items that nobody took in training


def test_several_forms_at_once_are_those_of_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(2)
    vectors = draw.standard_normal((12, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = tf_idf([f"word{n % 3} other{n % 4}" for n in range(12)])
    forms, columns = [(1.0, 0.0), (2.0, 0.5), (1.0, 1.5)], np.array([1, 4, 5, 9, 11])
    monkeypatch.setattr("recbole_ktrec.nn.text_prior._BLOCK", 24)  # two columns at a time
    found = np.zeros((len(forms), 12, len(columns)), dtype=np.float32)
    for place, some, prior in neighbours_of_forms(vectors, words, 6, forms, columns):
        found[place][:, some] = prior.toarray()
    for (power, weight), made in zip(forms, found, strict=True):
        alone = text_neighbours(vectors, words, 6, weight, power)[:, columns]
        np.testing.assert_allclose(made, alone.toarray(), atol=1e-6)
