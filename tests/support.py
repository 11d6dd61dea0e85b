"""What the fixtures of several rooms build: a tiny encoder with its tokenizer, no network needed."""

from __future__ import annotations

from pathlib import Path

WORDS = (
    "toy story golden eye four rooms get shorty copycat red blue green puzzle robot doll train board game for kids "
    "the a of and wooden plastic space adventure comedy drama title genre item user likes"
).split()


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


def save_tiny_bert(folder: Path) -> Path:
    """Save a BERT of three layers and 16 dimensions in ``folder``."""
    import torch
    from transformers import BertConfig, BertModel

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
