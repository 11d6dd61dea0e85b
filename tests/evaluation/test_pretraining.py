"""ktrec pretrain on two tiny sources whose texts say who likes what."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.evaluation import pretraining
from recbole_ktrec.evaluation.domains import hold_out, read_domain
from recbole_ktrec.evaluation.language_model import text_domain
from recbole_ktrec.evaluation.pretraining import Pretraining, PretrainOptions
from recbole_ktrec.model.artifact import load
from recbole_ktrec.model.held_out import held_out
from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.text_priors import Terms, TextPriors, untrained_texts
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.nn.samples import sample_from
from recbole_ktrec.text import TextSettings, locate_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from recbole_ktrec.text.fingerprint import encoder_fingerprint
from tests.conftest import write_tiny_dataset
from tests.support import save_tiny_bert, write_titles

KEYS: dict[str, Any] = {
    "whitening": 0.4, "exponents": [0.5], "strengths": [1.0], "powers": [1.0, 2.0], "lexical_weights": [0.0, 0.3],
    "neighbours": 50, "held_out_users": 100, "candidates": 100, "fusion_knowledge": True, "seed": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny BERT."""
    return str(save_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.fixture
def values(workplace: Path, encoder: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Two sources, ``one`` and ``two``, and a function that returns their configuration."""
    monkeypatch.setenv("KTREC_CACHE", str(workplace / "cache"))
    draw = random.Random(5)
    for name, topics in (("one", ("red robot", "blue puzzle")), ("two", ("space drama", "board comedy"))):
        folder = write_tiny_dataset(workplace / "dataset", name, users=60)
        write_titles(folder, topics, 30, draw)
    return lambda name: {"data_path": "dataset", "text_encoder": encoder, "text_max_length": 16, "use_gpu": False}


def test_held_out_is_one_interaction_of_users_with_two() -> None:
    taken = sp.csr_matrix(np.array([[0, 1, 1, 1], [0, 1, 0, 0], [0, 1, 0, 1]], dtype=np.float32))
    rest, sample = hold_out(taken, 10, np.random.default_rng(0))
    assert sample.positives.sum(axis=1).A1.tolist() == [1, 1]
    assert rest.sum(axis=1).A1.tolist() == [2, 1, 1]
    np.testing.assert_array_equal((sample.rows + sample.positives).toarray(), taken[[0, 2]].toarray())


def test_artifact_tells_what_was_measured(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    made = Pretraining(["one", "two"], values, PretrainOptions.read(KEYS), workplace / "out").run()
    found = load(workplace / "out")
    assert list(found.statistics) == ["one", "two"] and found.shape == made.shape
    np.testing.assert_allclose(found.matrix, made.matrix)
    card = found.card
    assert [source["interactions"] for source in card["sources"]] == [600, 600]
    assert all(len(source["inter_sha256"]) == len(source["item_sha256"]) == 64 for source in card["sources"])
    assert card["encoder"]["encoder"].endswith("bert0") and [one["source"] for one in card["fusion"]] == ["one", "two"]
    best = max(one["mean_ratio"] for one in card["tried"])
    assert np.mean([told["ratio"] for told in card["metrics"].values()]) == pytest.approx(best)
    assert best >= card["tried"][0]["mean_ratio"] and card["tried"][0]["strength"] == 0  # no transfer is the first
    for told in card["metrics"].values():
        assert told["ndcg@10"]["shuffled_texts"] < told["ndcg@10"]["transferred"]


def test_what_is_done_is_not_done_again(
    values: Callable[[str], dict[str, Any]], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = PretrainOptions.read(KEYS)
    first = Pretraining(["one", "two"], values, options, workplace / "out").run()

    def never(*_: Any) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(pretraining, "co_consumption", never)
    monkeypatch.setattr(Pretraining, "_measure", never)
    monkeypatch.setattr(Pretraining, "_controls", never)
    again = Pretraining(["one", "two"], values, options, workplace / "out").run()
    np.testing.assert_array_equal(again.matrix, first.matrix)
    assert again.card["metrics"] == first.card["metrics"]
    with (workplace / "dataset" / "one" / "one.inter").open("a") as file:
        file.write("u1\ti29\t5\t99\n")
    with pytest.raises(AssertionError, match="computed again"):
        Pretraining(["one", "two"], values, options, workplace / "out").run()


def test_other_columns_are_other_interactions(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    path = workplace / "dataset" / "one" / "one.inter"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{header}\tsession:token", *(f"{row}\ts{n % 7}" for n, row in enumerate(rows))]) + "\n")
    keys = {
        read_domain("one", {**values("one"), **more}, 0.4, 10, 10, 1).key
        for more in ({}, {"USER_ID_FIELD": "session", "load_col": {"inter": ["session", "item_id"]}})
    }
    assert len(keys) == 2


def test_one_source_alone_is_warned_of(
    values: Callable[[str], dict[str, Any]], workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = PretrainOptions.read({**KEYS, "fusion_knowledge": False})
    made = Pretraining(["one"], values, options, workplace / "out").run()
    assert "one source, [one]" in caplog.text and made.card["held_out"] == "the source's own users"
    assert made.card["fusion"] == []


def test_command_prints_the_table_and_refuses_unknown_keys(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["pretrain", "--datasets", "one", "two", "--output", "out", f"--text_encoder={encoder}",
            "--text_max_length=16", "--powers=[1.0]", "--strengths=[1.0]", "--lexical_weights=[0.0]",
            "--fusion_knowledge=False"]  # fmt: skip
    assert main(call) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["source", "interactions", "untrained_kernel", "untrained", "transferred",
                                "shuffled_texts", "ratio"]  # fmt: skip
    assert [line.split()[:2] for line in lines[1:3]] == [["one", "600"], ["two", "600"]]
    assert lines[3].startswith("untrained_kernel: the cosine alone; untrained: with shared words;")
    assert lines[3].endswith("measured on each source with the others' knowledge")
    assert (workplace / "out" / "card.json").is_file()
    assert main([*call[:2], "two", "one", *call[4:]]) == 2
    assert "[out] holds what was learned from one, two in this order: name another --output" in capsys.readouterr().err
    assert main([part.replace("powers=[1.0]", "powers=[2.0]") for part in call]) == 2
    assert "[out] holds what was learned with powers [1.0], not [2.0]: name another" in capsys.readouterr().err
    assert main([*call, "--text_encoder_training=full"]) == 2
    assert "[out] holds what was learned without training of the language model" in capsys.readouterr().err
    assert main([part.replace("length=16", "length=8") for part in call]) == 2
    assert "To keep it, name another --output." in capsys.readouterr().err
    assert main(call) == 0 and capsys.readouterr().out.splitlines() == lines, "the same again is fine"
    assert main([*call, "--strenghts=[1]"]) == 2
    assert "Did you mean [strengths]" in capsys.readouterr().err
    assert main(["pretrain", "--datasets", "one", "twoo", "--output", "other"]) == 2
    assert "[twoo]" in capsys.readouterr().err and not (workplace / "other").exists(), "told before anything is done"


@pytest.mark.parametrize(
    ("key", "value"),
    [("powers", [0]), ("strengths", [2.0]), ("seed", -1), ("fusion_knowledge", 1), ("candidates", 1.5)],
)
def test_bad_values_are_named(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key):
        PretrainOptions.read({**KEYS, key: value})


def test_sources_that_cannot_be_used_are_named(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[one\] is named twice"):
        Pretraining(["one", "one"], values, PretrainOptions.read(KEYS), workplace / "out")
    (workplace / "dataset" / "two" / "two.item").unlink()
    with pytest.raises(DataError, match=r"two.item\] is missing"):
        read_domain("two", values("two"), 0.4, 10, 10, 0)


def test_damaged_part_is_named(values: Callable[[str], dict[str, Any]], workplace: Path) -> None:
    options = PretrainOptions.read({**KEYS, "fusion_knowledge": False})
    Pretraining(["one"], values, options, workplace / "out").run()
    (part,) = (workplace / "out" / "parts").glob("one-*.safetensors")
    part.write_bytes(b"no")
    with pytest.raises(DataError, match=part.name):
        Pretraining(["one"], values, options, workplace / "out").run()
    for kept in (workplace / "out" / "parts").glob("*.json"):
        assert json.loads(kept.read_text())


TRAINED = ["--text_encoder_training=last_layers", "--contrastive_steps=40", "--contrastive_eval_step=10",
           "--contrastive_patience=9", "--contrastive_batch_size=16", "--contrastive_eval_pairs=64",
           "--contrastive_learning_rate=0.003", "--contrastive_temperature=0.5"]  # fmt: skip


def call(encoder: str, *more: str) -> list[str]:
    return ["pretrain", "--datasets", "one", "two", "--output", "out", f"--text_encoder={encoder}",
            "--text_max_length=16", "--powers=[1.0]", "--strengths=[1.0]", "--lexical_weights=[0.0]",
            "--fusion_knowledge=False", *more]  # fmt: skip


def test_language_model_is_trained_first_and_taken_by_a_target(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(call(encoder, *TRAINED)) == 0
    assert "on [two], held out, loss" in capsys.readouterr().out
    card = load(workplace / "out").card
    told = card["language_model"]
    losses = [entry["loss"] for entry in told["held_out"]]
    assert told["folder"] == "encoder" and told["job"]["settings"]["held_out"] == "two" and min(losses) < losses[0]
    assert told["job"]["encoder"]["sha256"] != card["encoder"]["sha256"]
    found = TextSettings(encoder=str(workplace / "out" / "encoder"), max_length=16)
    assert encoder_fingerprint(found, locate_encoder(found))["sha256"] == card["encoder"]["sha256"]
    write_target(workplace)
    for model in ("KTEASE", "KTRec"):
        run = target(model, pretrained="out", closed_form=model == "KTEASE")
        assert run.text_encoder == str(Path("out") / "encoder"), model
        named = target(model, pretrained="out", closed_form=model == "KTEASE", text_encoder=encoder)
        assert named.text_encoder == run.text_encoder, "the encoder that it was trained from is no other one"
        assert UntrainedEncoder.of(named.config)["text_encoder"] == encoder
    other = save_tiny_bert(workplace / "other")
    (other / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    with pytest.raises(EncoderError, match=r"The artifact \[out\] was trained with.*out/encoder.*other"):
        target("KTRec", pretrained="out", text_encoder=str(other), closed_form=False)
    assert target("KTEASE", pretrained="out", text_encoder="out/encoder").model.transfer is not None
    (workplace / "out" / "encoder").rename(workplace / "away")
    with pytest.raises(DataError, match=r"out/encoder\] is missing"):
        target("KTEASE", pretrained="out")


def test_training_that_is_done_is_not_done_again_and_goes_with_the_artifact(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(call(encoder, *TRAINED)) == 0
    monkeypatch.setattr(ContrastiveTraining, "train", None)
    assert main(call(encoder, *TRAINED)) == 0
    assert main(call(encoder)) == 2, "the artifact would lose it"
    assert load(workplace / "out").card["language_model"] is not None


def test_guard_compares_with_the_encoder_that_the_run_would_have(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str
) -> None:
    assert main(call(encoder, *TRAINED)) == 0
    write_target(workplace)
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text(f"text_encoder: {encoder}\n")
    run = target("KTEASE", pretrained="out")
    texts = TextPriors(run.config, run.train, 10, Terms(run.config, run.train, binary_interactions(run.train)))
    plain = untrained_texts(run.config, run.train, texts)
    assert plain.found.fingerprint["encoder"] == encoder and texts.found.fingerprint["encoder"] == "out/encoder"
    assert not np.allclose(plain.found.matrix, texts.found.matrix, atol=1e-2)
    run.trainer.fit(run.train_loader, run.valid_loader, saved=False, verbose=False)
    with_guard = run.model.transfer_choice["ndcg"]
    alone = target("KTEASE")
    alone.trainer.fit(alone.train_loader, alone.valid_loader, saved=False, verbose=False)
    found = held_out(alone.valid_loader, "user_id", "item_id", int(alone.config["seed"]))
    assert found is not None
    users = found.users.numpy()
    sample = sample_from(alone.model.interaction_matrix, users, found.row.numpy(), found.item.numpy())
    assert with_guard["untrained"] == pytest.approx(sample.ndcg(alone.model.scores(users)), abs=1e-6)
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("text_encoder: ./nowhere\n")
    assert untrained_texts(target("KTEASE", pretrained="out").config, run.train, texts) is texts


def test_domain_of_the_language_model_lacks_what_is_held_out(
    values: Callable[[str], dict[str, Any]], workplace: Path
) -> None:
    path = workplace / "dataset" / "one" / "one.item"
    rows = [f"i{item}\tred robot\t{'toy' if item % 3 else ''}" for item in range(29)]
    path.write_text("\n".join(["item_id:token\ttitle:token_seq\tbrand:token", *rows]) + "\n")
    domain = text_domain("one", {**values("one"), "text_fields": ["title", "brand"]}, 20, 1)
    measured = read_domain("one", {**values("one"), "text_fields": ["title", "brand"]}, 0.4, 20, 10, 1)
    assert (domain.interactions != measured.rest).nnz == 0 and domain.interactions.nnz == 600 - 20
    assert list(domain.texts) == measured.texts and domain.texts[0] is None
    assert sorted(domain.field_pairs) == sorted(("red robot", "toy") for item in range(29) if item % 3)
    assert text_domain("one", {**values("one"), "text_fields": ["title"]}, 20, 1).field_pairs == []


class Target(NamedTuple):
    """A target run before its training."""

    config: Any
    model: Any
    trainer: Any
    train_loader: Any
    valid_loader: Any

    @property
    def train(self) -> Any:
        return self.train_loader.dataset

    @property
    def text_encoder(self) -> str:
        return self.config["text_encoder"]


def write_target(workplace: Path) -> None:
    """Give ``tiny`` item texts."""
    rows = [f"i{item}\t{('red robot', 'board game')[item % 2]} {('toy', 'kids')[item % 3 // 2]}" for item in range(30)]
    path = workplace / "dataset" / "tiny" / "tiny.item"
    path.write_text("\n".join(["item_id:token\ttitle:token_seq", *rows]) + "\n")


def target(model: str, **settings: Any) -> Target:
    given = {"text_max_length": 16, "use_gpu": False, "show_progress": False, "state": "ERROR", **settings}
    config = Config(model=model, dataset="tiny", config_dict=given)
    init_seed(config["seed"], True)
    train, valid, _ = data_preparation(config, create_dataset(config))
    built = get_model(model)(config, train.dataset)
    return Target(config, built, get_trainer(config["MODEL_TYPE"], model)(config, built), train, valid)
