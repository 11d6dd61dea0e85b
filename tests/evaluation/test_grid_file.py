"""The property file of a comparison's grid: what it may hold, and what it goes over."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.benchmark import make_grid
from recbole_ktrec.evaluation.grid_file import read_grid


def test_a_file_of_the_grid_says_what_differs(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text("seeds: 1\n")
    grid = make_grid({"dataset": ["ml-100k"], "models": ["Pop"], "config": tmp_path / "grid.yaml"})
    assert (list(grid.seeds), grid.valid_metric) == ([2020], "NDCG@10") and "NDCG" in grid.metrics


def test_a_list_of_seeds_in_a_file_is_which_ones(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("seeds: [42]\ntopk: [5]\nmetrics: [NDCG]\nvalid_metric: NDCG@5\n")
    assert list(make_grid({"dataset": ["ml-100k"], "models": ["Pop"], "config": path}).seeds) == [42]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("models: {BPR: {encoding: latin-1}}", r"\[BPR\]: \[encoding\] is of the data"),
        ("all: {seed: 3}", r"\[all\]: \[seed\] is the same for every row, so give --seeds"),
    ],
)
def test_sections_of_the_grid_are_checked_too(said: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(f"{said}\n")
    with pytest.raises(ConfigError, match=message):
        make_grid({"dataset": ["ml-100k"], "models": ["BPR"], "config": tmp_path / "grid.yaml"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("metrics: NDCG", r"metrics must be a list of names, and is \[NDCG\]"),
        ('topk: ["10"]', r"topk must be a list of whole numbers, and is \[\['10'\]\]"),
        ("seeds: two", r"seeds must be a whole number or a list of them, and is \[two\]"),
        ("all: 3", r"all must be a mapping of keys to values, and is \[3\]"),
        ("models: {NeuMF: 3}", r"models must be a mapping of models to their keys"),
        ("valid_metric: 3", r"valid_metric must be a metric with the length of its list, NDCG@10, and is \[3\]"),
        ("rating_threshold: good", r"rating_threshold must be a number or ~, and is \[good\]"),
        ("text_diversity: 3", r"text_diversity must be True or False, and is \[3\]"),
        ("models: {NeuMFF: {epochs: 3}}", r"models: RecBole has no model \[NeuMFF\]. Did you mean \[NeuMF\]"),
        ("models: {NeuMF: {epoch: 3}}", r"Options of \[NeuMF\]: nothing reads \[epoch\]. Did you mean \[epochs\]"),
        ("all: {learnig_rate: 1}", r"all: nothing reads \[learnig_rate\]. Did you mean \[learning_rate\]"),
    ],
)
def test_what_a_grid_file_may_hold(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_grid(path)


def test_a_grid_file_that_says_nothing_wrong_goes_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("seeds: [1, 2]\nrating_threshold: 4\nall: {epochs: 3}\nmodels: {BPR: ~}\n", encoding="utf-8")
    grid = read_grid(path)
    assert (grid["seeds"], grid["rating_threshold"], grid["all"]) == ([1, 2], 4, {"epochs": 3})
    assert grid["topk"] == read_grid(None)["topk"]


def test_variants_of_a_grid_file_stand_beside_those_of_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("variants: {flat: {model: KTEASE, item_power: 0, tune: {}}, EASE-auto: {model: EASE}}\n")
    asked = {"dataset": ["ml-100k"], "config": path}
    rows = {entry.label: entry.model for entry in make_grid(asked).entries}
    assert rows.keys() == {*read_grid(None)["rows"]} and rows["EASE-auto"] == "EASE"
    assert make_grid({**asked, "models": ["flat"]}).entries[0].config["item_power"] == 0
    for variant, told in (
        ("flat: ~", "variants: RecBole has no model .flat."),
        ("x: {model: BPR, epoch: 1}", "epochs"),
    ):
        path.write_text(f"variants: {{{variant}}}\n")
        with pytest.raises(ConfigError, match=told):
            read_grid(path)
