"""One job: the numbers are those of plain ``run_recbole``, and everything else that is measured agrees with itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.asked import Questions
from recbole_ktrec.evaluation.benchmark import make_grid
from recbole_ktrec.evaluation.foldin import UNABLE
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.harness import make_config, mask_known
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.taken import mask_taken

Make = Callable[..., Grid]
SPLITS = Path("splits")
RING_HEADER = "user_id:token\titem_id:token\ttimestamp:float"


def plan_of(grid: Grid) -> DatasetPlan:
    return prepare_datasets(grid, SPLITS, show_progress=False)[0]


def spec_of(grid: Grid, plan: DatasetPlan, entry: Entry | None = None) -> dict[str, Any]:
    return make_job(grid, plan, entry or grid.entries[0], grid.seeds[0], "final", {}).spec


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


@pytest.mark.parametrize("model", ["EASE", "KTEASE", "Pop", "SASRec"])
def test_what_is_asked_last_is_asked_again_with_the_one_before_known(
    tiny_grid: Make, workplace: Path, model: str
) -> None:
    """Users walk along a ring, one item a step, then jump: what comes next is near where they landed (validation)."""
    rows = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user in range(60):
        landed = user * 7 + 11
        path = [user, user + 1, user + 2, user + 3, landed, landed + 1]
        rows += [f"u{user}\ti{item % 30}\t{step}" for step, item in enumerate(path)]
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join(rows) + "\n", encoding="utf-8")
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    own = {"KTEASE": {"prior": "none", "history_decay": 0.5}, "SASRec": {"train_neg_sample_args": None}}
    grid = tiny_grid(model, kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **timed})
    entry = Entry(model, model, {**grid.entries[0].config, **timed, **own.get(model, {})})
    result, _ = job.run_spec(spec_of(grid, plan_of(grid), entry))
    groups = result["groups"]
    if model == "Pop":
        assert "validation known" not in groups
    elif model == "SASRec":
        assert groups["validation known"] == groups["all"]
    else:
        found = groups["validation known"]
        assert found["rows"] == groups["all"]["rows"] and set(found["metrics"]) == set(groups["all"]["metrics"])
        assert groups["all"]["metrics"]["hit@5"] == pytest.approx(result["test"]["hit@5"], abs=1e-4)
        assert found["metrics"]["hit@5"] > 0.9 > 0.5 > groups["all"]["metrics"]["hit@5"]


@pytest.mark.parametrize("again", [False, True])
def test_what_a_user_took_before_is_no_candidate_of_a_sequential_model_either(
    tiny_grid: Make, workplace: Path, again: bool
) -> None:
    from recbole.data import create_dataset, data_preparation

    paths = {f"u{user}": [(user + step * step) % 30 for step in range(7)] for user in range(40)}
    paths["u0"][5] = paths["u0"][1]  # taken again: asked for, so a candidate
    rows = [f"{user}\ti{item}\t{step}" for user, path in paths.items() for step, item in enumerate(path)]
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join([RING_HEADER, *rows]) + "\n")
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "MAX_ITEM_LIST_LENGTH": 2}
    grid = tiny_grid("SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, "load_col": timed["load_col"]})
    given = {"train_neg_sample_args": None, **({"repeatable": True} if again else {})}
    entry = Entry("SASRec", "SASRec", {**grid.entries[0].config, **timed, **given})
    config = make_config("SASRec", "tiny", spec_of(grid, plan_of(grid), entry)["config"])
    loaders = data_preparation(config, create_dataset(config))
    mask_taken(config, loaders)
    for end, loader in ((-2, loaders[1]), (-1, loaders[2])):
        part, seen = loader._dataset, 0
        for batch, masked, *_ in loader:
            users = part.id2token("user_id", batch["user_id"].numpy())
            if again:
                assert masked is None
                continue
            for place, user in enumerate(users):
                found = {
                    str(part.id2token("item_id", int(item))) for row, item in zip(*masked, strict=True) if row == place
                }
                path = [f"i{item}" for item in paths[str(user)]]
                assert found == {*path[:end]} - {path[end]}
                seen += 1
        assert seen == (0 if again else 40)


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


def test_a_sequential_model_s_users_need_four_interactions(tiny_grid: Make, workplace: Path) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as file:
        file.writelines(f"short\ti{one}\t4\t{one}\n" for one in range(3))
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    grid = tiny_grid("SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **timed})
    entry = Entry("SASRec", "SASRec", {**grid.entries[0].config, **timed, "train_neg_sample_args": None})
    with pytest.raises(DataError, match=r"another \[valid\] part .*each user needs four interactions: '--user_inter"):
        job.run_spec(spec_of(grid, plan_of(grid), entry))


def test_keys_change_with_what_matters_only(tiny_grid: Make, workplace: Path) -> None:
    grid, plan = tiny_grid("BPR"), plan_of(tiny_grid("BPR"))
    entry = grid.entries[0]
    base = make_job(grid, plan, entry, 2020, "final", {}).key
    assert make_job(grid, plan_of(tiny_grid("BPR")), entry, 2020, "final", {}).key == base
    assert make_job(grid, plan, Entry("other label", "BPR", entry.config), 2020, "final", {}).key == base
    trial = make_job(grid, plan, entry, 2020, "trial", {}).key
    assert trial != base
    for more in ({"rating_threshold": 4.0}, {"text_diversity": True}):
        assert make_job(tiny_grid("BPR", **more), plan, entry, 2020, "final", {}).key != base
        assert make_job(tiny_grid("BPR", **more), plan, entry, 2020, "trial", {}).key == trial, "not measured of it"
    assert make_job(grid, plan, entry, 2020, "final", {"embedding_size": 9}).key != base
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as handle:
        handle.write("u0\ti1\t5\t99\n")
    assert make_job(grid, plan_of(grid), entry, 2020, "final", {}).key != base


def test_a_failure_is_a_result(tiny_grid: Make, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("die_with_parent", "offer_to_oom_killer"):
        monkeypatch.setattr(job.parent, name, lambda *_: None)  # this process is no child of a runner
    grid = tiny_grid("Pop")
    spec = spec_of(grid, plan_of(grid))
    spec |= {
        "parent": 0,
        "origin": str(workplace),
        "scratch": str(workplace),
        "result": str(workplace / "r.json"),
        "memory_limit": None,
    }
    spec["model"] = "NoSuchModel"
    (workplace / "spec.json").write_text(json.dumps(spec))
    assert job.main(str(workplace / "spec.json")) == 0
    found = json.loads((workplace / "r.json").read_text())
    assert found["status"] == "failed" and "NoSuchModel" in found["error"] and "Traceback" in found["traceback"]


def test_paths_in_options_are_seen_from_where_the_user_stands(workplace: Path) -> None:
    (workplace / "models" / "enc").mkdir(parents=True)
    config = {"text_encoder": "models/enc", "hub": "org/name", "n": 3, "word": "dataset"}
    assert job.absolute_paths(config, workplace) == {**config, "text_encoder": str(workplace / "models" / "enc")}
    words = {"pretrained": "models", "text_encoder": "org/name", "source_data_path": "dataset", "fusion": "models"}
    found = job.absolute_paths(words, workplace)
    assert found == {**words, "pretrained": str(workplace / "models"), "source_data_path": str(workplace / "dataset")}


def test_a_sequential_model_has_the_groups_of_all_others(tiny_grid: Make) -> None:
    """In its training part each user's first interaction stands as context only."""
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    grid = tiny_grid("EASE", "SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **timed})
    plan, rows, lists = plan_of(grid), [], []
    for entry in grid.entries:
        own = {"train_neg_sample_args": None} if entry.label == "SASRec" else {}
        result, _ = job.run_spec(spec_of(grid, plan, replace(entry, config={**entry.config, **timed, **own})))
        rows.append({name: group["rows"] for name, group in result["groups"].items()})
        lists.append(result["lists"]["score_coverage"])
    common = set(rows[0]) & set(rows[1])
    assert {"warm", "head", "middle", "tail"} <= common and all(rows[0][name] == rows[1][name] for name in common)
    assert lists[1] == 1.0, "every item was learned from"


def test_a_sequential_model_has_no_written_split(tiny_grid: Make) -> None:
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "train_neg_sample_args": None}
    grid = tiny_grid("SASRec", kind="cold_item")
    entry = replace(grid.entries[0], config={**grid.entries[0].config, **timed})
    with pytest.raises(ConfigError, match=r"\[SASRec\] is a sequential model: RecBole cannot read the split cold_item"):
        job.run_spec(spec_of(grid, plan_of(grid), entry))


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


