"""Encoders whose folders lack something, or hold more than one expects."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoTokenizer

from recbole_ktrec.errors import ConfigError, EncoderError
from recbole_ktrec.text import TextSettings, encode, locate, locate_encoder
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.encoder_files import EncoderSource
from recbole_ktrec.text.fingerprint import resolve_pooling

OWN = """
from transformers import BertModel
class Own(BertModel):
    def forward(self, *args, **kwargs):
        output = super().forward(*args, **kwargs)
        output.last_hidden_state = output.last_hidden_state * {factor}
        return output
"""


def change(path: Path, **values: object) -> None:
    """Set keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def with_own_code(bert_folder: Path, folder: Path) -> Path:
    """Copy an encoder that transformers knows, with code of its own that doubles its vectors."""
    shutil.copytree(bert_folder, folder)
    (folder / "own.py").write_text(OWN.format(factor=2))
    change(folder / "config.json", auto_map={"AutoModel": "own.Own"})
    return folder


def test_vectors_without_the_encoder_s_own_code_are_not_taken_for_those_with_it(
    bert_folder: Path, tmp_path: Path
) -> None:
    plain = TextSettings(encoder=str(with_own_code(bert_folder, tmp_path / "own")), max_length=32)
    trusting = replace(plain, trust_remote_code=True)
    without, given = (encode(["red robot"], settings).matrix for settings in (plain, trusting))
    np.testing.assert_allclose(given, 2 * without, rtol=1e-5)
    (tmp_path / "own" / "own.py").write_text(OWN.format(factor=3))
    assert encode(["red robot"], plain).encoded == 0, "code that does not run changes nothing"
    np.testing.assert_allclose(encode(["red robot"], trusting).matrix, 3 * without, rtol=1e-5)
    change(tmp_path / "own" / "config.json", auto_map={"AutoModel": "org/code--own.Own"})
    (tmp_path / "own" / "own.py").unlink()
    found = [locate_encoder(settings).sha256() for settings in (plain, trusting)]
    assert found[0] != found[1], "code of another repository"


def test_code_in_a_folder_of_its_own_is_part_of_what_an_encoder_computes(bert_folder: Path, tmp_path: Path) -> None:
    own = with_own_code(bert_folder, tmp_path / "own")
    (own / "code").mkdir()
    (own / "own.py").rename(own / "code" / "own.py")
    change(own / "config.json", auto_map={"AutoModel": "code/own.Own"})
    settings = TextSettings(encoder=str(own), max_length=32, trust_remote_code=True)
    twice = encode(["red robot"], settings).matrix
    (own / "code" / "own.py").write_text(OWN.format(factor=4))
    np.testing.assert_allclose(encode(["red robot"], settings).matrix, 2 * twice, rtol=1e-5)


@pytest.mark.parametrize("name", ["bpe.codes", "adapter_model.bin"])
def test_words_and_adapters_are_part_of_what_an_encoder_computes(bert_folder: Path, tmp_path: Path, name: str) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    settings = TextSettings(encoder=str(own))
    found = {locate_encoder(settings).sha256()}
    for content in ("a", "b b"):
        (own / name).write_text(content)
        found.add(locate_encoder(settings).sha256())
    assert len(found) == 3


def test_the_words_of_phobert_are_fetched() -> None:
    files = ["bpe.codes", "config.json", "model.safetensors", "vocab.txt", "LICENSE"]
    assert [file for file in files if locate._is_wanted(file, files, TextSettings())] == files[:4]


TOKENIZER = """
from transformers import PreTrainedTokenizerFast
class Own(PreTrainedTokenizerFast):
    def __call__(self, texts, **kwargs):
        return super().__call__([text + " {word}" for text in texts], **kwargs)
"""


def test_code_of_a_tokenizer_is_part_of_what_an_encoder_computes(bert_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    change(own / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "own.Own"]}, tokenizer_class="Own")
    for word in ("doll", "train"):
        (own / "own.py").write_text(TOKENIZER.format(word=word))
        found = encode(["red robot"], TextSettings(encoder=str(own), max_length=32, trust_remote_code=True))
        expected = encode([f"red robot {word}"], TextSettings(encoder=str(bert_folder), max_length=32))
        np.testing.assert_array_equal(found.matrix, expected.matrix)


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


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"weight_map": []}', b"\xff"], ids=str)
def test_a_damaged_index_of_weights_is_named(bert_folder: Path, tmp_path: Path, content: str | bytes) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own", ignore=shutil.ignore_patterns("*.safetensors"))
    (own / "model.safetensors.index.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(EncoderError, match=r"own.model\.safetensors\.index\.json\] is no index"):
        locate_encoder(TextSettings(encoder=str(own)))


