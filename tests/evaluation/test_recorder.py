"""What the recorder takes from the scores is what RecBole's evaluator makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from recbole_ktrec.evaluation.recorder import AT_RANDOM, PairScores, Recorder, ranking_values, score_range

K = 5
CONFIG: dict[str, Any] = {
    "metrics": ["Recall", "MRR", "NDCG", "Hit", "Precision", "MAP"], "topk": [1, 3, K], "metric_decimal_place": 9,
    "device": torch.device("cpu"), "eval_args": {"mode": {"valid": "full"}},
}  # fmt: skip


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Scores (12, 20) with the padding masked, and positions of one to four positives a row."""
    draw = torch.Generator().manual_seed(3)
    scores = torch.randn(12, 20, generator=draw)
    scores[:, 0] = -torch.inf
    pairs = [(row, 1 + int(i)) for row in range(12) for i in torch.randperm(19, generator=draw)[: 1 + row % 4]]
    return scores, torch.tensor([row for row, _ in pairs]), torch.tensor([item for _, item in pairs])


def test_values_are_those_of_recbole(batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    import recbole.config  # noqa: F401  sets the numpy names that RecBole's metrics use
    from recbole.evaluator import Collector, Evaluator

    scores, row, item = batch
    collector, recorder = Collector(CONFIG), Recorder(K, {})
    with recorder.attached(collector, "u"):
        for part in (slice(0, 7), slice(7, 12)):
            inside = (row >= part.start) & (row < part.stop)
            users = {"u": torch.arange(part.start, part.stop)}
            collector.eval_batch_collect(scores[part], users, row[inside] - part.start, item[inside])
    theirs = Evaluator(CONFIG).evaluate(collector.get_data_struct())
    ours = ranking_values(CONFIG, torch.cat(recorder.hits["all"]).numpy())
    assert set(ours) == set(theirs) and len(ours) == 18
    assert {name: value.mean() for name, value in ours.items()} == pytest.approx(dict(theirs), abs=1e-9)
    assert np.concatenate(recorder.users).tolist() == list(range(12))
    assert "eval_batch_collect" not in vars(collector), "the collector is as it was"


def test_groups_among_all_and_among_their_own(batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    scores, row, item = batch
    mask = np.arange(20) % 2 == 1
    recorder = Recorder(K, {"odd": mask}, ["odd", "absent"])
    recorder.collect(scores, np.arange(12), row, item)
    among_all, among_own = recorder.hits["odd"][0], recorder.hits["odd only"][0]
    for user in range(12):
        wanted = {int(i) for i in item[row == user] if mask[i]}
        ranked = torch.argsort(scores[user], descending=True).tolist()
        own = [i for i in ranked if mask[i]][:K]
        assert among_all[user].tolist() == [int(i in wanted) for i in ranked[:K]] + [len(wanted)]
        assert among_own[user].tolist() == [int(i in wanted) for i in own] + [len(wanted)]
    assert "absent only" not in recorder.hits


def test_equal_scores_are_ranked_at_random_inside_a_group() -> None:
    mask = np.arange(41) > 0
    recorder = Recorder(10, {"all of them": mask}, ["all of them"])
    rows = torch.arange(2000)
    recorder.collect(torch.zeros(2000, 41), np.arange(2000), rows, torch.ones(2000, dtype=torch.long))
    assert recorder.hits["all of them only"][0][:, :10].sum() / 2000 == pytest.approx(10 / 40, abs=0.03)


def test_what_is_masked_is_in_no_list_of_a_group() -> None:
    recorder = Recorder(2, {"most": np.array([False, True, True, True, True])}, ["most"])
    scores = torch.tensor([[0.0, -torch.inf, 3.0, -torch.inf, 1.0]]).repeat(50, 1)
    recorder.collect(scores, np.arange(50), torch.arange(50), torch.full((50,), 2))
    assert recorder.hits["most only"][0].tolist() == [[1, 0, 1]] * 50


def test_a_group_smaller_than_the_list() -> None:
    recorder = Recorder(3, {"two": np.array([False, True, True])}, ["two"])
    recorder.collect(torch.tensor([[-torch.inf, 1.0, 2.0]]), np.array([1]), torch.tensor([0]), torch.tensor([1]))
    assert recorder.hits["two only"][0].tolist() == [[0, 1, 0, 1]]


def test_pair_scores_are_picked_by_user() -> None:
    pairs = PairScores(np.array([7, 5, 7, 9]), np.array([1, 2, 0, 1]))
    pairs.take(np.array([5, 7]), torch.tensor([[10.0, 11.0, 12.0], [20.0, 21.0, 22.0]]))
    assert pairs.scores == pytest.approx([21.0, 12.0, 20.0, np.nan], nan_ok=True)


def test_score_range_skips_masked_scores() -> None:
    scores = torch.tensor([[1.0, -torch.inf], [3.0, 5.0]])
    assert score_range(scores).tolist() == [[1.0, 5.0], [3.0, 5.0]]


def test_a_list_shorter_than_k_ends_where_nothing_is_left() -> None:
    recorder = Recorder(3, {})
    scores = torch.tensor([[-torch.inf, 2.0, -torch.inf, 1.0]])
    recorder.collect(scores, np.array([1]), torch.tensor([0]), torch.tensor([3]))
    assert recorder.items[0].tolist() == [[1, 3, -1]]
    assert recorder.hits["all"][0].tolist() == [[0, 1, 0, 1]]


def test_equal_scores_of_all_items_are_ranked_at_random_beside_recbole_s_order() -> None:
    recorder, rows = Recorder(10, {}, equals=True), torch.arange(2000)
    scores = torch.zeros(2000, 41)
    scores[:, 0] = -torch.inf
    scores[:, 40] = 1.0  # first in either order
    recorder.collect(scores, np.arange(2000), rows.repeat(2), torch.tensor([1, 40]).repeat_interleave(2000))
    ranked, at_random = recorder.hits["all"][0], recorder.hits[AT_RANDOM][0]
    assert at_random[:, 0].all() and ranked[:, 0].all()
    assert at_random[:, 1:10].sum() / 2000 == pytest.approx(9 / 39, abs=0.03)
    assert ranked[:, 1:10].sum() in (0, 2000), "the same for every user"


def test_where_no_scores_are_equal_both_orders_are_one(batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    recorder = Recorder(K, {"odd": np.arange(20) % 2 == 1}, ["odd"], equals=True)
    recorder.collect(batch[0], np.arange(12), *batch[1:])
    assert torch.equal(recorder.hits[AT_RANDOM][0], recorder.hits["all"][0])
    assert AT_RANDOM not in Recorder(K, {}).hits
