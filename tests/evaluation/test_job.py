"""One job: the numbers are those of plain ``run_recbole``, and everything else that is measured agrees with itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.asked import Questions
from recbole_ktrec.evaluation.foldin import UNABLE
from recbole_ktrec.evaluation.harness import mask_known
from recbole_ktrec.evaluation.options import Entry
from tests.evaluation.job_specs import Make, plan_of, spec_of


@pytest.mark.parametrize("model", ["Pop", "ItemKNN", "EASE", "BPR"])
def test_equals_plain_run_recbole(tiny_grid: Make, model: str) -> None:
    from recbole.quick_start import run_recbole

    grid = tiny_grid(model, topk=[3, 5], valid_metric="NDCG@5")
    spec = spec_of(grid, plan_of(grid))
    result, arrays = job.run_spec(spec)
    plain = run_recbole(
        model=model, dataset="tiny", saved=True,
        config_dict={**spec["config"], "data_path": grid.data_path, "show_progress": False},
    )  # fmt: skip
    assert result["test"] == dict(plain["test_result"]) and len(result["test"]) == 10
    assert result["valid"] == dict(plain["best_valid_result"])
    assert result["valid_score"] == plain["best_valid_score"]
    for name, value in result["groups"]["all"]["metrics"].items():
        assert value == pytest.approx(result["test"][name], abs=1e-4)
        assert arrays[f"all/{name}"].mean() == pytest.approx(value, abs=1e-6)
    assert set(arrays["users"]) == {f"u{n}" for n in range(24)}


def test_groups_and_lists_of_popularity(tiny_grid: Make) -> None:
    grid = tiny_grid("Pop")
    result, arrays = job.run_spec(spec_of(grid, plan_of(grid)))
    groups = result["groups"]
    assert groups["all"]["rows"] == 24 and set(groups) >= {
        "warm",
        "head",
        "middle",
        "tail",
        "history 5-9",
        "warm users",
    }
    assert groups["warm users"]["metrics"] == groups["all"]["metrics"]
    assert result["lists"]["score_coverage"] == 0.0, "popularity is not personal"
    assert 0 < result["lists"]["catalogue_coverage@5"] < 1 and result["lists"]["text_diversity@5"] is None
    assert result["accuracy"]["ratings"]["threshold"] == 4.0 and result["accuracy"]["pairs"] == 48
    assert result["accuracy"]["raw"] is not None, "its share of the largest count lies in [0, 1]"
    assert arrays["answers/pairs"].sum() == result["accuracy"]["pairs"]
    assert arrays["answers/accuracy"].mean() == pytest.approx(result["accuracy"]["calibrated"], abs=1e-6)


def test_two_tastes_are_told_apart(tiny_grid: Make) -> None:
    """Known answer: users like only one half of the items, so EASE answers nearly always right and Pop cannot."""
    grid = tiny_grid("EASE", "Pop")
    plan = plan_of(grid)
    right = {e.label: job.run_spec(spec_of(grid, plan, e))[0]["accuracy"]["calibrated"] for e in grid.entries}
    assert right["EASE"] > right["Pop"] + 0.1


def test_every_model_is_asked_the_same(tiny_grid: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from recbole_ktrec.evaluation import measuring

    seen = []
    monkeypatch.setattr(measuring, "right_answers", lambda p, labels: seen.append(labels) or labels)
    asked = []
    ask = measuring.Questions.ask
    monkeypatch.setattr(measuring.Questions, "ask", lambda self, *a: asked.append(ask(self, *a)) or asked[-1])
    grid = tiny_grid("Pop", "EASE")
    plan = plan_of(grid)
    for entry in grid.entries:
        job.run_spec(spec_of(grid, plan, entry))
    first, second = asked[:2], asked[2:]
    for one, other in zip(first, second, strict=True):
        assert (one.users == other.users).all() and (one.items == other.items).all() and seen


@pytest.mark.parametrize(("model", "able"), [("EASE", True), ("ItemKNN", True), ("LightGCN", True), ("BPR", False)])
def test_cold_users_are_given_their_history_at_test_time(tiny_grid: Make, model: str, able: bool) -> None:
    grid = tiny_grid(model, kind="cold_user", share=0.25)
    entry = Entry(model, model, {**grid.entries[0].config, "epochs": 60, "learning_rate": 0.05, "n_layers": 2})
    plan = plan_of(grid)
    result, arrays = job.run_spec(spec_of(grid, plan, entry))
    assert result["groups"]["cold users"]["rows"] == 6
    assert (result["fold_in"] == UNABLE) is not able
    cold = ~np.isnan(arrays["cold users/recall@5"])
    assert cold.sum() == 6
    if able:  # six of the eight given items are known: the half of the catalogue that the user likes is plain
        assert result["groups"]["cold users"]["metrics"]["hit@5"] >= 0.5


def test_a_given_item_that_is_also_asked_for_stays_a_candidate() -> None:
    known = dict(enumerate([None, torch.tensor([4]), torch.tensor([], dtype=torch.int64)]))
    asked = dict(enumerate([None, torch.tensor([7]), torch.tensor([2, 3])]))
    loader = SimpleNamespace(uid2history_item=known, uid2positive_item=asked)
    mask_known(loader, np.array([1, 1, 1, 2, 2]), np.array([7, 5, 6, 3, 1]))
    assert sorted(known[1].tolist()) == [4, 5, 6] and known[2].tolist() == [1]


def test_cold_items_of_an_id_model_are_not_found_and_not_covered(tiny_grid: Make) -> None:
    grid = tiny_grid("EASE", kind="cold_item", share=0.3)
    result, _ = job.run_spec(spec_of(grid, plan_of(grid)))
    assert result["groups"]["cold"]["metrics"]["recall@5"] <= result["groups"]["warm"]["metrics"]["recall@5"]
    assert result["lists"]["score_coverage"] == pytest.approx(21 / 30, abs=0.04)
    assert "cold only" in result["groups"] and "cold only/ndcg@5" in job.run_spec(spec_of(grid, plan_of(grid)))[1]


def test_a_model_with_other_candidates_is_refused(tiny_grid: Make, workplace: Path) -> None:
    grid = tiny_grid("Pop")
    plan = plan_of(grid)
    tokens = ["item_id:token\tkind:token", *(f"i{n}\tx" for n in range(33))]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("\n".join(tokens) + "\n")
    entry = Entry("Pop", "Pop", {**grid.entries[0].config, "load_col": {"inter": "*", "item": "*"}})
    with pytest.raises(DataError, match=r"\[Pop\] would rank \[33\] items that are not those"):
        job.run_spec(spec_of(grid, plan, entry))


def test_another_split_is_refused(tiny_grid: Make) -> None:
    grid = tiny_grid("Pop")
    spec = spec_of(grid, plan_of(grid))
    spec["config"] = {**spec["config"], "seed": 99}
    with pytest.raises(DataError, match=r"another \[train\] part"):
        job.run_spec(spec)


def test_models_of_knowledge_graphs_take_part(tiny_grid: Make, workplace: Path) -> None:
    folder = workplace / "dataset" / "tiny"
    triples = [f"e{n}\tr{n % 2}\te{(n * 7 + 1) % 30}" for n in range(30)]
    (folder / "tiny.kg").write_text("\n".join(["head_id:token\trelation_id:token\ttail_id:token", *triples]) + "\n")
    links = [f"i{n}\te{n}" for n in range(30)]
    (folder / "tiny.link").write_text("\n".join(["item_id:token\tentity_id:token", *links]) + "\n")
    loaded = {
        "inter": ["user_id", "item_id"],
        "kg": ["head_id", "relation_id", "tail_id"],
        "link": ["item_id", "entity_id"],
    }
    grid = tiny_grid("CKE")
    entry = replace(grid.entries[0], config={**grid.entries[0].config, "load_col": loaded, "kg_embedding_size": 8})
    result, _ = job.run_spec(spec_of(grid, plan_of(grid), entry))
    assert result["groups"]["all"]["rows"] == 24 and result["test"]["ndcg@5"] >= 0
    without = replace(entry, config={**entry.config, "load_col": {"inter": loaded["inter"]}})
    with pytest.raises(ConfigError, match=r"\[CKE\] reads a knowledge graph"):
        job.run_spec(spec_of(grid, plan_of(grid), without))


def test_what_is_asked_beside_does_not_depend_on_rows_that_a_filter_left_out(tiny_grid: Make, workplace: Path) -> None:
    """Ratings of 1 and 2 are in the file: a copy of the data set that lacks them gives the same numbers."""
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    rng = np.random.default_rng(0)
    rows = {(user, int(item)): int(rng.integers(1, 6)) for user in range(24) for item in rng.permutation(30)[:18]}
    header = "user_id:token\titem_id:token\trating:float\n"
    rated = {"load_col": {"inter": ["user_id", "item_id", "rating"]}, "val_interval": {"rating": "[3,inf)"}}
    grid = tiny_grid("EASE")
    grid = replace(grid, common={**grid.common, **rated})
    entry = replace(grid.entries[0], config={**grid.entries[0].config, **rated})
    found = []
    for least in (1, 3):
        kept = [f"u{user}\ti{item}\t{rating}\n" for (user, item), rating in rows.items() if rating >= least]
        file.write_text(header + "".join(kept))
        found.append(job.run_spec(spec_of(grid, plan_of(grid), entry))[0])
    assert found[0]["accuracy"] == found[1]["accuracy"] and found[0]["test"] == found[1]["test"]
    assert 3 < found[0]["accuracy"]["ratings"]["threshold"] <= 5


def test_the_threshold_of_ratings_is_the_median_of_those_that_are_not_asked_for() -> None:
    rows = [("a", "x", 1.0), ("a", "y", 2.0), ("a", "z", 5.0), ("b", "x", 3.0), ("b", "z", 5.0)]
    questions = Questions(pd.DataFrame(rows, columns=["user", "item", "rating"]), np.array(["a", "b"]),
                          np.array(["x", "y", "z"]), seed=1)  # fmt: skip
    valid, test = questions.ask(np.array(["a"]), np.array(["z"]), 1), questions.ask(np.array(["b"]), np.array(["z"]), 2)
    assert questions.median_rating(valid, test) == 2.0
    everything = questions.ask(np.array(["a", "a", "a", "b", "b"]), np.array(["x", "y", "z", "x", "z"]), 2)
    assert questions.median_rating(everything) == 3.0  # nothing else is left
