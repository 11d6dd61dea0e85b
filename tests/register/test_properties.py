"""RecBole's order of precedence: overall -> model -> sample -> dataset -> kind -> files -> dict -> command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Settings = Callable[..., dict[str, Any]]


def config(*args: Any, **kwargs: Any) -> Any:
    from recbole.config import Config

    return Config(*args, **kwargs)


def test_dataset_file_beats_model_file_beats_overall(tiny_tower: str, settings: Settings) -> None:
    made = config(model=tiny_tower, dataset="tiny")
    assert made["tiny_width"] == 6  # the model file
    assert made["stopping_step"] == 4  # overall says 10, the model file 3, the dataset file 4
    assert made["valid_metric"] == "Recall@5"
    assert made["load_col"] == {"inter": ["user_id", "item_id"]}  # RecBole's overall and sample


def test_files_dict_and_command_line_come_after(
    tiny_tower: str, workplace: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workplace / "own.yaml").write_text("stopping_step: 5\ntiny_width: 7\nseed: 1\n")
    monkeypatch.setattr("sys.argv", ["test", "--stopping_step=7"])
    made = config(tiny_tower, "tiny", ["own.yaml"], {"stopping_step": 6, "tiny_width": 8})
    assert (made["seed"], made["tiny_width"], made["stopping_step"]) == (1, 8, 7)


def test_recbole_s_own_dataset_file_comes_after_the_plugin_s(tiny_tower: str, tmp_path: Path) -> None:
    (tmp_path / "dataset_configs" / "ml-100k.yaml").write_text("normalize_all: False\nthreshold: {rating: 3}\n")
    made = config(model=tiny_tower, dataset="ml-100k")
    assert made["normalize_all"] is True  # RecBole's ml-100k.yaml
    assert made["threshold"] is None
    assert made["stopping_step"] == 3


def test_other_models_are_untouched(tiny_tower: str, settings: Settings) -> None:
    from recbole_ktrec.register import MODELS

    before = config(model="BPR", dataset="tiny").final_config_dict
    entry = MODELS.pop(tiny_tower)
    try:
        assert config(model="BPR", dataset="tiny").final_config_dict == before
    finally:
        MODELS[tiny_tower] = entry
    assert before["stopping_step"] == 10 and "tiny_width" not in before