def test_settings_of_the_data_set_go_over_defaults_for_every_model(tiny_grid: Make, workplace: Path) -> None:
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("learning_rate: 0.01\ntrain_batch_size: 64\n")
    asked = {"dataset": ["tiny"], "models": ["BPR", "KTRec"], "data_path": "dataset", "given": {"train_batch_size": 32}}
    grid = make_grid(asked)
    plan = plan_of(grid)
    for entry in grid.entries:
        config = spec_of(grid, plan, entry)["config"]
        assert (config["learning_rate"], config["train_batch_size"]) == (0.01, 32), entry.label


def test_a_cache_that_is_not_there_yet_is_made_where_the_user_stands(workplace: Path) -> None:
    found = job.absolute_paths({"text_cache_dir": "new"}, workplace)
    assert found == {"text_cache_dir": str(workplace / "new")}
    assert job.absolute_paths({"text_cache_dir": "~/new"}, workplace) == {"text_cache_dir": "~/new"}


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


def test_the_encoding_is_part_of_what_a_data_set_is(tiny_grid: Make, workplace: Path) -> None:
    values = {"data_path": str(workplace / "dataset"), "load_col": {"inter": ["user_id", "item_id"]}}
    digests = [read_source("tiny", {**values, **more}).digest for more in
               ({}, {"encoding": "utf8"}, {"encoding": "latin-1"})]  # fmt: skip
    assert digests[0] == digests[1] != digests[2]
