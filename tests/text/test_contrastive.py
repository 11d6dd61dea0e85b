"""Further training of an encoder on domains whose users keep to one of two topics."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.text import TextSettings, encode
from recbole_ktrec.text.contrastive import REPORT, read_report, train_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from recbole_ktrec.text.encoder import TextEncoder
from tests.text.topic_domains import DOMAINS, QUICK


def separation(vectors: np.ndarray) -> float:
    """Return the mean cosine within the two topics minus that across them."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines, topic = unit @ unit.T, np.arange(len(unit)) % 2
    same = topic[:, None] == topic[None, :]
    return float(cosines[same].mean() - cosines[~same].mean())


def weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("training", ["last_layers", "lora"])
def test_held_out_domain_gets_better_and_the_folder_is_an_encoder(
    text: TextSettings, tmp_path: Path, training: str
) -> None:
    if training == "lora":
        pytest.importorskip("peft")
    text = replace(text, encoder_training=training)
    learns = replace(QUICK, batch_size=64, temperature=0.5, learning_rate=0.01, steps=60, eval_step=10, patience=9)
    folder = train_encoder(DOMAINS, text, learns, tmp_path / "out", show_progress=False)
    report = read_report(folder)
    assert folder == tmp_path / "out" / "encoder" and report is not None
    losses = [entry["loss"] for entry in report["held_out"]]
    assert report["held_out"][0]["step"] == 0 and min(losses) < losses[0] - 0.1
    assert report["job"]["settings"]["held_out"] == "toys" and not (tmp_path / "out" / "encoder.training").exists()
    trained = replace(text, encoder=str(folder), encoder_training="frozen")
    frozen = replace(text, encoder_training="frozen")
    old, new = (encode(DOMAINS[2].texts, which, show_progress=False) for which in (frozen, trained))
    assert old.fingerprint["sha256"] != new.fingerprint["sha256"] and old.folder != new.folder
    assert new.encoded == new.distinct and separation(new.matrix) > separation(old.matrix) + 0.2
    assert not [name for name in weights(folder) if "lora" in name]


def test_killed_and_resumed_gives_the_same_weights(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learns = replace(QUICK, temperature=0.5, learning_rate=0.01)
    whole = train_encoder(DOMAINS, text, learns, tmp_path / "whole", show_progress=False)
    original, calls = ContrastiveTraining._train_step, []

    def killed(self: ContrastiveTraining) -> float:
        calls.append(self.step)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(ContrastiveTraining, "_train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(DOMAINS, text, learns, tmp_path / "parts", show_progress=False)
    torch.manual_seed(99)
    parts = train_encoder(DOMAINS, text, learns, tmp_path / "parts", show_progress=False)
    assert whole is not None and parts is not None, "weights that were trained"
    assert calls[9:12] == [9, 6, 7], "from the last evaluation"
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, rtol=0, atol=0)
    count = len(calls)
    assert train_encoder(DOMAINS, text, learns, tmp_path / "parts") == parts and len(calls) == count, "finished"


def test_training_that_helps_nowhere_else_changes_nothing(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ContrastiveTraining._loss
    monkeypatch.setattr(ContrastiveTraining, "_loss", lambda self: -original(self))
    harmful = replace(QUICK, steps=20, eval_step=2, patience=2)
    assert train_encoder(DOMAINS, text, harmful, tmp_path, show_progress=False) is None
    report = read_report(tmp_path)
    assert report is not None and report["best_step"] == 0 and report["steps"] == 4, "patience ended it"
    assert [path.name for path in tmp_path.iterdir()] == [REPORT], "the encoder is the one that there was"
    monkeypatch.setattr(ContrastiveTraining, "train", None)
    assert train_encoder(DOMAINS, text, harmful, tmp_path, show_progress=False) is None, "finished"
    with pytest.raises(ConfigError, match=r"holds a training with another settings \[patience\]"):
        train_encoder(DOMAINS, text, replace(harmful, patience=3), tmp_path, show_progress=False)


def test_the_criterion_decides_which_weights_are_kept(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle([torch.tensor([2, 2]), torch.tensor([1, 2]), torch.tensor([4, 4])])
    monkeypatch.setattr("recbole_ktrec.text.contrastive_loop.ranks", lambda *_: next(orders))
    by_rank = replace(QUICK, steps=4, eval_step=2, criterion="mrr")
    report = read_report(train_encoder(DOMAINS, text, by_rank, tmp_path, show_progress=False))
    assert report is not None and [entry["mrr"] for entry in report["held_out"]] == [0.5, 0.75, 0.25]
    assert report["best_step"] == 2


def test_batches_are_of_the_domains_in_turn_and_of_fields_as_asked(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    encoded = ContrastiveTraining._vectors

    def watched(self: ContrastiveTraining, texts: list[str]) -> Tensor:
        own = [k for k, part in enumerate(DOMAINS) if {*texts} <= {*part.texts}]
        seen.append((self.step, own[0] if own else -1))
        return encoded(self, texts)

    monkeypatch.setattr(ContrastiveTraining, "_vectors", watched)
    train_encoder(DOMAINS, text, replace(QUICK, steps=6, held_out="films"), tmp_path / "a", show_progress=False)
    assert seen == [(0, 0), (1, 2), (2, 0), (3, 2), (4, 0), (5, 2)]
    seen.clear()
    train_encoder(DOMAINS, text, replace(QUICK, steps=6, field_pairs=1.0), tmp_path / "b", show_progress=False)
    assert [own for _, own in seen] == [-1] * 6, "first words against the others"


def test_the_caller_s_random_numbers_are_left_alone(text: TextSettings, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_encoder(DOMAINS, text, replace(QUICK, steps=2), tmp_path, show_progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_pooling_of_the_trained_encoder_is_stored(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = itertools.count(1.0, -0.5)  # better with each step: one that stayed as it was is not written
    monkeypatch.setattr("recbole_ktrec.text.contrastive_loop.calibrated_info_nce", lambda *_: (next(losses), 1.0))
    folder = train_encoder(DOMAINS, replace(text, pooling="cls"), replace(QUICK, steps=1), tmp_path)
    assert TextEncoder.load(replace(text, encoder=str(folder), pooling="auto")).fingerprint["pooling"] == "cls"


def test_a_decoder_can_be_trained(llama_folder: Path, tmp_path: Path) -> None:
    text = TextSettings(encoder=str(llama_folder), max_length=32, encoder_training="last_layers", last_layers=1)
    folder = train_encoder(DOMAINS, text, replace(QUICK, steps=4, eval_step=2), tmp_path, show_progress=False)
    assert TextEncoder.load(replace(text, encoder=str(folder))).fingerprint["pooling"] == "last"
