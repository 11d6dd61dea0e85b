from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_ktrec.errors import ConfigError, EncoderError
from recbole_ktrec.text import TextSettings, check_fingerprint, encode
from recbole_ktrec.text.batching import pad, pool, token_batches
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.prompts import with_prompt

TEXTS = ["red robot", "blue doll for kids and the train", "puzzle", "green board game"]


def one_by_one(encoder: TextEncoder, texts: list[str], pooling: str) -> np.ndarray:
    """Encode each text alone with plain transformers calls: no padding, no batching."""
    rows = []
    for text in texts:
        ids = encoder.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            hidden = encoder.model(input_ids=ids).last_hidden_state[0]
        rows.append({"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("kind", ["bert_folder", "llama_folder"])
@pytest.mark.parametrize("budget", [1, 12, 4096])
def test_a_batch_gives_what_each_text_alone_gives(
    kind: str, pooling: str, budget: int, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind)
    settings = TextSettings(encoder=str(folder), pooling=pooling, max_length=32, batch_tokens=budget)
    encoder = TextEncoder.load(settings)
    np.testing.assert_allclose(encoder.vectors(TEXTS).numpy(), one_by_one(encoder, TEXTS, pooling), atol=2e-5)
    np.testing.assert_allclose(encode(TEXTS, settings).matrix, one_by_one(encoder, TEXTS, pooling), atol=2e-5)


def test_auto_pooling(bert_folder: Path, llama_folder: Path, tmp_path: Path) -> None:
    def pooling(folder: Path) -> str:
        return TextEncoder.load(TextSettings(encoder=str(folder), max_length=32)).fingerprint["pooling"]

    assert (pooling(bert_folder), pooling(llama_folder)) == ("mean", "last")
    own = shutil.copytree(bert_folder, tmp_path / "own")
    (own / "1_Pooling").mkdir()
    (own / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert pooling(own) == "cls"
    (own / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_weightedmean_tokens": True}))
    with pytest.raises(EncoderError, match=r"1_Pooling.config.json\] asks for \[pooling_mode_weightedmean_tokens\]"):
        pooling(own)
    for mode, expected in (("cls", "cls"), ("lasttoken", "last"), (["mean"], "mean")):  # since sentence-transformers 5
        content = {"embedding_dimension": 32, "pooling_mode": mode, "include_prompt": True}
        (own / "1_Pooling" / "config.json").write_text(json.dumps(content))
        assert pooling(own) == expected
    (own / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": ["mean", "max"]}))
    with pytest.raises(EncoderError, match=r"1_Pooling.config.json\] asks for \[mean, max\]"):
        pooling(own)
    said = TextSettings(encoder=str(own), max_length=32, pooling="mean")
    assert TextEncoder.load(said).fingerprint["pooling"] == "mean", "as the message says"


def test_a_decoder_without_pad_token_reads_texts_of_unlike_lengths(llama_folder: Path) -> None:
    encoder = TextEncoder.load(TextSettings(encoder=str(llama_folder), max_length=32))
    assert encoder.tokenizer.pad_token_id is None
    apart = torch.cat([encoder.vectors([text]) for text in ("red", "blue robot doll for kids")])
    torch.testing.assert_close(encoder.vectors(["red", "blue robot doll for kids"]), apart)


def test_no_text_is_zero_and_has_no_gradient_to_give(settings: TextSettings) -> None:
    encoder = TextEncoder.load(settings)
    vectors = encoder(["red", None, "blue"])
    assert vectors.shape == (3, encoder.dim) and vectors.dtype == torch.float32
    assert vectors.any(1).tolist() == [True, False, True]
    assert not encoder([None, None]).any() and encoder([]).shape == (0, encoder.dim)


def test_token_ids_give_what_texts_give_and_are_kept(settings: TextSettings) -> None:
    encoder = TextEncoder.load(settings)
    ids = encoder.tokenize([*TEXTS, None])
    assert ids[0][0] == 2 and ids[0][-1] == 3 and ids[-1] == []
    torch.testing.assert_close(encoder(ids), encoder([*TEXTS, None]))
    assert encoder.tokenize(TEXTS[:1])[0] is ids[0]


def test_length_and_prompt(settings: TextSettings) -> None:
    encoder = TextEncoder.load(replace(settings, max_length=4, prompt="item "))
    (ids,) = encoder.tokenize(["red robot doll"])
    assert encoder.tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "item", "red", "[SEP]"]
    assert with_prompt("red {text}", "The {text} is") == "The red {text} is"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red robot", "[CLS] item red robot for kids [SEP]"),
        ("red robot doll train board game", "[CLS] item red robot doll train for kids [SEP]"),
    ],
)
def test_a_long_text_is_cut_and_not_what_the_prompt_says_after_it(
    settings: TextSettings, text: str, expected: str
) -> None:
    encoder = TextEncoder.load(replace(settings, max_length=9, prompt="item {text} for kids"))
    (ids,) = encoder.tokenize([text])
    assert encoder.tokenizer.convert_ids_to_tokens(ids) == expected.split()
    tight = TextEncoder.load(replace(settings, max_length=5, prompt="item {text} for kids"))
    with pytest.raises(ConfigError, match=r"text_prompt \[item .* has \[5\] tokens .* raise text_max_length \[5\]"):
        tight.tokenize([text])


def test_a_length_beyond_the_model_is_refused(settings: TextSettings) -> None:
    with pytest.raises(ConfigError, match=r"text_max_length \[65\].*which is 64"):
        TextEncoder.load(replace(settings, max_length=65))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_number_formats(settings: TextSettings, dtype: str) -> None:
    exact = TextEncoder.load(settings).vectors(TEXTS)
    try:
        encoder = TextEncoder.load(replace(settings, dtype=dtype))
    except ConfigError as error:
        assert dtype == "float16"
        pytest.skip(f"float16 came to CPUs with torch 2.3: {error}")
    assert {parameter.dtype for parameter in encoder.parameters()} == {getattr(torch, dtype)}
    vectors = encoder.vectors(TEXTS)
    assert vectors.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(exact, vectors).min() > 0.99


def test_a_number_format_that_the_device_lacks_is_refused(
    settings: TextSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def layer_norm(*_: object) -> None:
        raise RuntimeError("not implemented for 'Half'")

    monkeypatch.setattr(torch.nn.functional, "layer_norm", layer_norm)
    with pytest.raises(ConfigError, match=r"text_dtype \[float16\] does not work on the device \[cpu\].*'Half'"):
        TextEncoder.load(replace(settings, dtype="float16"))


def test_a_broken_tokenizer_is_an_encoder_error(bert_folder: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(bert_folder, tmp_path / "broken")
    (broken / "tokenizer.json").write_text("{")
    with pytest.raises(EncoderError, match=r"broken\] cannot be loaded"):
        TextEncoder.load(TextSettings(encoder=str(broken), max_length=32))


def test_token_batches() -> None:
    assert token_batches([2, 5, 0, 4, 2], 10) == [[1, 3], [0, 4]]
    assert token_batches([2, 5, 0, 4, 2], 4) == [[1], [3], [0, 4]]
    assert token_batches([2, 5, 0, 4, 2], 10, equal=True) == [[1], [3], [0, 4]]
    assert token_batches([], 10) == token_batches([0, 0], 10) == []
    lengths = np.random.default_rng(0).integers(0, 40, 500).tolist()
    batches = token_batches(lengths, 100)
    assert sorted(i for batch in batches for i in batch) == [i for i, length in enumerate(lengths) if length]
    assert all(len(batch) * max(lengths[i] for i in batch) <= 100 for batch in batches)


def test_pool_ignores_padding() -> None:
    padded, lengths = pad([[1, 1, 1], [1]], 0, "cpu")
    assert padded.tolist() == [[1, 1, 1], [1, 0, 0]] and lengths.tolist() == [3, 1]
    hidden = torch.tensor([[[1.0], [2.0], [6.0]], [[4.0], [9.0], [9.0]]])
    mask = torch.tensor([[1, 1, 1], [1, 0, 0]])
    assert pool(hidden, mask, "mean").tolist() == [[3.0], [4.0]]
    assert pool(hidden, mask, "cls").tolist() == [[1.0], [4.0]]
    assert pool(hidden, mask, "last").tolist() == [[6.0], [4.0]]


def test_a_checkpoint_of_another_encoder_is_refused_and_both_are_named(
    settings: TextSettings, bert_folder: Path, llama_folder: Path, tmp_path: Path
) -> None:
    bert = TextEncoder.load(settings).fingerprint
    llama = TextEncoder.load(replace(settings, encoder=str(llama_folder))).fingerprint
    with pytest.raises(EncoderError, match=r"run\.pth was trained with.*tiny-bert.*tiny-llama"):
        check_fingerprint(bert, llama, "run.pth")
    with pytest.raises(EncoderError, match=r"pooling='mean'.*pooling='cls'"):
        check_fingerprint(bert, TextEncoder.load(replace(settings, pooling="cls")).fingerprint)
    elsewhere = shutil.copytree(bert_folder, tmp_path / "copy")
    check_fingerprint(bert, TextEncoder.load(replace(settings, encoder=str(elsewhere))).fingerprint)
    assert json.loads(json.dumps(bert)) == bert


def test_long_texts_lose_their_end_whatever_the_tokenizer_says(bert_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "left")
    path = own / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"truncation_side": "left"}))
    rows = [
        TextEncoder.load(TextSettings(encoder=str(folder), max_length=5)).tokenize(["red robot puzzle green board"])
        for folder in (bert_folder, own)
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(("dtype", "hint"), [("float32", r"finite\.$"), ("float16", "use bfloat16 or float32")])
def test_vectors_that_are_not_finite_are_not_stored(
    bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, hint: str
) -> None:
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "cache"))
    settings = TextSettings(encoder=str(bert_folder), max_length=32, dtype=dtype)
    whole = TextEncoder._encode_batch
    with monkeypatch.context() as broken:
        broken.setattr(TextEncoder, "_encode_batch", lambda *given: whole(*given) * torch.inf)
        for _ in range(2):
            with pytest.raises(EncoderError, match=hint):
                encode(TEXTS, settings)
        broken.setattr(TextEncoder, "_encode_batch", lambda *given: whole(*given)[:, 1:])
        with pytest.raises(EncoderError, match=r"gives vectors of length \[\d+\], its configuration says"):
            encode(TEXTS, settings)
    found = encode(TEXTS, settings)
    assert found.encoded == len(TEXTS) and np.isfinite(found.matrix).all()


def test_code_of_an_encoder_is_part_of_what_it_computes(bert_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    trusting = TextSettings(encoder=str(own), trust_remote_code=True)
    found = [locate_encoder(trusting).sha256()]
    (own / "modeling_own.py").write_text("FACTOR = 1")
    found.append(locate_encoder(trusting).sha256())
    config = own / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"auto_map": {"AutoModel": "modeling_own.Own"}}))
    for factor in (1, 100):
        (own / "modeling_own.py").write_text(f"FACTOR = {factor}")
        found.append(locate_encoder(trusting).sha256())
    assert found[0] == found[1] and len(set(found[1:])) == 3
