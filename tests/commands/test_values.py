"""Values that RecBole would take silently are refused with their key."""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.commands import benchmark, pretrain, transfer_report
from recbole_ktrec.commands.values import check_data_values, check_values, doubts, long_lists
from recbole_ktrec.errors import ConfigError
from tests.conftest import write_tiny_dataset

COLUMNS = {"inter": ["user_id", "item_id"]}
#: Of each command that trains on data sets, as much as it needs.
TRAINING = [
    ["benchmark", "--dataset", "tiny", "--models", "Pop"],
    ["pretrain", "--datasets", "tiny", "tiny2"],
    ["transfer-report", "--dataset", "tiny", "--pretrained", "knowledge"],
]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"learning_rate": "abc"}, "learning_rate [abc] is not a number of at least 0."),
        ({"learning_rate": -1}, "learning_rate [-1] is not a number of at least 0."),
        ({"epochs": -1}, "epochs [-1] is not a whole number of at least 0."),
        ({"epochs": 2.5}, "epochs [2.5] is not a whole number"),
        ({"user_inter_num_interval": "5,inf"}, "user_inter_num_interval [5,inf] is no interval such as [5,inf)"),
        ({"item_inter_num_interval": "[5)"}, "item_inter_num_interval [[5)] is no interval"),
        ({"user_inter_num_interval": "[a,b)"}, "user_inter_num_interval [[a,b)] is no interval"),
        ({"user_inter_num_interval": "[10,2]"}, "user_inter_num_interval [[10,2]] is no interval"),
        ({"device": "cuda"}, "device [cuda]: RecBole sets it by gpu_id. --gpu_id=0 is the first GPU"),
        ({"train_batch_size": 0}, "train_batch_size [0] is not a whole number of at least 1."),
        ({"valid_metric": "NDGC@10"}, "valid_metric [NDGC@10] is none of what is measured"),
        ({"metrics": ["NDGC"]}, "metrics: RecBole has no metric [NDGC]. Did you mean [NDCG]?"),
        ({"metrics": "novelt", "valid_metric": "NDCG@10"}, "no metric [novelt]. Did you mean [Novelty]?"),
        (
            {"metrics": ["Recall"], "valid_metric": "MMR@10"},
            "with topk [10]. Did you mean [MRR]? metrics must name it, too.",
        ),
        ({"valid_metric": "NDCG@5"}, "with topk [10]. Did you mean [NDCG@10]?"),
        ({"metrics": ["Recall", "NDCG"]}, "valid_metric [MRR@10] is none of what is measured"),
        ({"topk": [5, 20]}, "valid_metric [MRR@10] is none of what is measured"),
        ({"load_col": "inter"}, "load_col [inter] is no mapping such as"),
        ({"load_col": ["inter"]}, "load_col [['inter']] is no mapping such as"),
        ({"load_col": {"inter": "user_id"}}, "load_col: [inter] is [user_id], and must be a list of columns or '*'"),
        ({"load_col": {"item": None}}, "load_col: [item] is [None], and must be a list of columns or '*'"),
        ({"load_col": {"inter": ["user_id"]}}, "leaves out [item_id], the ITEM_ID_FIELD"),
        ({"eval_args": {"split": {"RS": [0.8, 0.2]}}}, "split {RS: [0.8, 0.2]} has 2 shares: RecBole wants 3"),
        ({"benchmark_filename": ["train", "test"]}, "names 2 files: RecBole wants 3"),
        ({"eval_args": {"mode": "labeled"}}, "asks for the column [label], which is not there: threshold: {rating: 4}"),
        ({"eval_args": {"mode": {"test": "labeled"}}, "load_col": COLUMNS}, "makes it of the ratings, or name it in"),
        (
            {"load_col": COLUMNS, "eval_args": {"order": "TO"}},
            "leaves out [timestamp], the TIME_FIELD: eval_args: {order: TO} sorts by it",
        ),
        (
            {"load_col": COLUMNS, "eval_args": {"order": "TO"}, "TIME_FIELD": "when"},
            "leaves out [when], the TIME_FIELD",
        ),
    ],
)
def test_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check_values(said)
    assert message in str(error.value)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"learning_rate": "1e-3", "epochs": 0, "gpu_id": "0,1", "weight_decay": 0},
        {"user_inter_num_interval": "[5,inf)", "item_inter_num_interval": "(0,1]; [3, 4)"},
        {"user_inter_num_interval": None, "load_col": None},
        {"load_col": COLUMNS, "eval_args": {"order": "RO"}},
        {"load_col": {"inter": ["u", "i", "t"]}, "USER_ID_FIELD": "u", "ITEM_ID_FIELD": "i", "TIME_FIELD": "t",
         "eval_args": {"order": "TO"}},
        {"load_col": {"item": ["item_id"]}},
        {"load_col": {"inter": "*", "item": []}, "eval_args": "TO", "eval_step": -1},
        {"load_col": COLUMNS, "eval_args": {"order": "TO"}, "benchmark_filename": ["train", "valid", "test"]},
        {"load_col": {"inter": ["label", "f1"]}, "USER_ID_FIELD": None, "ITEM_ID_FIELD": None},
        {"valid_metric": "ndcg@10"},
        {"valid_metric": "AUC"},
        {"valid_metric": "Hit@5", "metrics": ["Hit"], "topk": [5, 10]},
        {"valid_metric": "MRR@10", "topk": (5, 10)},  # as --topk=5,10 is read
        {"valid_metric": "GAUC", "metrics": "GAUC"},
    ],
)  # fmt: skip
def test_fine(said: dict[str, Any]) -> None:
    before = copy.deepcopy(said)
    check_values(said)
    assert said == before, "checked, and left as it was"


