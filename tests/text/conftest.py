"""Tiny encoders with their tokenizers, made on the spot, and a way to count what is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.encoder import TextEncoder

WORDS = (
    "toy story golden eye four rooms get shorty copycat red blue green puzzle robot doll train board game for kids "
    "the a of and wooden plastic space adventure comedy drama title genre item user likes"
).split()


@pytest.fixture(autouse=True)
def one_thread_and_own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def save_tokenizer(folder: Path, bert: bool) -> int:
    """Save a word tokenizer (with [CLS] and [SEP] for BERT); return its size. The decoder's has no pad token."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if bert else ["[UNK]", "</s>"]
    vocabulary = {word: i for i, word in enumerate(special + WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"unk_token": "[UNK]"}
    if bert:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        names |= {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    else:
        names |= {"eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return len(vocabulary)


@pytest.fixture(scope="session")
def tokenizer_saver() -> Callable[[Path, bool], int]:
    return save_tokenizer


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and 16 dimensions."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("tiny-bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=save_tokenizer(folder, bert=True),
        hidden_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(folder)
    return folder


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
