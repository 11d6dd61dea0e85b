"""The language model that ktrec pretrain trains on its sources, and what takes it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.evaluation.transfer_grid import Curve, encoding_grid, plan_curve
from recbole_ktrec.knowledge.domains import read_domain
from recbole_ktrec.knowledge.language_model import text_domain
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.model.artifact import load
from recbole_ktrec.model.held_out import held_out
from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.text_priors import Terms, TextPriors, untrained_texts
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.text import TextSettings, locate_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from recbole_ktrec.text.fingerprint import encoder_fingerprint
from tests.knowledge.test_pretraining import KEYS
from tests.support import save_tiny_bert

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
    assert (told["folder"], told["trained_from"]) == ("encoder", encoder)
    assert told["job"]["settings"]["held_out"] == "two" and min(losses) < losses[0]
    assert told["job"]["encoder"]["sha256"] != card["encoder"]["sha256"]
    found = TextSettings(encoder=str(workplace / "out" / "encoder"), max_length=16)
    assert encoder_fingerprint(found, locate_encoder(found))["sha256"] == card["encoder"]["sha256"]
    write_target(workplace)
    for model in ("KTEASE", "KTRec"):
        run = target(model, pretrained="out", closed_form=model == "KTEASE", transfer_guard=False)
        assert run.text_encoder == str(Path("out") / "encoder"), model
        named = target(model, pretrained="out", closed_form=model == "KTEASE", text_encoder=encoder)
        assert named.text_encoder == run.text_encoder, "the encoder that it was trained from is no other one"
        assert UntrainedEncoder.of(named.config)["text_encoder"] == encoder
    other = save_tiny_bert(workplace / "other")
    (other / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    with pytest.raises(EncoderError, match=r"The artifact \[out\] was trained with.*out/encoder.*other"):
        target("KTRec", pretrained="out", text_encoder=str(other), closed_form=False)
    own = target("KTEASE", pretrained="out", text_encoder="out/encoder", transfer_guard=False)
    assert own.model.transfer is not None
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


def test_a_language_model_that_stayed_as_it_was_is_no_other_encoder(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    losses = itertools.count(1.0)
    monkeypatch.setattr("recbole_ktrec.text.contrastive_loop.calibrated_info_nce", lambda *_: (next(losses), 1.0))
    harmful = [part.replace("patience=9", "patience=1") for part in TRAINED]
    assert main(call(encoder, *harmful)) == 0
    told = capsys.readouterr().out
    assert "encoder     the language model stayed as it was: none of 10 steps made it better on [two]" in told
    assert "trained language model" not in told
    card = load(workplace / "out").card
    base = TextSettings(encoder=encoder, max_length=16)
    assert card["encoder"]["sha256"] == encoder_fingerprint(base, locate_encoder(base))["sha256"]
    assert card["language_model"] is None and card["language_model_unchanged"]["best_step"] == 0
    assert not (workplace / "out" / "encoder").exists()
    assert len(list((workplace / "cache" / "vectors").iterdir())) == 1, "texts are encoded once"
    write_target(workplace)
    assert target("KTEASE", pretrained="out", text_encoder=encoder).text_encoder == encoder
    monkeypatch.setattr(ContrastiveTraining, "train", None)
    assert main(call(encoder, *harmful)) == 0, "the same again"
    assert capsys.readouterr().out == told
    assert main(call(encoder)) == 2
    assert "[out] holds what was learned with training of the language model" in capsys.readouterr().err


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
    found = held_out(alone.valid_loader, int(alone.config["seed"]))
    assert found is not None
    users = found.users.numpy()
    sample = found.sample(alone.model.taken.matrix, None)
    assert with_guard["untrained"] == pytest.approx(sample.ndcg(alone.model.scores(users)), abs=1e-6)
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("text_encoder: ./nowhere\n")
    assert untrained_texts(target("KTEASE", pretrained="out").config, run.train, texts) is texts


@pytest.mark.parametrize("named", [None, "out/encoder"])
def test_guard_does_not_compare_with_another_encoder_than_the_language_model_was_trained_from(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str, named: str | None
) -> None:
    """Neither the default nor the trained one itself; without a comparison there is nothing to refuse."""
    assert main(call(encoder, *TRAINED)) == 0
    write_target(workplace)
    other = save_tiny_bert(workplace / "other")
    (other / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text(f"text_encoder: {other}\n")
    given = {"pretrained": "out", "text_encoder": named}
    wrong = re.escape(named or str(other))
    for model in ("KTEASE", "KTRec"):
        with pytest.raises(ConfigError, match=rf"trained from \[{encoder}\].*read with \[{wrong}\].*set text_encoder"):
            target(model, **given, closed_form=model == "KTEASE")
        run = target(model, **given, closed_form=model == "KTEASE", transfer_guard=False)
        assert run.text_encoder == str(Path("out") / "encoder")
    assert target("KTEASE", **given, transfer="zero_shot").text_encoder == str(Path("out") / "encoder")


def test_transfer_report_is_of_the_encoder_that_the_language_model_was_trained_from(
    values: Callable[[str], dict[str, Any]], workplace: Path, encoder: str
) -> None:
    assert main(call(encoder, *TRAINED)) == 0
    write_target(workplace)
    given = {"text_max_length": 16, "use_gpu": False}
    curve = Curve("tiny", str(workplace / "dataset"), workplace / "out", [0.0], [2020], given=given)
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text("text_encoder: out/encoder\n")
    with pytest.raises(ConfigError, match=rf"trained from \[{encoder}\].*read with \[out/encoder\]"):
        plan_curve(curve, workplace / "splits")
    assert not (workplace / "splits").exists()
    (workplace / "dataset" / "tiny" / "tiny.yaml").write_text(f"text_encoder: {encoder}\n")
    plan = plan_curve(curve, workplace / "splits")
    assert plan.untrained["encoder"] == encoder
    read = {entry.label: entry.settings(plan.data.values)["text_encoder"] for entry in encoding_grid(plan).entries}
    own = str(workplace / "out" / "encoder")
    assert read == {"transferred": own, "kernel": encoder, "shuffled": own}


def test_domain_of_the_language_model_lacks_what_is_held_out(
    values: Callable[[str], dict[str, Any]], workplace: Path
) -> None:
    path = workplace / "dataset" / "one" / "one.item"
    rows = [f"i{item}\tred robot\t{'toy' if item % 3 else ''}" for item in range(29)]
    path.write_text("\n".join(["item_id:token\ttitle:token_seq\tbrand:token", *rows]) + "\n")
    domain = text_domain("one", {**values("one"), "text_fields": ["title", "brand"]}, 20, 1)
    options = PretrainOptions.read({**KEYS, "held_out_users": 20})
    measured = read_domain("one", {**values("one"), "text_fields": ["title", "brand"]}, options)
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
