"""Families of models beside those of the fast tests: batching, training the last layer, adapters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.encoder import TextEncoder

TEXTS = ["red robot", "blue doll for kids and the train", "puzzle", "green board game"]
USUAL = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
PLACES = {**USUAL, "max_position_embeddings": 64}
OFFSET = {**USUAL, "max_position_embeddings": 66}
ENDS = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
#: name of the model's class -> sizes
FAMILIES: dict[str, dict[str, Any]] = {
    "T5Model": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 3, "num_heads": 2},
    "RobertaModel": {**OFFSET, "pad_token_id": 1},
    "DistilBertModel": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64},
    "MPNetModel": OFFSET,
    "ElectraModel": {**PLACES, "embedding_size": 16},
    "AlbertModel": {**PLACES, "embedding_size": 16},
    "DebertaV2Model": PLACES,
    "ModernBertModel": {**PLACES, **ENDS, "cls_token_id": 2, "sep_token_id": 3},
    "GPT2Model": {"n_embd": 16, "n_layer": 3, "n_head": 2, "n_positions": 64, **ENDS},
    "Qwen3Model": {**PLACES, "num_key_value_heads": 1, "head_dim": 8},
    "Gemma2Model": {**PLACES, "num_key_value_heads": 1, "head_dim": 8},
    "MistralForCausalLM": {**PLACES, "num_key_value_heads": 1},
    "Phi3Model": {**PLACES, "num_key_value_heads": 1, **ENDS},
    "OPTModel": {
        "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "ffn_dim": 32, "word_embed_proj_dim": 8,
        "max_position_embeddings": 64,
    },
    "BloomModel": {"hidden_size": 16, "n_layer": 3, "n_head": 2},
}  # fmt: skip


@pytest.fixture(params=FAMILIES)
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, tokenizer_saver: Callable[[Path, bool], int]
) -> TextSettings:
    model = getattr(transformers, request.param, None)
    if model is None:
        pytest.skip(f"transformers {transformers.__version__} has no {request.param}")
    size = tokenizer_saver(tmp_path, True)
    torch.manual_seed(0)
    model(model.config_class(vocab_size=size, **FAMILIES[request.param])).save_pretrained(tmp_path)
    return TextSettings(encoder=str(tmp_path), max_length=32, last_layers=1)


@pytest.mark.slow
def test_a_family_is_encoded_and_trained(settings: TextSettings) -> None:
    encoder = TextEncoder.load(settings)
    vectors = encoder.vectors(TEXTS)
    width = 8 if encoder.model.config.model_type == "opt" else 16  # what its last layer projects to
    assert vectors.shape == (4, width) and encoder.dim == width
    torch.testing.assert_close(vectors, torch.cat([encoder.vectors([text]) for text in TEXTS]))
    encoder.set_training("last_layers")
    encoder(TEXTS).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.trainable_parameters())


@pytest.mark.slow
def test_a_family_takes_adapters(settings: TextSettings) -> None:
    encoder = TextEncoder.load(settings)
    before = encoder.vectors(TEXTS)
    assert encoder.set_training("lora")
    torch.testing.assert_close(encoder.vectors(TEXTS), before)
    encoder(TEXTS).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.trainable_parameters())
