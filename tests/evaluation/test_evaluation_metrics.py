"""The plugin's metrics in RecBole's own evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ktrec.evaluation.lists import catalogue_coverage, novelty
from tests.support import Settings, quick_start


def test_list_metrics_stand_beside_recbole_s(settings: Settings) -> None:
    names = ["NDCG", "ItemCoverage", "CatalogueCoverage", "Novelty", "ScoreCoverage"]
    pop = quick_start("Pop", settings(metrics=names, eval_step=1))
    assert pop["catalogueCoverage@5".lower()] == pytest.approx(pop["itemcoverage@5"] * 31 / 30, abs=2e-4)
    assert pop["scorecoverage"] == 0.0 and pop["novelty@5"] > 0
    ease = quick_start("EASE", settings(metrics=names, eval_step=1))
    assert ease["scorecoverage"] > 0.9 and ease["catalogueCoverage@5".lower()] > pop["cataloguecoverage@5"]


def test_processes_count_what_all_of_them_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    from recbole.evaluator.collector import DataStruct
    from recbole.evaluator.register import metrics_dict

    def gather(found: list[Any], own: torch.Tensor) -> None:
        other = torch.tensor([[3, -1]]) if own.dtype == torch.int64 else own + torch.tensor([[-1.0], [0.0]])
        found[:] = [own, other]

    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_gather_object", gather)
    struct = DataStruct()
    for key, value in (
        ("rec.lists", torch.tensor([[1, 2], [2, 1]])), ("data.num_items", 6),
        ("rec.score_range", torch.zeros(2, 3)), ("rec.informed", np.array([False, True, False])),
    ):  # fmt: skip
        struct.set(key, value)
    config = {"topk": [2], "metric_decimal_place": 4}
    found = metrics_dict["cataloguecoverage"](config).calculate_metric(struct)
    assert found == {"cataloguecoverage@2": 0.6}, "items 1, 2 and 3 of 5; -1 fills a short list"
    assert metrics_dict["scorecoverage"](config).calculate_metric(struct) == {"scorecoverage": 0.5}


def test_values_are_those_of_the_functions(settings: Settings) -> None:
    from recbole.evaluator.collector import DataStruct
    from recbole.evaluator.register import metrics_dict

    items = np.array([[1, 2], [2, 3]])
    struct = DataStruct()
    for key, value in (
        ("rec.lists", torch.from_numpy(items)), ("data.num_items", 6),
        ("data.item_users", np.array([0, 2, 1, 0, 0, 0])), ("data.count_users", {1: 5, 2: 4}),
        ("rec.score_range", torch.tensor([[0.0, 0, 0], [0, 1, 1]])),
        ("rec.informed", np.array([False, True, False])),
        ("data.text_vectors", np.array([[0.0, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]])),
    ):  # fmt: skip
        struct.set(key, value)
    config = {"topk": [1, 2], "metric_decimal_place": 4}

    def value(name: str) -> dict[str, float]:
        return metrics_dict[name](config).calculate_metric(struct)

    assert value("cataloguecoverage") == {
        "cataloguecoverage@1": round(catalogue_coverage(items[:, :1], 5), 4), "cataloguecoverage@2": 0.6,
    }  # fmt: skip
    counts = np.array([0, 2, 1, 0, 0, 0])
    assert value("novelty")["novelty@2"] == pytest.approx(novelty(items, counts, 2).mean(), abs=1e-4)
    assert value("scorecoverage") == {"scorecoverage": 0.5}
    assert value("textdiversity")["textdiversity@2"] == 0.5


def test_places_that_a_short_list_leaves_empty_count_as_none(settings: Settings, monkeypatch: Any) -> None:
    """With seven sampled candidates a list of nine holds up to eight items; RecBole fills it up with others."""
    from recbole_ktrec.evaluation import metrics

    seen = []
    monkeypatch.setattr(metrics, "novelty", lambda items, *_: seen.append(items) or np.zeros(1))
    names = ["NDCG", "Novelty", "CatalogueCoverage", "ItemCoverage"]
    short = settings(metrics=names, eval_step=1, topk=[9], valid_metric="NDCG@9", eval_args={"mode": "uni7"})
    quick_start("Pop", short)
    assert seen and all(items.shape == (24, 9) and (items[:, 8] == -1).all() for items in seen)
    assert all((items[:, :2] > 0).all() and (items != 0).all() for items in seen)


def test_accuracy_over_sampled_negatives_and_over_ratings(settings: Settings) -> None:
    sampled = settings(metrics=["Accuracy", "AUC"], valid_metric="AUC", eval_args={"mode": "uni1"}, epochs=40)
    ncf = quick_start("NeuMF", {**sampled, "learning_rate": 0.02})
    assert 0.6 < ncf["accuracy"] <= 1 and ncf["auc"] > 0.6
    rated = settings(
        metrics=["Accuracy"], valid_metric="Accuracy", eval_args={"mode": "labeled"}, threshold={"rating": 4},
        load_col={"inter": ["user_id", "item_id", "rating"]}, train_neg_sample_args=None,
    )  # fmt: skip
    assert 0 < quick_start("NeuMF", rated)["accuracy"] <= 1


def test_accuracy_known_answer() -> None:
    import recbole.evaluator  # noqa: F401  which brings the plugin's metrics with it

    from recbole_ktrec.evaluation.metrics import Accuracy

    metric = Accuracy({"metric_decimal_place": 4})
    assert metric.metric_info(np.array([0.5, 0.4, 0.6, 0.1]), np.array([1, 1, 0, 0])) == 0.5


def test_text_diversity_without_text_says_so(settings: Settings) -> None:
    from recbole_ktrec.errors import DataError

    with pytest.raises(DataError, match=r"TextDiversity needs item text.*tiny\.item"):
        quick_start("Pop", settings(metrics=["NDCG", "TextDiversity"], eval_step=1))


def test_text_diversity_reads_the_item_file(
    settings: Settings, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vectors come by token: here a made-up encoder tells the two halves of the catalogue apart."""
    from recbole_ktrec import text

    def vectors(file: text.EntityFile, tokens: list[str], *_: Any, **__: Any) -> Any:
        assert Path(file.path).name == "tiny.item" and tokens[0] == "[PAD]"
        rows = [[0.0, 0.0] if t == "[PAD]" else [1.0, 0.0] if int(t[1:]) % 2 else [0.0, 1.0] for t in tokens]
        return type("Vectors", (), {"matrix": np.array(rows)})

    monkeypatch.setattr(text, "item_vectors", vectors)
    lines = ["item_id:token\ttitle:token_seq", *(f"i{n}\ttitle {n}" for n in range(30))]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("\n".join(lines) + "\n")
    names = ["NDCG", "TextDiversity"]
    same_half = quick_start("EASE", settings(metrics=names, eval_step=1))["textdiversity@5"]
    mixed = quick_start("Pop", settings(metrics=names, eval_step=1))["textdiversity@5"]
    assert same_half == 0.0 < 0.3 < mixed, "EASE keeps to a user's half of the catalogue"
