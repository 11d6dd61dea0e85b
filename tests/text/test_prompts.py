"""Prompts around texts, and how long texts are cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.text import TextSettings, encode
from recbole_ktrec.text.encoder import TextEncoder


@pytest.mark.parametrize(
    ("prompt", "limit"), [("", 1), ("", 2), ("toy train board ", 5), ("toy train board game for kids ", 5)]
)
def test_a_length_that_leaves_no_room_for_a_text_is_refused(settings: TextSettings, prompt: str, limit: int) -> None:
    tight = replace(settings, prompt=prompt, max_length=limit)
    with pytest.raises(ConfigError, match=rf"text_prompt \[{prompt}\] has .* raise text_max_length \[{limit}\]"):
        encode(["red robot", "blue doll"], tight)
    rows = TextEncoder.load(replace(tight, max_length=9)).tokenize(["red robot", "blue doll"])
    assert rows[0] != rows[1]


def byte_level(folder: Path) -> Path:
    """Save a GPT-2 whose tokens of words differ at the beginning and after a blank, as those of most decoders do."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2Model, PreTrainedTokenizerFast

    vocabulary = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges: list[tuple[str, str]] = []
    for word in ("\u0120means", "means", "\u0120one", "\u0120word"):
        for place in range(1, len(word)):
            merges.append((word[:place], word[place]))
            vocabulary.setdefault(word[: place + 1], len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=list(dict.fromkeys(merges))))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="!").save_pretrained(folder)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(vocab_size=len(vocabulary), n_embd=16, n_layer=1, n_head=2, n_positions=64, **ends)
    GPT2Model(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("text", ["ab", "abc " * 30, "abc," * 30])
def test_the_first_word_after_the_text_stays_whole(tmp_path: Path, text: str) -> None:
    settings = TextSettings(encoder=str(byte_level(tmp_path)), max_length=16, prompt="Item {text} means one word")
    encoder = TextEncoder.load(settings)
    (ids,) = encoder.tokenize([text])
    assert encoder.tokenizer.convert_ids_to_tokens(ids)[-3:] == ["\u0120means", "\u0120one", "\u0120word"]
    assert len(ids) <= 16


def test_half_of_a_surrogate_pair_is_read_as_a_question_mark(settings: TextSettings) -> None:
    encoder = TextEncoder.load(settings)
    assert encoder.tokenize(["red \ud83d robot"]) == encoder.tokenize(["red ? robot"])
