"""Encoders whose folders lack something, or hold more than one expects."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text import TextSettings, encode


def test_a_folder_without_its_tokenizer_is_refused(bert_folder: Path, tmp_path: Path) -> None:
    for kept in ((), ("tokenizer_config.json",)):
        own = tmp_path / f"own-{len(kept)}"
        own.mkdir()
        for name in ("config.json", "model.safetensors"):
            shutil.copy(bert_folder / name, own / name)
        for name in kept:
            (own / name).write_text('{"tokenizer_class": "BertTokenizer"}')
        with pytest.raises(EncoderError, match=r"text_encoder \[.*own-\d\]"):
            encode(["red robot", "blue doll"], TextSettings(encoder=str(own), max_length=32))


def test_a_tokenizer_of_bytes_has_no_vocabulary(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer, T5Config, T5Model

    tokenizer = ByT5Tokenizer(extra_ids=0)
    tokenizer.save_pretrained(tmp_path)
    T5Model(
        T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
    ).save_pretrained(tmp_path)
    rows = encode(["red", "blue"], TextSettings(encoder=str(tmp_path))).matrix
    assert not np.array_equal(rows[0], rows[1])
