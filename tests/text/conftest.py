"""Tiny encoders with their tokenizers, made on the spot, and a way to count what is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.encoder import TextEncoder
from tests.support import save_tiny_bert, save_tokenizer


@pytest.fixture(autouse=True)
def one_thread_and_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tokenizer_saver() -> Callable[[Path, bool], int]:
    return save_tokenizer


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of three layers and 16 dimensions."""
    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama decoder of two layers and 16 dimensions, whose tokenizer has no pad token."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny-llama")
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=save_tokenizer(folder, bert=False),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def settings(bert_folder: Path) -> TextSettings:
    return TextSettings(encoder=str(bert_folder), max_length=32)


@pytest.fixture
def count_encoded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a function that tells how many texts went through a model since it was last asked."""
    seen: list[int] = []
    original = TextEncoder._encode_batch

    def counting(self: TextEncoder, ids: list[list[int]]) -> torch.Tensor:
        seen.append(len(ids))
        return original(self, ids)

    monkeypatch.setattr(TextEncoder, "_encode_batch", counting)

    def asked() -> int:
        total = sum(seen)
        seen.clear()
        return total

    return asked


@pytest.fixture
def item_file(tmp_path: Path) -> Path:
    path = tmp_path / "toys.item"
    path.write_text(
        "item_id:token\ttitle:token_seq\tgenre:token\tprice:float\n"
        "i1\tRed robot\tSpace\t1.5\n"
        "i2\tBlue doll\t\t2\n"
        "i3\t\t\t3\n"
        "i4\tred robot\tSpace\t4\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def text(settings: TextSettings) -> TextSettings:
    """Settings with which the last two layers are trained."""
    return replace(settings, encoder_training="last_layers", last_layers=2)
