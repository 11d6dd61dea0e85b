"""Options: layers of settings, variants, mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.benchmark import make_grid
from recbole_ktrec.evaluation.grid import Grid, plan_finals, prepare_datasets
from recbole_ktrec.evaluation.grid_file import read_grid
from recbole_ktrec.evaluation.notes import textless_notes
from recbole_ktrec.evaluation.options import entries, read_yaml, seeds_of
from tests.conftest import write_tiny_dataset


def test_later_layers_win_and_a_section_may_be_a_variant() -> None:
    mine = {"learning_rate": 0.2, "embedding_size": 4}
    grid = {"all": {"epochs": 9, "learning_rate": 0.1}, "models": {"BPR": mine}}
    options = {"all": {"epochs": 3}, "big": {"model": "BPR", "embedding_size": 64, "tune": {"epochs": {"int": [1, 2]}}}}
    plain, big = entries(["BPR", "big"], grid, options)
    assert (plain.model, plain.settings({})) == ("BPR", {"epochs": 3, "learning_rate": 0.2, "embedding_size": 4})
    assert (big.model, big.config["embedding_size"], big.ranges) == ("BPR", 64, {"epochs": {"int": [1, 2]}})
    assert set(plain.ranges) == {"learning_rate", "embedding_size", "weight_decay"}, "from properties/tuning/BPR.yaml"


def test_shared_settings_do_not_undo_what_a_model_brings() -> None:
    shared = {"train_batch_size": 4096, "epochs": 7, "embedding_size": 3}
    ours, theirs = entries(["KTRec", "BPR"], {"all": shared}, {})
    assert ours.settings({}) == {"epochs": 7}, "properties/model/KTRec.yaml sets the other two"
    assert theirs.settings({}) == {"train_batch_size": 4096, "epochs": 7}, "RecBole's BPR.yaml sets embedding_size"


def test_closed_form_models_are_validated_after_their_only_epoch() -> None:
    pop, bpr = entries(["Pop", "BPR"], {"all": {"eval_step": 5}}, {})
    assert pop.settings({})["eval_step"] == 1 and bpr.settings({})["eval_step"] == 5


def test_context_aware_models_learn_from_interactions_like_all_others() -> None:
    (fm,) = entries(["FM"], {}, {})
    assert fm.config["threshold"] is None and fm.config["train_neg_sample_args"]["distribution"] == "uniform"


def test_a_loss_over_all_items_draws_no_negatives_unless_asked() -> None:
    rows = entries(["SASRec", "GRU4Rec", "pairs", "BPR"], {}, {"pairs": {"model": "SASRec", "loss_type": "BPR"}})
    assert [row.config for row in rows] == [{"train_neg_sample_args": None}] * 2 + [{"loss_type": "BPR"}, {}]
    (asked,) = entries(["SASRec"], {}, {"SASRec": {"train_neg_sample_args": {"sample_num": 2}}})
    assert asked.config["train_neg_sample_args"] == {"sample_num": 2}, "RecBole refuses it by name"


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (["NCF"], {}, r"no model \[NCF\]. RecBole calls it \[NeuMF\]"),
        (["LigthGCN"], {}, r"no model \[LigthGCN\]. Did you mean \[LightGCN\]"),
        (["BPR"], {"BRP": {}}, r"section \[BRP\].*Did you mean \[BPR\]"),
        (["BPR"], {"LightGNC": {}}, r"does not name\. Did you mean \[LightGCN\]\? --models must name it, too\.$"),
        (["BPR"], {"LightGCN": {}}, r"section \[LightGCN\] that --models does not name\.$"),
        (["Pop"], {"all": {"reg_weight": 3}}, r"and nothing in \[Pop\] reads it\. --options .* ROW: \{reg_weight: 3\}"),
        (
            ["BPR"],
            {"all": {"embeding_size": 8}},
            r"\[embeding_size\] goes to every row, .* it\. Did you mean \[embedding_",
        ),
        (["BPR"], {"BPR": {"embeding_size": 8}}, r"\[BPR\]: nothing reads \[embeding_size\]. Did you mean"),
    ],
)
def test_mistakes_are_named(labels: list[str], options: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        entries(labels, {}, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"BPR": 3}, r"\[BPR\] must be a mapping of keys to values, and are \[3\]"),
        ({"all": ["epochs"]}, r"\[all\] must be a mapping"),
        ({"BPR": {"tune": 5}}, r"\[BPR\]: tune must be a mapping of keys to ranges, and is \[5\]"),
        ({"all": {"seed": 7}}, r"\[all\]: \[seed\] is the same for every row, so give --seeds"),
        ({"BPR": {"eval_args": {}}}, r"\[BPR\]: \[eval_args\] is the same for every row, so give --split"),
        ({"all": {"tune": {}}}, r"\[all\]: \[tune\] belongs to the section of a row"),
        ({"all": {"model": "BPR"}}, r"\[all\]: \[model\] belongs to the section of a row"),
        ({"BPR": {"tune": {"seed": {"int": [1, 2]}}}}, r"\[BPR\], tune: \[seed\] is the same for every row"),
        ({"BPR": {"tune": {"rm_dup_inter": {}}}}, r"\[BPR\], tune: \[rm_dup_inter\] is of the data.* in \[all\]"),
        ({"all": {"tune": {"topk": {}}}}, r"\[all\]: \[tune\] belongs"),
        ({"BPR": {"user_inter_num_interval": "[9,inf)"}}, r"\[user_inter_num_interval\] is of the data"),
        ({"BPR": {"TIME_FIELD": "when"}}, r"\[BPR\]: \[TIME_FIELD\] is of the data, which are"),
        ({"BPR": {"data_path": "elsewhere"}}, r"\[BPR\]: \[data_path\] is of the data"),
        ({"BPR": {"device": "cuda"}}, r"device \[cuda\]: RecBole sets it by gpu_id"),
        ({"all": {"device": "cpu"}}, r"device \[cpu\]: RecBole sets it by gpu_id"),
    ],
)
def test_sections_that_cannot_be_are_refused(options: dict[str, object], message: str, tmp_path: Path) -> None:
    (tmp_path / "options.yaml").write_text(yaml.safe_dump(options), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        make_grid({"dataset": ["tiny"], "models": ["BPR"], "options": tmp_path / "options.yaml"})


def test_rows_without_a_name_are_those_of_the_property_file_and_the_sections(workplace: Path) -> None:
    asked = {"dataset": ["tiny"], "data_path": "dataset"}
    options = workplace / "options.yaml"
    options.write_text("all: {epochs: 2}\nEASE-9: {model: EASE, reg_weight: 9}\nBPR: {embedding_size: 8}\n")
    texts = workplace / "dataset" / "tiny" / "tiny.item"
    texts.write_text("item_id:token\ttitle:token_seq\ni1\tred\n")
    named = [entry.label for entry in make_grid({**asked, "options": options}).entries]
    assert named == [*read_grid(None)["rows"], "EASE-9"] and {"KTRec", "KTRec-no-text", "EASE-auto"} <= {*named}
    texts.unlink()
    without = {entry.label: entry for entry in make_grid(asked).entries}
    assert without.keys() == {*read_grid(None)["rows"]} - {"KTRec", "KTEASE"}, "there is no text to read"
    for header, known in (("price:float", False), ("price:float\tname:token", True)):
        texts.write_text(f"item_id:token\t{header}\n")
        assert ("KTRec" in [entry.label for entry in make_grid(asked).entries]) == known, header
    texts.write_text("item_id:token\tmaker:token\n")
    assert "KTRec" in [entry.label for entry in make_grid({**asked, "given": {"text_fields": ["maker"]}}).entries]
    assert without["KTRec-no-text"].config["fusion"] == "id" and without["KTEASE-no-text"].config["prior"] == "none"


def test_rows_that_read_texts_are_left_out_on_the_data_sets_without_alone(workplace: Path) -> None:
    write_tiny_dataset(workplace / "dataset", "mute")
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\tred\n")
    asked = {"dataset": ["tiny", "mute"], "data_path": "dataset"}
    grid, whole = make_grid(asked), read_grid(None)["rows"]
    assert grid.left_out == {"mute": ["KTRec", "KTEASE"]} and [row.label for row in grid.entries] == whole
    assert [row.label for row in grid.rows_of("tiny")] == whole
    assert [row.label for row in grid.rows_of("mute")] == whole[2:]
    plan = prepare_datasets(grid, workplace / "splits")[1]
    (note,) = textless_notes(grid, plan)
    assert note == "[mute]: there is no [mute.item], so what reads texts is not run there: KTRec, KTEASE."
    assert {label for label, _ in (plan_finals(grid, plan), plan.jobs)[1]} == {*whole[2:]}
    assert not make_grid({**asked, "models": ["KTRec", "Pop"]}).left_out, "asked for by name"
    options = workplace / "options.yaml"
    options.write_text("KTRec: {fusion: id}\nKTEASE: {user_power: 0.5}\n")
    assert make_grid({**asked, "options": options}).left_out == {"mute": ["KTEASE"]}, "KTRec reads none here"


def test_a_row_of_the_property_file_is_named_like_a_model_and_a_section_goes_over_it() -> None:
    grid = {"variants": {"wide": {"model": "BPR", "embedding_size": 64, "learning_rate": 0.1}}}
    (wide,) = entries(["wide"], grid, {"wide": {"learning_rate": 0.2}})
    assert (wide.model, wide.config) == ("BPR", {"embedding_size": 64, "learning_rate": 0.2})
    (other,) = entries(["wide"], grid, {"wide": {"model": "LightGCN", "learning_rate": 0.2}})
    assert (other.model, other.config) == ("LightGCN", {"learning_rate": 0.2}), "another model's keys are not taken"


@pytest.mark.parametrize(
    ("label", "options", "told"),
    [
        ("EASE-auo", {}, "no model [EASE-auo]. Did you mean [EASE-auto]?"),
        ("ktease", {}, "no model [ktease]. Did you mean [KTEASE]?"),
        ("mine", {"mine": {"model": "EASE-auto"}}, "no model [EASE-auto]. Did you mean [EASE]?"),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest_that_may_stand_there(
    label: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        entries([label], read_grid(None), options)
    assert str(error.value).endswith(told)


def test_seeds() -> None:
    assert seeds_of(3) == [2020, 2021, 2022]
    assert seeds_of([5, 1]) == [5, 1]
    assert seeds_of(2024) == [2024]
    with pytest.raises(ConfigError):
        seeds_of([1, 1])
    for none in (0, -1):
        with pytest.raises(ConfigError, match=rf"seeds \[{none}\] is not a whole number of at least 1"):
            seeds_of(none)


def test_yaml_files(tmp_path: Path) -> None:
    path = tmp_path / "o.yaml"
    path.write_text("a: 1e-3\nb: [2E2, x1e]\n")
    assert read_yaml(path) == {"a": 0.001, "b": [200.0, "x1e"]}
    path.write_text("- 1")
    with pytest.raises(ConfigError, match="must hold a mapping"):
        read_yaml(path)
    path.write_text("topK: [1]")
    with pytest.raises(ConfigError, match=r"unknown key \[topK\]. Did you mean \[topk\]"):
        read_grid(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "absent.yaml")
    path.write_bytes("# caf\xe9".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"o\.yaml\] cannot be read.*utf-8"):
        read_yaml(path)


def test_what_makes_a_row_is_not_drawn() -> None:
    options = {"all": {"learning_rate": 0.5}, "no-text": {"model": "KTRec", "fusion": "id"}}
    options["wide"] = {"model": "KTRec", "fusion": "id", "tune": {"fusion": {"choice": ["sum"]}}}
    row, wide = entries(["no-text", "wide"], {}, options)
    assert "temperature" in row.ranges and not {"fusion", "learning_rate"} & set(row.ranges)
    assert not {"whitening", "graph_layers"} & set(row.ranges), "nothing reads them without item texts"
    (users,) = entries(["KTRec"], {}, {"KTRec": {"fusion": "id", "user_text": "columns"}})
    assert "whitening" in users.ranges, "of the texts of users"
    assert wide.ranges == {"fusion": {"choice": ["sum"]}}, "asked for outright"
    whole, textless, ease = entries(["KTEASE", "KTEASE-no-text", "EASE-auto"], read_grid(None), {})
    assert whole.ranges.keys() - textless.ranges.keys() == {"whitening", "lexical_weight", "prior_neighbours"}
    assert textless.ranges.keys() == {"user_power", "item_power"} and not ease.ranges


def test_keys_of_the_command_line_are_for_every_model_and_override_the_options(tmp_path: Path) -> None:
    path = tmp_path / "o.yaml"
    path.write_text("all: {epochs: 3, stopping_step: 7}\nBPR: {embedding_size: 4}\n")
    asked = {"dataset": ["ml-100k"], "models": ["Pop", "BPR"], "options": path, "given": {"epochs": 5}}
    grid = make_grid(asked)
    assert all((one.config["epochs"], one.config["stopping_step"]) == (5, 7) for one in grid.entries)
    assert grid.common["epochs"] == 5 and grid.entries[1].config["embedding_size"] == 4


def test_what_is_asked_for_twice_is_measured_once() -> None:
    asked = {"metrics": ["NDCG", "Recall", "ndcg"], "topk": [20, 10, 20]}
    grid = make_grid({"dataset": ["ml-100k"], "models": ["Pop"], **asked})
    assert (list(grid.metrics), list(grid.topk)) == (["NDCG", "Recall"], [20, 10])


def test_grid_of_the_command_line() -> None:
    grid = make_grid({"dataset": ["ml-100k"], "models": ["Pop"], "seeds": [2], "metrics": ["Recall", "NDCG"]})
    assert (list(grid.seeds), list(grid.topk), grid.valid_metric) == ([2020, 2021], [10, 20], "NDCG@10")
    assert make_grid({"dataset": ["ml-100k"], "models": ["Pop"], "rating_threshold": 0.0}).rating_threshold == 0
    for wrong, message in (
        ({"metrics": ["Recal"]}, r"\[Recal\].*Did you mean \[recall\]"),
        ({"metrics": ["AUC"]}, "no ranking metric"),
        ({"valid_metric": "NDCG@7"}, r"\[NDCG@7\] is none of those"),
        ({"topk": [0]}, r"topk \[0\]"),
        ({"split": "cold"}, "Unknown split"),
    ):
        with pytest.raises(ConfigError, match=message):
            make_grid({"dataset": ["ml-100k"], "models": ["Pop"], **wrong})


def test_what_the_data_are_read_by_may_stand_in_all(tmp_path: Path) -> None:
    path = tmp_path / "o.yaml"
    path.write_text("all: {user_inter_num_interval: '[5,inf)'}\nBPR: {load_col: {inter: [user_id]}}\n")
    grid = make_grid({"dataset": ["ml-100k"], "models": ["BPR"], "options": path})
    assert grid.common == {"user_inter_num_interval": "[5,inf)"} and "load_col" in grid.entries[0].config


def test_what_is_disliked_is_left_out_for_all_models_alike(tiny_grid: Callable[..., Grid], workplace: Path) -> None:
    common: dict[str, Any] = {"val_interval": {"rating": "[4,inf)"}, "state": "ERROR"}
    with pytest.raises(
        DataError, match=r"\[rating\] is wanted \(by val_interval, say\) and not loaded: name it in load_col"
    ):
        prepare_datasets(tiny_grid("Pop", common=common), workplace / "splits")
    asked = tiny_grid("Pop", common={**common, "load_col": {"inter": ["user_id", "item_id", "rating"]}})
    (plan,) = prepare_datasets(asked, workplace / "splits")
    rows = (workplace / "dataset" / "tiny" / "tiny.inter").read_text().splitlines()[1:]
    liked = sum(float(row.split("\t")[2]) >= 4 for row in rows)
    assert 0 < plan.prepared[2020].counts["interactions"] == liked < len(rows)


def test_the_validation_metric_is_one_of_those_measured() -> None:
    asked = {"dataset": ["ml-100k"], "models": ["BPR"]}
    assert make_grid({**asked, "topk": [5, 20]}).valid_metric == "NDCG@5"
    assert make_grid({**asked, "topk": [5, 10]}).valid_metric == "NDCG@10" == make_grid(asked).valid_metric
    with pytest.raises(
        ConfigError, match=r"\[NDCG@10\] is none .*: Recall@10, Recall@20\. Give one with --valid-metric"
    ):
        make_grid({**asked, "metrics": ["Recall"]})
    with pytest.raises(ConfigError, match=r"\[Accuracy\] is no ranking metric: .*measures accuracy anyway"):
        make_grid({**asked, "metrics": ["Accuracy"]})
