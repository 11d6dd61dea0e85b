"""ktrec transfer-report: shares of users, what every job is asked, the numbers and what the report says of them."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import recbole_ktrec.evaluation
from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.evaluation.harness import data_config, load_parts
from recbole_ktrec.evaluation.report.transfer import Numbers, render
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.splits import SplitSpec
from recbole_ktrec.evaluation.transfer_grid import EASE, Curve, grid_of, plan_curve, variants
from recbole_ktrec.evaluation.transfer_report import run_curve, write_files
from recbole_ktrec.evaluation.transfer_split import base_parts, check_shares, learnable, masks_of
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.knowledge.pretraining import Pretraining
from recbole_ktrec.resources import resource_dir
from tests.conftest import write_tiny_dataset
from tests.support import repeatable, save_tiny_bert, write_titles

PRETRAIN: dict[str, Any] = {
    "whitening": 0.4, "exponents": [0.5], "strengths": [1.0], "powers": [1.0], "lexical_weights": [0.0],
    "neighbours": 50, "held_out_users": 100, "candidates": 100, "fusion_knowledge": True, "seed": 1,
}  # fmt: skip
SCHEMA = Path(recbole_ktrec.evaluation.__file__).with_name("transfer.schema.json")


@pytest.fixture
def make(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Curve]:
    """A function that returns a curve on ``aim`` with knowledge of ``one``; i29 of each has no text."""
    monkeypatch.setenv("KTREC_CACHE", str(workplace / "cache"))
    draw = random.Random(5)
    for name, topics in (("one", ("red robot", "blue puzzle")), ("aim", ("space drama", "board comedy"))):
        folder = write_tiny_dataset(workplace / "dataset", name, users=60)
        write_titles(folder, topics, 29, draw)
    encoder = str(save_tiny_bert(workplace / "bert"))
    given = {"text_encoder": encoder, "text_max_length": 16, "use_gpu": False, "state": "ERROR"}
    data_path = str(workplace / "dataset")
    options = PretrainOptions.read(PRETRAIN)
    Pretraining(["one"], lambda name: {**given, "data_path": data_path}, options, workplace / "know").run()

    def curve(**changes: Any) -> Curve:
        settings = {"shares": [0.0, 50.0, 100.0], "seeds": [2020], "given": given, **changes}
        return Curve("aim", data_path, workplace / "know", **settings)

    return curve


def validate(results: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(results, json.loads(SCHEMA.read_text()))


def frame() -> pd.DataFrame:
    rows = [(f"u{user}", f"i{(user + item) % 12}") for user in range(20) for item in range(10)]
    return pd.DataFrame(rows, columns=["user", "item"])


@pytest.mark.parametrize("kind", ["random", "cold_item"])
def test_shares_are_nested_samples_of_users_and_change_no_question(kind: str) -> None:
    data = frame()
    parts = base_parts(data, SplitSpec(kind, 0.2, 7))
    before: set[str] = set()
    for percent, users in ((0, 0), (10, 2), (50, 10), (100, 20)):
        masks = masks_of(data, parts, learnable(data, parts, percent, 7))
        mine = set(data["user"][masks["train"]])
        assert len(mine) == users and before <= mine
        assert set(data["user"][masks["valid"]]) <= mine
        np.testing.assert_array_equal(masks["test"], parts == 2)
        np.testing.assert_array_equal(masks["train"] | masks["history"], parts == 0)  # every history is a query
        np.testing.assert_array_equal(masks["valid"] | masks["masked"], parts == 1)
        assert not (masks["train"] & masks["history"]).any()
        before = mine


@pytest.mark.parametrize("kind", ["random", "cold_item"])
def test_shares_of_interactions_are_nested_and_change_no_question(kind: str) -> None:
    data = frame()
    parts = base_parts(data, SplitSpec(kind, 0.2, 7))
    rows, held = (parts == 0).sum(), (parts == 1).sum()
    before = np.zeros(len(data), dtype=bool)
    for percent in (0, 10, 50, 100):
        learns = learnable(data, parts, percent, 7, "interactions")
        masks = masks_of(data, parts, learns, asks=False)
        assert masks["train"].sum() == math.ceil(rows * percent / 100)
        assert masks["valid"].sum() <= math.ceil(held * percent / 100)
        assert set(data["user"][masks["valid"]]) <= set(data["user"][masks["train"]]), "no query without a history"
        assert not (before & ~learns).any()
        np.testing.assert_array_equal(masks["test"], parts == 2)
        assert not masks["history"].any(), "what is not known does not ask"
        np.testing.assert_array_equal(masks["train"] | masks["valid"] | masks["masked"], parts < 2)
        assert not (masks["masked"] & learns).any()
        before = learns
    assert data["user"][masks_of(data, parts, learnable(data, parts, 50, 7, "interactions"))["train"]].nunique() == 20


def test_a_curve_over_interactions(make: Callable[..., Curve], in_process: Runner, workplace: Path) -> None:
    results, _ = run_curve(make(shares=[0.0, 50.0], sample="interactions"), in_process, workplace / "out")
    validate(json.loads((workplace / "out" / "results.json").read_text()))
    assert {run["status"] for run in results["runs"]} == {"done"}, [run.get("error") for run in results["runs"]]
    none, half = (one["counts"] for one in results["data"]["splits"])
    assert half["train_interactions"] == math.ceil(none["all_train_interactions"] / 2)
    assert half["history_interactions"] == 0 and none["history_interactions"] == none["all_train_interactions"]
    assert (
        half["train_interactions"] + half["masked_interactions"]
        == none["history_interactions"] + 60 - half["valid_interactions"]
    )
    numbers = Numbers(results)
    assert numbers.mean(50.0, "kernel", "ndcg@10") != numbers.mean(0.0, "kernel", "ndcg@10"), "shorter histories ask"
    assert half["learned_users"] > 50, "a part of everybody's history, not the whole of some"
    assert Numbers(results).sample == "interactions"
    assert "one of interactions" in (workplace / "out" / "report.md").read_text()


def test_what_a_share_is_one_of_is_checked(make: Callable[..., Curve]) -> None:
    with pytest.raises(ConfigError, match="sample.*items.*users"):
        make(sample="items")


def test_shares_are_percentages() -> None:
    assert check_shares([10, 0, 10]) == [0.0, 10.0]
    for wrong in ([101], [-1], []):
        with pytest.raises(ConfigError, match="share"):
            check_shares(wrong)


def test_at_share_nought_nothing_can_learn(make: Callable[..., Curve]) -> None:
    curve = make()
    zero = variants(curve, 0)
    assert set(zero) == {"transferred", "kernel", "shuffled"}
    assert all(one["transfer"] == "zero_shot" and one["model"] == "KTEASE" for one in zero.values())
    assert "pretrained" not in zero["kernel"] and "pretrained" not in variants(curve, 10)["scratch"]


def test_the_whole_curve(make: Callable[..., Curve], in_process: Runner, workplace: Path) -> None:
    results, _ = run_curve(make(kind="cold_item"), in_process, workplace / "out")
    validate(json.loads((workplace / "out" / "results.json").read_text()))
    assert {run["status"] for run in results["runs"]} == {"done"}, [run.get("error") for run in results["runs"]]
    assert {(run["variant"], run["share"]) for run in results["runs"]} == {
        (variant, share) for share in (0.0, 50.0, 100.0) for variant in variants(make(), share)
    }
    splits = results["data"]["splits"]
    assert len({(one["fingerprints"]["test"], one["fingerprints"]["candidates"]) for one in splits}) == 1
    none, half, whole = (one["counts"] for one in splits)
    assert none["train_interactions"] == none["valid_interactions"] == whole["history_interactions"] == 0
    assert none["history_interactions"] == whole["train_interactions"] == whole["all_train_interactions"]
    assert half["learned_users"] == 30 and half["items"] == 30
    numbers = Numbers(results)
    kernel = {numbers.mean(share, "kernel", "ndcg@10") for share in (0.0, 50.0, 100.0)}
    assert len(kernel) == 1 and min(kernel) > 0
    assert numbers.mean(0.0, "scratch", "ndcg@10") is None
    among = "cold only/ndcg@10"
    assert numbers.mean(100.0, "shuffled", among) < numbers.mean(100.0, "transferred", among)
    report = (workplace / "out" / "report.md").read_text()
    assert "split cold_item (20 % of the items), seeds 2020." in report
    assert "| 50 % |" in report and "cold items among themselves" in report and "| 0 % |" in report
    artifact = results["artifact"]
    assert artifact["same_texts"] is None and "item texts here" not in report
    told = render({**results, "artifact": {**artifact, "same_texts": "90% of the item texts here"}}, False)
    assert "**90% of the item texts here**" in told
    assert artifact["untrained_encoder"] == artifact["encoder"] and f"All texts are read with [{workplace}" in report
    artifact["untrained_encoder"] = {"encoder": "a/base", "sha256": "2" * 64}
    assert f"read texts with [a/base] (sha256 {'2' * 16}), the others with the artifact's" in render(results, False)
    assert "NDCG@10" in results["verdicts"][0]["text"] and [one["share"] for one in results["verdicts"]] == [0.0, 100.0]


def test_ease_is_plain_whatever_every_job_is_given(make: Callable[..., Curve]) -> None:
    lines = (resource_dir("properties") / "model" / "KTEASE.yaml").read_text(encoding="utf-8").splitlines()
    told = {line.partition(":")[0]: re.search(r"\b(\d) is EASE", line) for line in lines}
    plain = {key: int(found[1]) for key, found in told.items() if found and key != "prior_weight"}
    assert {**plain, "prior": "none"} == EASE, "without a prior its weight says nothing"
    grid = grid_of(make(given={"successor_weight": 1}), 100.0)
    (entry,) = [entry for entry in grid.entries if entry.label == "EASE"]
    assert entry.config["successor_weight"] == 0


@pytest.mark.parametrize("how", ["adapter", "full"])
def test_scratch_is_there_however_the_artifact_is_taken(
    make: Callable[..., Curve], in_process: Runner, workplace: Path, how: str
) -> None:
    curve = make(shares=[100.0], transfer=how)
    plan = plan_curve(curve, workplace / "out" / "splits")
    frozen = plan_curve(make(shares=[100.0]), workplace / "out" / "splits")
    job = plan.jobs["scratch", 100.0, 2020]
    assert job.key == frozen.jobs["scratch", 100.0, 2020].key, "it is the same run"
    in_process.folder.mkdir(parents=True)
    in_process.run([job])
    done = in_process.result(job)
    assert done is not None and done["status"] == "done", done


def test_what_is_done_is_not_done_again(make: Callable[..., Curve], in_process: Runner, workplace: Path) -> None:
    curve = make(shares=[0.0])
    first, _ = run_curve(curve, in_process, workplace / "out")
    times = {path: path.stat().st_mtime_ns for path in in_process.folder.glob("*.json")}
    again, _ = run_curve(curve, in_process, workplace / "out")
    assert times == {path: path.stat().st_mtime_ns for path in in_process.folder.glob("*.json")}
    assert repeatable(again) == repeatable(first)
    card = workplace / "know" / "card.json"
    card.write_text(card.read_text().replace('"made"', '"written"'))
    plan = plan_curve(curve, workplace / "out" / "splits")
    assert plan.jobs["kernel", 0.0, 2020].title == "aim kernel, 0 %, seed 2020", "the bar tells the shares apart"
    old = {run["variant"]: run["job"] for run in first["runs"]}
    changed = {variant for (variant, _, _), job in plan.jobs.items() if job.key != old[variant]}
    assert changed == {"transferred", "shuffled"}, "another artifact is another job; the kernel does not need it"


def test_a_failed_job_is_a_row(make: Callable[..., Curve], in_process: Runner, workplace: Path) -> None:
    curve = make(shares=[0.0])
    plan = plan_curve(curve, workplace / "out" / "splits")
    job = plan.jobs["shuffled", 0.0, 2020]
    job.spec["config"]["whitening"] = 3
    in_process.folder.mkdir(parents=True)
    in_process.run([job])
    failed = in_process.result(job)
    assert failed is not None and failed["status"] == "failed" and "whitening" in failed["error"]
    from recbole_ktrec.evaluation.transfer_results import assemble

    results = assemble(plan, in_process)
    validate(json.loads(json.dumps(results)))
    assert [run["status"] for run in results["runs"]] == ["missing", "missing", "failed"]
    assert "whitening" in render(results, False) and "no verdict" in results["verdicts"][0]["text"]
    assert write_files(results, workplace / "out") == [] and (workplace / "out" / "curve.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "EASE"}, "model"),
        ({"transfer": "zero_shot"}, "transfer"),
        ({"kind": "time"}, "split"),
        ({"given": {"shuffle_texts": True}}, "shuffle_texts"),
    ],
)
def test_mistakes_are_named(make: Callable[..., Curve], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**changes)


def test_an_artifact_that_is_not_there_is_named_before_anything_runs(
    make: Callable[..., Curve], workplace: Path
) -> None:
    (workplace / "know" / "card.json").unlink()
    with pytest.raises(DataError, match=r"card\.json"):
        plan_curve(make(), workplace / "splits")
    assert not (workplace / "splits").exists()


def test_another_encoder_is_refused_before_anything_runs(make: Callable[..., Curve], workplace: Path) -> None:
    with pytest.raises(EncoderError, match=r"know\] was trained with .*max_length='16'.*gives .*max_length='17'"):
        plan_curve(make(given={**make().given, "text_max_length": 17}), workplace / "splits")
    assert not (workplace / "splits").exists()


def test_everything_loaded_holds_times_too(make: Callable[..., Curve], workplace: Path) -> None:
    plan = plan_curve(make(given={**make().given, "load_col": None}), workplace / "splits")
    split = plan.prepared[100.0, 2020]
    dataset, _ = load_parts(data_config(split.dataset, {**split.settings, "data_path": split.data_path}))
    assert {"timestamp", "rating"} <= set(dataset.inter_feat.columns)
    assert dataset.item_num == split.counts["items"] + 1


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"kind": "cold_item", "cold_share": 0.3}, r"of cold_share \[0.2\]"),
        ({"kind": "cold_item", "shares": [0.0, 25.0, 100.0]}, "with 50 %"),
        ({"kind": "cold_item"}, r"of another artifact, learned from \[one\] \(sha256 0{16}\)"),
        ({"kind": "cold_item", "transfer": "adapter"}, r"of transfer \[frozen\]"),
        ({"kind": "random"}, r"of split \[cold_item\], cold_share \[0.2\]"),
    ],
)
def test_the_report_of_another_curve_is_not_replaced(
    make: Callable[..., Curve], tmp_path: Path, changes: dict[str, Any], held: str
) -> None:
    settings = {"dataset": "aim", "transfer": "frozen", "split": "cold_item", "cold_share": 0.2, "shares": [0.0, 50.0]}
    results = {"schema": "ktrec-transfer-report", "settings": settings}
    results |= {"artifact": {"sources": ["one"], "sha256": "0" * 64}}
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"holds a report {held}: name another --output, or replace it with"):
        run_curve(make(**changes), Runner(tmp_path / "jobs"), tmp_path)
    assert not (tmp_path / "jobs").exists()


def test_more_shares_and_seeds_may_be_added(make: Callable[..., Curve], in_process: Runner, workplace: Path) -> None:
    run_curve(make(shares=[0.0]), in_process, workplace / "out")
    results, _ = run_curve(make(shares=[0.0, 50.0], seeds=[2020, 2021]), in_process, workplace / "out")
    assert results["settings"]["shares"] == [0.0, 50.0] and results["settings"]["seeds"] == [2020, 2021]
    with pytest.raises(ConfigError, match="holds a report with 50 %"):
        run_curve(make(shares=[0.0]), in_process, workplace / "out")
    replaced, _ = run_curve(make(shares=[0.0]), in_process, workplace / "out", overwrite=True)
    assert replaced["settings"]["shares"] == [0.0]
