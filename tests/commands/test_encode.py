from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import recbole_ktrec
from recbole_ktrec.cli import main
from recbole_ktrec.commands import encode as command
from recbole_ktrec.errors import DataError
from recbole_ktrec.text import TextSettings

REAL = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KTREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny BERT with a tokenizer of characters, as a folder."""
    from tokenizers import Tokenizer, models
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = {character: i for i, character in enumerate("?abcdefghijklmnopqrstuvwxyz .ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="?"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?").save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(vocabulary), max_position_embeddings=128, **sizes)).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a data set [shop] with four items, two of one text and one without."""
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)
    rows = ("1\tRed ball\tToys", "2\tBlue doll\tToys", "3\tRed ball\tToys", "4\t\t")
    (folder / "shop.item").write_text("item_id:token\ttitle:token_seq\tkind:token_seq\n" + "\n".join(rows) + "\n")
    (folder / "shop.user").write_text("user_id:token\tjob:token\nu1\twriter\nu2\t\n")
    return folder.parent


def test_a_misspelt_model_is_named_with_the_nearest_one(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "own.yaml").write_text("model: KTRek\n")
    for given in ("--model=KTRek", f"--config_files={data / 'own.yaml'}"):
        assert main(["encode", "--dataset=shop", f"--data_path={data}", given]) == 2
        assert "Unknown model [KTRek]. Did you mean [KTRec]?" in capsys.readouterr().err


@pytest.mark.parametrize("model", ["KTEASE", "BPR"])
def test_any_model_may_be_named(data: Path, encoder: str, model: str) -> None:
    where = [f"--item_file={data / 'shop' / 'shop.item'}", f"--text_encoder={encoder}"]
    assert main(["encode", *where, f"--model={model}"]) == 0


