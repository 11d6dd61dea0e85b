"""Unknown keys of registered models are refused; other models, and other programs' options, are left alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.commands.values import check_values
from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.register.keys import own_keys


def config(*args: Any, **kwargs: Any) -> Any:
    from recbole.config import Config

    return Config(*args, **kwargs)


def test_a_mistyped_key_of_the_dict_is_refused(tiny_tower: str, workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[tiny_widht\] in the configuration dict.*Did you mean \[tiny_width\]"):
        config(tiny_tower, "tiny", config_dict={"tiny_widht": 3})


def test_a_mistyped_key_of_a_file_is_refused(tiny_tower: str, workplace: Path) -> None:
    (workplace / "own.yaml").write_text("learning_rat: 0.1\n")
    with pytest.raises(ConfigError, match=r"\[learning_rat\] in a configuration file.*mean \[learning_rate\]"):
        config(tiny_tower, "tiny", config_file_list=["own.yaml"])


def test_a_mistyped_key_of_the_command_line_is_refused(
    tiny_tower: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", "--epoch=3"])
    with pytest.raises(ConfigError, match=r"\[epoch\] in the command line.*mean \[epochs\]"):
        config(tiny_tower, "tiny")


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("KTRec", {"temperature": -1}, r"temperature \[-1\] is not a number above 0"),
        ("KTRec", {"history_encoder": "attn"}, r"history_encoder \[attn\] is not one of auto, sum, attention"),
        ("KTRec", {"user_text": "titles"}, r"user_text \[titles\] is not one of none, history_mean"),
        ("KTRec", {"source_weight": -1}, r"source_weight \[-1\] is not a number of at least 0"),
        ("KTRec", {"closed_form": "flase"}, r"closed_form \[flase\] is not True or False"),
        ("KTRec", {"valid_users": 0}, r"valid_users \[0\] is not a whole number of at least 1"),
        ("KTRec", {"attention_heads": 0}, r"attention_heads \[0\] is not a whole number"),
        ("KTRec", {"reg_weight": 0}, r"reg_weight \[0\] is not a number of at least 0.001 or auto"),
        ("KTEASE", {"score_power": 9}, r"score_power \[9\] is not a number from 0.1 to 5 or auto"),
        ("KTEASE", {"text_pooling": "max"}, r"text_pooling \[max\] is not one of auto, mean, cls, last"),
        ("KTEASE", {"benchmark_filename": ["train"]}, r"\['train'\] names 1 file: RecBole wants 3"),
        ("KTEASE", {"transfer": "adapter"}, r"transfer \[adapter\] needs pretrained"),
    ],
)
def test_values_are_refused_before_anything_is_logged_or_loaded(
    model: str, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config(model, "nowhere", config_dict=given)


def test_an_artifact_that_is_not_there_is_told_first(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"made/card.json\] cannot be read"):
        config("KTRec", "nowhere", config_dict={"pretrained": str(tmp_path / "made")})


def test_a_device_is_refused_in_python_as_by_the_commands(tiny_tower: str, workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"device \[cuda:1\]: RecBole sets it by gpu_id"):
        config(tiny_tower, "tiny", config_dict={"device": "cuda:1"})


@pytest.mark.parametrize("key", ["config", "config_file", "config_files", "config_file_list"])
def test_files_are_not_given_by_a_key(key: str, tiny_tower: str, workplace: Path) -> None:
    with pytest.raises(ConfigError, match=rf"\[{key}\] in the configuration dict: .*config_file_list="):
        config(tiny_tower, "tiny", config_dict={key: ["own.yaml"]})
    (workplace / "own.yaml").write_text(f"{key}: other.yaml\n")
    with pytest.raises(ConfigError, match=rf"\[{key}\] in a configuration file: .*--config_files="):
        config(tiny_tower, "tiny", config_file_list=["own.yaml"])


def test_a_mistyped_key_of_eval_args_is_refused(tiny_tower: str, workplace: Path) -> None:
    given = {"eval_args": {"splt": {"RS": [0.8, 0.1, 0.1]}, "mode": "full"}}
    with pytest.raises(ConfigError, match=r"eval_args: the key \[splt\] is not one of split, .*mean \[split\]"):
        config(tiny_tower, "tiny", config_dict=given)
    with pytest.raises(ConfigError, match=r"eval_args: the key \[splt\]"):
        check_values(given, "BPR")


def test_options_of_another_program_do_not_become_keys(
    tiny_tower: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["pytest", "--cov=recbole_ktrec", "--epochs=7", "-q"])
    made = config(tiny_tower, "tiny")
    assert "cov" not in made
    assert made["epochs"] == 7


def test_other_models_take_any_key(tiny_tower: str, workplace: Path) -> None:
    assert config("BPR", "tiny", config_dict={"tiny_widht": 3})["tiny_widht"] == 3


def test_keys_of_recbole_are_known(tiny_tower: str, workplace: Path) -> None:
    values = {"numerical_features": [], "wandb_project": "x", "transform": None, "reg_weight": 0.1, "worker": 0}
    made = config(tiny_tower, "tiny", config_dict=dict(values))
    assert {key: made[key] for key in values} == values


def test_a_key_of_another_model_is_taken_with_a_warning(
    tiny_tower: str, workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config(tiny_tower, "tiny", config_dict={"n_layers": 3})
    assert "[n_layers] in the configuration dict is a key of other models, TinyTower does not read it" in caplog.text


def test_every_key_that_recbole_s_shared_code_reads_is_known(tiny_tower: str, workplace: Path) -> None:
    import recbole

    root = Path(recbole.__file__).parent
    rooms = ("config", "data", "evaluator", "quick_start", "sampler", "utils")
    texts = [path.read_text("utf-8") for room in rooms for path in (root / room).rglob("*.py")]
    read = {key for text in texts for key in re.findall(r"config\[[\"'](\w+)[\"']\]", text)}
    assert len(read) > 60
    decision_trees = {"convert_token_to_onehot", "token_num_threshold"}
    assert read - own_keys(config(tiny_tower, "tiny")) == decision_trees
