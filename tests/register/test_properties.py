"""RecBole's order of precedence: overall -> model -> sample -> dataset -> kind -> files -> dict -> command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.prepare import dataset_settings
from recbole_ktrec.model import ktease_options, ktrec_net
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.properties import config_files_for, model_files
from recbole_ktrec.resources import resource_dir


def config(*args: Any, **kwargs: Any) -> Any:
    from recbole.config import Config

    return Config(*args, **kwargs)


def test_dataset_file_beats_model_file_beats_overall(tiny_tower: str, dataset_file: Path, workplace: Path) -> None:
    made = config(model=tiny_tower, dataset="tiny")
    assert made["tiny_width"] == 6  # the model file
    assert made["stopping_step"] == 4  # overall says 10, the model file 3, the dataset file 4
    assert made["valid_metric"] == "Recall@5"
    assert made["load_col"] == {"inter": ["user_id", "item_id"]}  # RecBole's overall and sample
    assert f"TinyTower.yaml, {dataset_file}\n" in str(made)  # what the log begins with
    assert "tiny_extra" in made.parameters["Dataset"]  # what a saved data set is compared by


def test_files_dict_and_command_line_come_after(
    tiny_tower: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "own.yaml").write_text("stopping_step: 5\ntiny_width: 7\nseed: 1\n")
    monkeypatch.setattr("sys.argv", ["test", "--stopping_step=7"])
    made = config(tiny_tower, "tiny", ["own.yaml"], {"stopping_step": 6, "tiny_width": 8})
    assert (made["seed"], made["tiny_width"], made["stopping_step"]) == (1, 8, 7)


def test_the_file_that_convert_writes_beside_the_data_is_read(
    tiny_tower: str, dataset_file: Path, workplace: Path, tmp_path: Path
) -> None:
    made = tmp_path / "data" / "tiny" / "tiny.yaml"
    made.parent.mkdir(parents=True)
    made.write_text("stopping_step: 8\n")
    assert config(tiny_tower, "tiny", config_dict={"data_path": str(tmp_path / "data")})["stopping_step"] == 8
    assert config(tiny_tower, "tiny")["stopping_step"] == 4


def test_a_mistyped_key_beside_the_data_is_refused(tiny_tower: str, workplace: Path) -> None:
    (workplace / "dataset/tiny/tiny.yaml").write_text("tiny_width: 9\nfusoin: id\n")
    refused = r"Unknown key \[fusoin\] in property file \[dataset/tiny/tiny\.yaml\]\. Did you mean \[fusion\]"
    for _ in range(2):  # the refused key is not learned
        with pytest.raises(ConfigError, match=refused):
            config(tiny_tower, "tiny")
    with pytest.raises(ConfigError, match=refused):
        dataset_settings("tiny", "dataset")


def test_recbole_s_own_dataset_file_comes_after_the_plugin_s(tiny_tower: str, dataset_file: Path) -> None:
    dataset_file.with_name("ml-100k.yaml").write_text("normalize_all: False\nstopping_step: 5\n")
    made = config(model=tiny_tower, dataset="ml-100k")
    assert made["normalize_all"] is True  # RecBole's ml-100k.yaml
    assert made["stopping_step"] == 5


def test_other_models_are_untouched(tiny_tower: str, dataset_file: Path, workplace: Path) -> None:
    before = config(model="BPR", dataset="tiny").final_config_dict
    entry = MODELS.pop(tiny_tower)
    try:
        assert config(model="BPR", dataset="tiny").final_config_dict == before
    finally:
        MODELS[tiny_tower] = entry
    assert before["stopping_step"] == 10 and "tiny_width" not in before


def test_a_built_in_model_reads_the_dataset_file_when_told_to(tiny_tower: str, dataset_file: Path) -> None:
    assert config_files_for("BPR", "tiny") == [str(dataset_file)]
    assert config_files_for(tiny_tower, "tiny") == []  # reads it anyway
    assert config_files_for("BPR", "ml-100k") == []  # RecBole has a file of its own
    assert config("BPR", "tiny", config_files_for("BPR", "tiny"))["stopping_step"] == 4


def test_a_broken_property_file_is_named(tiny_tower: str, dataset_file: Path) -> None:
    dataset_file.write_text("stopping_step: [\n")
    with pytest.raises(ConfigError, match=rf"Property file \[{dataset_file}\] of model \[TinyTower\]"):
        config(tiny_tower, "tiny")


def test_shared_files_come_before_the_model_s_own(tiny_tower: str) -> None:
    entry = MODELS[tiny_tower]
    MODELS[tiny_tower] = entry._replace(shared=("text.yaml",))
    assert [path.name for path in model_files(tiny_tower)] == ["text.yaml", "TinyTower.yaml"]


@pytest.mark.parametrize(("model", "choices"), [("KTRec", ktrec_net._CHOICES), ("KTEASE", ktease_options._CHOICES)])
def test_every_choice_is_told_where_it_is_set(model: str, choices: dict[str, Iterable[str]]) -> None:
    text = (resource_dir("properties") / "model" / f"{model}.yaml").read_text(encoding="utf-8")
    for key, names in choices.items():
        (line,) = (one for one in text.splitlines() if one.startswith(f"{key}:"))
        assert not [name for name in names if not re.search(rf"\b{name}\b", line)], key