def test_counts_are_printed_and_a_second_time_nothing_is_encoded(
    data: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["encode", "--dataset=shop", f"--data_path={data}", f"--text_encoder={encoder}"]
    assert main(call) == 0
    out = capsys.readouterr().out
    assert "shop.item (title, kind)" in out and f"{encoder} (8 dimensions)" in out
    assert "rows        4: 3 with text, 1 without" in out
    call[2:3] = ["--data-path", str(data)]
    assert "texts       2 distinct: 2 encoded now, " in out and "texts/s, 0 from the cache" in out
    assert main(call) == 0
    assert "texts       2 distinct: 0 encoded now, 2 from the cache" in capsys.readouterr().out
    assert main([*call, "--fields=title"]) == 0
    assert "texts       2 distinct: 2 encoded now" in capsys.readouterr().out


def test_any_atomic_file_can_be_named(data: Path, encoder: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = data / "shop" / "shop.user"
    call = ["encode", f"--item-file={path}", "--id_column=user_id", "--fields=job", f"--text_encoder={encoder}"]
    assert main(call) == 0
    assert "rows        2: 1 with text, 1 without" in capsys.readouterr().out


def test_files_come_before_options_and_after_the_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "shop.yaml"
    own.write_text("text_fields: [title]\ntext_max_length: 9\ntext_pooling: cls\n")
    monkeypatch.setattr(command, "dataset_files", lambda name: [own] if name == "shop" else [])
    later = tmp_path / "later.yaml"
    later.write_text("text_max_length: 10\ntext_pooling: last\n")
    merged = command.configuration("KTRec", "shop", {**command.read_config_files([str(later)]), "text_pooling": "mean"})
    settings = TextSettings.from_mapping(merged)
    assert [field.name for field in settings.fields or ()] == ["title"]
    assert (settings.max_length, settings.pooling) == (10, "mean")


def test_where_the_item_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in (tmp_path / "shop", tmp_path / "dataset" / "shop"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert command.item_file("shop", {}) == Path("dataset/shop/shop.item")
    with pytest.raises(DataError, match=r"Data set \[shap\]: the folder .* Did you mean \[shop\]\?"):
        command.item_file("shap", {})
    assert command.item_file("shop", {"data_path": str(tmp_path)}) == tmp_path / "shop" / "shop.item"
    bundled = command.item_file("ml-100k", {"data_path": str(tmp_path)})
    assert bundled.is_file() and "recbole" in bundled.parts


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--dataset=none", "--data_path=nowhere"], "nowhere/none] does not exist"),
        ([], "Name a data set with --dataset"),
        (["--dataset=ml-100k", "--text_poling=cls"], "Unknown key [--text_poling]. Did you mean [text_pooling]?"),
        (["--dataset=ml-100k", "--text_pooling=men"], "Did you mean [mean]?"),
        (["--dataset=ml-100k", "--fields=movie_titel"], "Did you mean [movie_title]?"),
        (["--dataset=ml-100k", "--device=warp"], "--device [warp] cannot be used"),
        (["--dataset=ml-100k", "--text_encoder=./none"], "there is no such folder"),
        (["--dataset=ml-100k", "--config_files=none.yaml"], "none.yaml"),
        (["--dataset=ml-100k", "extra"], "Argument [extra]"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["encode", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_recbole_is_not_started_and_a_warm_cache_needs_no_transformers(data: Path, encoder: str) -> None:
    assert main(["encode", "--dataset=shop", f"--data_path={data}", f"--text_encoder={encoder}"]) == 0
    code = (
        "import sys; from recbole_ktrec.cli import main; "
        f"assert main(['encode', '--dataset=shop', '--data_path={data}', '--text_encoder={encoder}']) == 0; "
        "assert not {'recbole.config', 'recbole.data', 'transformers'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.realdata
@pytest.mark.skipif(not (REAL / "amazon-toys").is_dir(), reason="../shared/data is absent")
def test_a_real_catalogue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All titles and categories of amazon-toys (two minutes on one core), then one changed title."""
    path = tmp_path / "toys.item"
    with gzip.open(REAL / "amazon-toys" / "items.tsv.gz", "rt", encoding="utf-8") as raw:
        lines = raw.read().splitlines()
    lines[0] = "item_id:token\ttitle:token_seq\tcategories:token_seq"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["encode", f"--item_file={path}"]) == 0
    assert f"rows        {len(lines) - 1}: " in capsys.readouterr().out
    lines[1] += " and more"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["encode", f"--item_file={path}"]) == 0
    assert " distinct: 1 encoded now" in capsys.readouterr().out


def test_a_data_set_that_a_file_names_is_read_with_its_own_settings(
    data: Path, encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own, file = tmp_path / "shop.yaml", tmp_path / "run.yaml"
    own.write_text("text_fields: [title]\n")
    file.write_text("dataset: shop\n")
    monkeypatch.setattr(command, "dataset_files", lambda name: [own] if name == "shop" else [])
    for how in (["--dataset=shop"], [f"--config_files={file}"]):
        assert main(["encode", *how, f"--data_path={data}", f"--text_encoder={encoder}"]) == 0
        assert "shop.item (title)" in capsys.readouterr().out


def test_keys_of_configuration_files_are_checked_and_an_artifact_must_be_there(
    data: Path, encoder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["encode", "--dataset=shop", f"--data_path={data}", f"--text_encoder={encoder}"]
    typo = tmp_path / "typo.yaml"
    typo.write_text("text_max_lenght: 8\n")
    assert main([*call, f"--config_files={typo}"]) == 2
    said = capsys.readouterr().err
    assert "Unknown key [text_max_lenght] in a configuration file. Did you mean [text_max_length]?" in said
    assert main([*call, "--pretrained=/nowhere"]) == 2
    assert "[/nowhere/" in capsys.readouterr().err


def test_an_artifact_brings_its_language_model(
    data: Path, encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "artifact" / "encoder"
    shutil.copytree(encoder, own)
    card = {"language_model": {"folder": "encoder", "job": {"encoder": {"sha256": "another"}}}}
    monkeypatch.setattr("recbole_ktrec.model.artifact_card.read_card", lambda folder: card)
    call = ["encode", "--dataset=shop", f"--data_path={data}", f"--pretrained={tmp_path / 'artifact'}"]
    assert main(call) == 0 and f"encoder     {own} (8 dimensions)" in capsys.readouterr().out
    assert main([*call, f"--text_encoder={encoder}"]) == 0  # named, and not what it was trained from
    assert f"encoder     {encoder} (8 dimensions)" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="a parent there is any process of that number")
def test_it_does_not_outlive_the_comparison_that_started_it(workplace: Path) -> None:
    """One that was killed before its child had asked to go with it has left it to another process."""
    call = [sys.executable, "-m", "recbole_ktrec", "encode", "--dataset=nothing"]
    environment = {**os.environ, "PYTHONPATH": str(Path(recbole_ktrec.__file__).parent.parent)}
    for parent, code in ((os.getpid(), 2), (2**22 + 1, 1)):
        done = subprocess.run([*call, f"--parent={parent}"], env=environment, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert ("Data set [nothing]" in done.stderr) == (code == 2), "there is no such data set"
