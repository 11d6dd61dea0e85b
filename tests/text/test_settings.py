"""Settings of texts, and of the further training of an encoder: their forms, their defaults and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from recbole_ktrec.commands.options import read_value
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.resources import resource_dir
from recbole_ktrec.text import ContrastiveSettings, TextField, TextSettings, default_cache_folder


class NoneForMissing(dict):
    """As RecBole's Config, which answers None for a key that it does not have."""

    def __missing__(self, key: str) -> None:
        return None


def test_the_property_file_holds_every_key_with_the_default_of_the_settings() -> None:
    written = yaml.safe_load((resource_dir("properties") / "text.yaml").read_text(encoding="utf-8"))
    assert tuple(written) == TextSettings.keys()
    assert TextSettings.from_mapping(written) == TextSettings()
    filled = {key: value for key, value in written.items() if value is not None}
    defaults = {f"text_{name}": value for name, value in vars(TextSettings()).items() if value is not None}
    assert {key: tuple(v) if isinstance(v, list) else v for key, v in filled.items()} == defaults


def test_every_line_of_the_property_file_has_a_typed_comment() -> None:
    for line in (resource_dir("properties") / "text.yaml").read_text(encoding="utf-8").splitlines():
        assert not line.startswith("text_") or "# (" in line, line


def test_missing_keys_and_none_take_the_default() -> None:
    assert TextSettings.from_mapping(NoneForMissing()) == TextSettings()
    assert TextSettings.from_mapping({"text_max_length": None}) == TextSettings()


@pytest.mark.parametrize("value", ["title, genre", ["title", "genre"], {"title": None, "genre": {}}])
def test_fields_can_be_written_in_three_ways(value: object) -> None:
    read = TextSettings.from_mapping({"text_fields": value})
    assert read.fields == (TextField("title"), TextField("genre"))


def test_a_template_of_one_place_is_no_mapping_of_yaml() -> None:
    assert TextSettings.from_mapping({"text_template": yaml.safe_load("{title}")}).template == "{title}"
    assert TextSettings.from_mapping({"text_template": read_value("{title}")}).template == "{title}"


def test_fields_with_options() -> None:
    read = TextSettings.from_mapping({"text_fields": {"title": {"max_words": 3}, "genre": {"label": "Genre"}}})
    assert read.fields == (TextField("title", 3), TextField("genre", None, "Genre"))
    assert hash(read)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("text_pooling", "men", r"\[men\] is not one of auto, mean, cls, last. Did you mean \[mean\]"),
        ("text_max_length", 0, r"text_max_length \[0\]"),
        ("text_max_length", True, r"text_max_length \[True\]"),
        ("text_max_length", 1.5, r"text_max_length \[1.5\]"),
        ("text_batch_tokens", "many", r"text_batch_tokens \[many\]"),
        ("text_dtype", "float64", r"float32, float16, bfloat16"),
        ("text_trust_remote_code", "yes", r"True or False"),
        ("text_lora_dropout", 1.0, r"text_lora_dropout \[1.0\]"),
        ("text_lora_alpha", "big", r"text_lora_alpha \[big\]"),
        ("text_template", "title", r"text_template \[title\] is not a text with the column of each place in braces"),
        ("text_template", {"title": None, "brand": None}, r"text_template \[.*\] is not a string"),
        ("text_encoder", 3, r"text_encoder \[3\] is not a string"),
        ("text_missing", "NA", r"text_missing \[NA\] is not a list"),
        ("text_fields", 7, r"text_fields \[7\]"),
        ("text_fields", ["title", "title"], r"\[title\] twice"),
        ("text_fields", {"title": 5}, r"text_fields\[title\] \[5\]"),
        ("text_fields", {"title": {"max_word": 5}}, r"no option \[max_word\].*Did you mean \[max_words\]"),
        ("text_fields", {"title": {"max_words": -1}}, r"text_fields\[title\]\[max_words\] \[-1\]"),
        ("text_encoder_training", "last_layer", r"Did you mean \[last_layers\]"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TextSettings.from_mapping({key: value})


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TextSettings(cache_dir=str(tmp_path)).cache_folder() == tmp_path
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "own"))
    assert default_cache_folder() == tmp_path / "own"
    monkeypatch.delenv("KTREC_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert TextSettings().cache_folder() == tmp_path / "recbole_ktrec"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache_folder() == Path.home() / ".cache" / "recbole_ktrec"


def test_a_training_that_ends_before_its_rate_has_risen_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    ContrastiveSettings.from_mapping({"contrastive_steps": 20})
    assert not caplog.text
    ContrastiveSettings.from_mapping({"contrastive_steps": 5})
    assert "contrastive_steps [5] are fewer than contrastive_warmup_steps [20]: the learning rate never" in caplog.text


def test_the_property_file_holds_every_key_with_its_default() -> None:
    written = yaml.safe_load((resource_dir("properties") / "contrastive.yaml").read_text(encoding="utf-8"))
    assert tuple(written) == ContrastiveSettings.keys()
    assert ContrastiveSettings.from_mapping(written) == ContrastiveSettings()
    assert ContrastiveSettings.from_mapping({"seed": 7, "contrastive_steps": 5}) == ContrastiveSettings(seed=7, steps=5)
    assert json.dumps(written)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("steps", 0, "whole number of at least 1"),
        ("batch_size", 1.5, "whole number of at least 2"),
        ("temperature", 0, "number above 0"),
        ("field_pairs", 2, "number from 0 to 1"),
        ("criterion", "los", r"Did you mean \[loss\]"),
        ("learning_rate", "fast", r"learning_rate \[fast\]"),
        ("held_out", 3, "name of a data set"),
    ],
)
def test_a_wrong_value_of_a_key_is_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ContrastiveSettings.from_mapping({f"contrastive_{key}": value})