@pytest.mark.parametrize("pooling", ["auto", "cls"])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_damaged_configuration_is_named(bert_folder: Path, tmp_path: Path, pooling: str, trusted: bool) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    (own / "config.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(EncoderError, match="own"):
        encode(["red"], TextSettings(encoder=str(own), pooling=pooling, trust_remote_code=trusted))


@pytest.mark.parametrize("name", ["my encoder", "org/my encoder", "x" * 200])
def test_a_name_that_no_model_can_have_is_refused(name: str) -> None:
    with pytest.raises(EncoderError, match=f"text_encoder .{name}. is no folder here and no model of the hub"):
        locate_encoder(TextSettings(encoder=name))


def test_safetensors_of_another_name_do_not_hide_the_weights_that_are_read(bert_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    weights = load_file(own / "model.safetensors")
    (own / "model.safetensors").rename(own / "consolidated.safetensors")
    rows = []
    for factor in (1, 2):
        weights["embeddings.LayerNorm.weight"] *= factor
        torch.save(weights, own / "pytorch_model.bin")
        rows.append(encode(["red"], TextSettings(encoder=str(own), max_length=32, trust_remote_code=True)).matrix)
    assert not np.allclose(rows[0], rows[1]), "other weights, other vectors"
    with pytest.raises(EncoderError, match=r"only pickled weights \[pytorch_model\.bin\]"):
        locate_encoder(TextSettings(encoder=str(own)))


def test_code_that_was_not_fetched_before_it_was_trusted_is_fetched(
    bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--org--own"
    snapshot = with_own_code(bert_folder, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(locate, "_hub", lambda *_: EncoderSource("org/own", "hub", bert_folder))

    def kind(trusted: bool) -> str:
        return locate_encoder(TextSettings(encoder="org/own", trust_remote_code=trusted)).kind

    assert kind(True) == kind(False) == "hub cache"
    (snapshot / "own.py").unlink()
    assert (kind(True), kind(False)) == ("hub", "hub cache")
    change(snapshot / "config.json", auto_map={"AutoModel": "org/code--own.Own", "AutoModelForMaskedLM": "not.Own"})
    assert kind(True) == "hub cache", "the code is elsewhere, or not of what is loaded"
    change(snapshot / "tokenizer_config.json", auto_map={"AutoTokenizer": [None, "own.Own"]})
    assert kind(True) == "hub"


def test_padding_may_have_a_token_that_the_model_does_not_know(llama_folder: Path, tmp_path: Path) -> None:
    own = shutil.copytree(llama_folder, tmp_path / "own")
    tokenizer = AutoTokenizer.from_pretrained(own)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    tokenizer.save_pretrained(own)
    texts = ["red", "blue doll for kids"]
    found, expected = (encode(texts, TextSettings(encoder=str(one), max_length=32)) for one in (own, llama_folder))
    np.testing.assert_array_equal(found.matrix, expected.matrix)


@pytest.mark.parametrize(
    ("architecture", "expected"),
    [("FlaubertWithLMHeadModel", "mean"), ("T5WithLMHeadModel", "mean"), ("OwnForCausalLM", "last")],
)
def test_pooling_of_a_head_that_is_not_causal(
    bert_folder: Path, tmp_path: Path, architecture: str, expected: str
) -> None:
    own = shutil.copytree(bert_folder, tmp_path / "own")
    change(own / "config.json", architectures=[architecture])
    settings = TextSettings(encoder=str(own))
    assert resolve_pooling(settings, locate_encoder(settings)) == expected


def test_pickled_weights_of_the_hub_are_told_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    files = ["config.json", "pytorch_model.bin", "tokenizer.json"]
    info = SimpleNamespace(sha="f00", siblings=[SimpleNamespace(rfilename=name) for name in files])
    monkeypatch.setattr(locate, "_hub_info", lambda *_: info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(Path.cwd() / "none"))
    with pytest.raises(EncoderError, match=r"only pickled weights \[pytorch_model\.bin\].*text_trust_remote_code"):
        locate_encoder(TextSettings(encoder="org/pickled"))


@pytest.mark.parametrize("name", ["FNetModel", "ConvBertModel", "NystromformerModel", "YosoModel"])
def test_a_model_that_reads_padding_gets_none(
    name: str, tmp_path: Path, tokenizer_saver: Callable[[Path, bool], int]
) -> None:
    model = getattr(transformers, name)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    model(model.config_class(vocab_size=tokenizer_saver(tmp_path, True), **sizes)).save_pretrained(tmp_path)
    encoder = TextEncoder.load(TextSettings(encoder=str(tmp_path), max_length=32))
    texts = ["red", "red robot doll for kids", "blue", "board game"]
    apart = torch.cat([encoder.vectors([text]) for text in texts])
    torch.testing.assert_close(encoder.vectors(texts), apart)
    torch.testing.assert_close(encoder(texts), apart)


def test_attention_at_random_is_refused(tmp_path: Path, tokenizer_saver: Callable[[Path, bool], int]) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.YosoConfig(vocab_size=tokenizer_saver(tmp_path, True), use_expectation=False, **sizes)
    transformers.YosoModel(config).save_pretrained(tmp_path)
    with pytest.raises(EncoderError, match="at random.*set use_expectation to true"):
        TextEncoder.load(TextSettings(encoder=str(tmp_path), max_length=32))


def test_canine_takes_texts_of_a_character(tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    transformers.CanineTokenizer().save_pretrained(tmp_path)
    transformers.CanineModel(transformers.CanineConfig(num_hash_buckets=64, **sizes)).save_pretrained(tmp_path)
    encoder = TextEncoder.load(TextSettings(encoder=str(tmp_path), max_length=32))
    texts = ["a", "", "b", "abc", "a red robot"]
    apart = torch.cat([encoder.vectors([text]) for text in texts])
    torch.testing.assert_close(encoder.vectors(texts), apart)
    assert not torch.equal(apart[0], apart[2])


@pytest.mark.parametrize("name", ["RobertaModel", "XLMRobertaXLModel", "Data2VecTextModel", "RobertaPreLayerNormModel"])
def test_a_length_beyond_models_that_count_from_padding_is_refused(
    name: str, tmp_path: Path, tokenizer_saver: Callable[[Path, bool], int]
) -> None:
    model = getattr(transformers, name)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    size = tokenizer_saver(tmp_path, True)
    config = model.config_class(vocab_size=size, max_position_embeddings=34, pad_token_id=1, **sizes)
    model(config).save_pretrained(tmp_path)
    settings = TextSettings(encoder=str(tmp_path), max_length=33)
    with pytest.raises(ConfigError, match=r"text_max_length \[33\] is more than .* can read, which is 32"):
        encode(["red robot " * 40], settings)
    assert encode(["red robot " * 40], replace(settings, max_length=32)).encoded == 1
