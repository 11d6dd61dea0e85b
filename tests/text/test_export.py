"""Encoders that could be trained, but not saved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import scipy.sparse as sp
from transformers import T5Config, T5Model

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text import ContrastiveSettings, TextDomain, TextSettings
from recbole_ktrec.text.contrastive import train_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining


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
