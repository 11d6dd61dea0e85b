"""Encoders that could be trained, but not saved, or not as they are; what a training depends on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import scipy.sparse as sp
import torch
from transformers import T5Config, T5Model

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text import ContrastiveSettings, TextDomain, TextSettings
from recbole_ktrec.text.contrastive import describe_job, train_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.export import export_encoder


def refused(folder: Path, output: Path, said: str) -> None:
    """Check that training is refused, and why."""
    domains = [TextDomain(name, ["red robot", "blue doll"], sp.csr_matrix([[1.0, 1.0]])) for name in ("one", "two")]
    text = TextSettings(encoder=str(folder), max_length=32, encoder_training="full")
    with pytest.raises(EncoderError, match=rf"text_encoder \[.*{folder.name}\].* cannot be trained.*{said}"):
        train_encoder(domains, text, ContrastiveSettings(steps=1, warmup_steps=1), output, show_progress=False)


def test_what_could_not_be_saved_is_not_trained(
    bert_folder: Path, tmp_path: Path, tokenizer_saver: Callable[[Path, bool], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContrastiveTraining, "_train_step", lambda _: pytest.fail("was trained"))
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    T5Model(T5Config(vocab_size=tokenizer_saver(tmp_path / "t5", True), **sizes)).save_pretrained(tmp_path / "t5")
    refused(tmp_path / "t5", tmp_path / "out", "it has a decoder")
    adapted = shutil.copytree(bert_folder, tmp_path / "adapted")
    (adapted / "adapter_config.json").write_text("{}")
    refused(adapted, tmp_path / "out", "it has adapters")


@pytest.mark.parametrize(
    ("training", "changes", "said"),
    [("full", {"last_layers": 3, "lora_rank": 4}, None), ("last_layers", {"lora_alpha": 1.0}, None),
     ("lora", {"last_layers": 3}, None), ("lora", {"lora_rank": 4}, "lora_rank"),
     ("last_layers", {"last_layers": 3}, "last_layers")],
)  # fmt: skip
def test_keys_of_another_way_of_training_make_no_other_training(
    settings: TextSettings, training: str, changes: dict[str, Any], said: str | None
) -> None:
    domains = [TextDomain(name, ["red"], sp.csr_matrix([[1.0]])) for name in ("one", "two")]
    text = replace(settings, encoder_training=training)
    jobs = [describe_job(domains, one, ContrastiveSettings())["text settings"]
            for one in (text, replace(text, **changes))]  # fmt: skip
    assert [key for key in jobs[0] if jobs[0][key] != jobs[1][key]] == ([f"text_{said}"] if said else [])


def test_files_that_give_other_vectors_are_refused(
    settings: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = TextEncoder.load(settings)
    save: Callable[..., None] = encoder.model.save_pretrained

    def damaged(folder: Path) -> None:
        with torch.no_grad():
            encoder.model.embeddings.word_embeddings.weight.add_(torch.randn(16))
        save(folder)

    monkeypatch.setattr(encoder.model, "save_pretrained", damaged)
    with pytest.raises(EncoderError, match="other vectors"):
        export_encoder(encoder, tmp_path / "e", ["red robot", "board game"])