@pytest.mark.parametrize("model", ["FM", "DIN"])
def test_models_that_do_not_rank_have_another_metric_of_validation(model: str) -> None:
    with pytest.raises(ConfigError, match="valid_metric"):
        check_values({"topk": [5, 20]}, "KTRec")
    said = {"topk": [5, 20]}
    check_values(said, model)
    assert said == {"topk": [5, 20]}, "checked, and left as it was"


@pytest.mark.parametrize("command", TRAINING)
def test_a_device_is_refused_by_every_command_that_trains(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--output", "out", "--device=cuda"]) == 2
    assert "RecBole sets it by gpu_id" in capsys.readouterr().err


@pytest.mark.parametrize("command", TRAINING)
def test_an_interval_that_is_none_is_refused_by_every_command_that_reads_data(
    command: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_dataset(workplace / "dataset", "tiny2")
    wrong = "user_inter_num_interval [[50;inf)] is no interval such as"
    assert main([*command, "--output", "out", "--user_inter_num_interval=[50;inf)"]) == 2
    assert wrong in capsys.readouterr().err and not (workplace / "out").exists()
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("user_inter_num_interval: '[50;inf)'\n")
    assert main([*command, "--output", "out"]) == 2
    assert wrong in capsys.readouterr().err and not (workplace / "out").exists()


def test_what_a_command_sets_itself_is_not_checked() -> None:
    own: dict[str, Any] = {"topk": [5], "valid_metric": "NDCG@10", "metrics": ["Recall"], "eval_args": {"order": "TO"}}
    own["benchmark_filename"] = ["train", "test"]
    said = {"load_col": COLUMNS, **own}
    with pytest.raises(ConfigError):
        check_values(said)
    check_data_values(said)
    assert said == {"load_col": COLUMNS, **own}, "checked, and left as it was"


def test_a_wrong_number_in_a_section_of_the_options_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "options.yaml").write_text("BPR: {learning_rate: abc}\n")
    call = ["benchmark", "--dataset", "tiny", "--models", "BPR", "--output", "out", "--options", "options.yaml"]
    assert main(call) == 2
    assert "learning_rate [abc] is not a number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "more"),
    [(benchmark, ["--models", "Pop"]), (transfer_report, ["--pretrained=~/k"]), (pretrain, ["--datasets", "a", "b"])],
)
def test_a_home_folder_is_one_after_an_equals_sign_too(command: ModuleType, more: list[str]) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    data = [] if command is pretrain else ["--dataset", "tiny"]
    assert parser.parse_args([*data, *more, "--output=~/x"]).output == Path.home() / "x"


@pytest.mark.parametrize("mode", [None, "full", "labeled", {"valid": "uni1", "test": "full"}, "uni100"])
def test_full_ranking_asks_for_what_is_disliked_too(mode: Any) -> None:
    said = {"threshold": {"rating": 4}, "eval_args": {} if mode is None else {"mode": mode}}
    told = doubts(said)
    assert bool(told) == (mode not in ("labeled", "uni100"))
    assert not told or "[{'rating': 4}]: RecBole's test asks for all rows, liked or not" in told[0]
    assert doubts({**said, "threshold": None}) == []


@pytest.mark.parametrize(
    "more",
    [{"threshold": {"rating": 4}}, {"load_col": {"inter": ["user_id", "item_id", "label"]}}, {"load_col": None}],
)
def test_labels_may_be_asked_for_where_there_are_some(more: dict[str, Any]) -> None:
    said = {"eval_args": {"mode": "labeled"}}
    with pytest.raises(ConfigError, match=r"asks for the column \[label\], which is not there"):
        check_values(said)
    assert check_values({**said, **more}) is None
    assert check_values(said, "FM") is None


def test_long_histories_of_a_sequential_model_are_told_before_they_take_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    (hint,) = long_lists("SASRec", {"use_gpu": False})
    assert hint.startswith("SASRec reads up to 50 items") and "MAX_ITEM_LIST_LENGTH 20 is what" in hint
    assert long_lists("SASRec", {"MAX_ITEM_LIST_LENGTH": 50}) == long_lists("LightGCN", {}) == []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert long_lists("SASRec", {}) == [] and long_lists("SASRec", {"use_gpu": False})


@pytest.mark.parametrize(
    ("said", "told"),
    [({"gpu_id": 0}, "gpu_id [0]"), ({"use_gpu": True}, "use_gpu [True]"), ({"gpu_id": ""}, ""), ({}, ""),
     ({"use_gpu": False, "gpu_id": "0"}, "")],
)  # fmt: skip
def test_a_gpu_that_torch_cannot_use_is_warned_of(
    said: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RecBole takes the CPU then, without a word."""
    for maker in ("cuda", "hip"):
        monkeypatch.setattr(f"torch.version.{maker}", None)
    assert [one.partition(": this torch")[0] for one in doubts(said)] == ([told] if told else [])
    monkeypatch.setattr("torch.version.cuda", "13.0")
    assert doubts(said) == []


def test_a_knowledge_model_without_its_graph_is_refused() -> None:
    """RecBole says that NoneType is not iterable."""
    with pytest.raises(ConfigError, match=r"^\[CKE\] reads .+, and load_col leaves out \[kg, link\]: name"):
        check_values({"load_col": COLUMNS}, "CKE")
    check_values({"load_col": COLUMNS}, "BPR")
    check_values({"load_col": {**COLUMNS, "kg": "*", "link": "*"}}, "CKE")
    check_values({}, "CKE")
