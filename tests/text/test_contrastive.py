"""Further training of an encoder on domains whose users keep to one of two topics."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import torch
import yaml
from filelock import FileLock
from torch import Tensor

from recbole_ktrec.errors import CacheError, ConfigError, DataError, EncoderError
from recbole_ktrec.resources import resource_dir
from recbole_ktrec.text import ContrastiveSettings, TextDomain, TextSettings, encode
from recbole_ktrec.text.contrastive import read_report, train_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from recbole_ktrec.text.contrastive_loss import calibrated_info_nce, info_nce, ranks, supervised_contrastive
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.export import export_encoder

SPACE, BOARD = ("robot", "space", "adventure", "golden", "eye"), ("puzzle", "board", "game", "wooden", "doll")


def domain(name: str, seed: int, items: int = 40, users: int = 30) -> TextDomain:
    """Even users take even items, whose texts are about space; odd ones are about board games."""
    draw = random.Random(seed)
    rest = ("red", "blue", "green", "kids", "plastic", "toy")
    texts = [" ".join(draw.sample((SPACE, BOARD)[k % 2], 2) + draw.sample(rest, 2)) for k in range(items)]
    matrix = sp.lil_matrix((users, items), dtype=np.float32)
    for user in range(users):
        matrix[user, draw.sample(range(user % 2, items, 2), 6)] = 1
    pairs = tuple((text.split()[0], " ".join(text.split()[1:])) for text in texts)
    return TextDomain(name, texts, matrix.tocsr(), pairs)


DOMAINS = [domain("games", 1), domain("films", 2), domain("toys", 3)]
QUICK = ContrastiveSettings(batch_size=32, steps=24, eval_step=6, eval_pairs=64, learning_rate=0.01, warmup_steps=2)


@pytest.fixture
def text(settings: TextSettings) -> TextSettings:
    return replace(settings, encoder_training="last_layers", last_layers=2)


def separation(vectors: np.ndarray) -> float:
    """Return the mean cosine within the two topics minus that across them."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines, topic = unit @ unit.T, np.arange(len(unit)) % 2
    same = topic[:, None] == topic[None, :]
    return float(cosines[same].mean() - cosines[~same].mean())


def weights(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_loss_has_the_known_answer() -> None:
    first, second = torch.eye(3), torch.eye(3)
    none = torch.zeros(3, 3, dtype=torch.bool)
    expected = torch.log(torch.tensor(1 + 2 * np.exp(-10.0))).item()
    assert info_nce(first, 5 * second, none, 0.1).item() == pytest.approx(expected, abs=1e-6)
    assert info_nce(first, second, ~none, 0.1).item() == 0.0, "without negatives there is nothing to learn"
    assert ranks(first, second, none).tolist() == [1] * 6
    assert ranks(first, second.roll(1, 0), none).tolist() == [3] * 6, "of equal ones the partner comes last"
    assert ranks(first, second.roll(1, 0), ~none).tolist() == [1] * 6, "what is known is no rival"


def test_vectors_that_are_all_the_same_are_the_worst_that_there_is() -> None:
    """At a fixed temperature they would beat an encoder whose cosines lie far apart."""
    none, generator = torch.zeros(40, 40, dtype=torch.bool), torch.Generator().manual_seed(0)
    first = torch.randn(40, 8, generator=generator)
    second = first + 1.5 * torch.randn(40, 8, generator=generator)
    same = torch.ones(40, 8) + 1e-4 * torch.randn(40, 8, generator=generator)
    assert info_nce(same, same.flip(0), none, 0.05) < info_nce(first, second, none, 0.05)
    loss, temperature = calibrated_info_nce(first, second, none)
    assert loss == pytest.approx(min(info_nce(first, second, none, t).item() for t in (0.1, 0.15, 0.2, 0.3, 0.5)))
    assert loss < calibrated_info_nce(same, same.flip(0), none)[0] == pytest.approx(np.log(40), abs=1e-3)
    assert 0.1 <= temperature <= 0.5
    assert ranks(torch.ones(10, 4), torch.ones(10, 4), torch.zeros(10, 10, dtype=torch.bool)).tolist() == [10] * 20


def test_loss_of_sets_has_the_known_answer() -> None:
    vectors = torch.eye(2).repeat_interleave(2, dim=0)  # two users with two like texts each
    together = (torch.arange(4)[:, None] // 2 == torch.arange(4) // 2) & ~torch.eye(4, dtype=torch.bool)
    expected = torch.log(torch.tensor(1 + 2 * np.exp(-10.0))).item()
    assert supervised_contrastive(3 * vectors, together, 0.1).item() == pytest.approx(expected, abs=1e-6)
    lonely = torch.cat([vectors, -vectors[:1]])  # a text without partners: a negative of the others only
    wider = torch.nn.functional.pad(together, (0, 1, 0, 1))
    assert supervised_contrastive(lonely, wider, 0.1).item() == pytest.approx(expected, abs=1e-3)
    given = lonely.clone().requires_grad_()
    supervised_contrastive(given, wider, 0.05).backward()
    assert given.grad is not None and torch.isfinite(given.grad).all()


def test_loss_without_negatives_has_a_finite_gradient() -> None:
    first = torch.randn(4, 3, requires_grad=True)
    info_nce(first, torch.randn(4, 3), torch.ones(4, 4, dtype=torch.bool), 0.05).backward()
    assert first.grad is not None and torch.isfinite(first.grad).all()


@pytest.mark.parametrize("training", ["last_layers", "lora"])
def test_held_out_domain_gets_better_and_the_folder_is_an_encoder(
    text: TextSettings, tmp_path: Path, training: str
) -> None:
    if training == "lora":
        pytest.importorskip("peft")
    text = replace(text, encoder_training=training)
    learns = replace(QUICK, batch_size=64, temperature=0.5, learning_rate=0.01, steps=60, eval_step=10, patience=9)
    folder = train_encoder(DOMAINS, text, learns, tmp_path / "out", show_progress=False)
    report = read_report(folder)
    assert folder == tmp_path / "out" / "encoder" and report is not None
    losses = [entry["loss"] for entry in report["held_out"]]
    assert report["held_out"][0]["step"] == 0 and min(losses) < losses[0] - 0.1
    assert report["job"]["settings"]["held_out"] == "toys" and not (tmp_path / "out" / "encoder.training").exists()
    trained = replace(text, encoder=str(folder), encoder_training="frozen")
    frozen = replace(text, encoder_training="frozen")
    old, new = (encode(DOMAINS[2].texts, which, show_progress=False) for which in (frozen, trained))
    assert old.fingerprint["sha256"] != new.fingerprint["sha256"] and old.folder != new.folder
    assert new.encoded == new.distinct and separation(new.matrix) > separation(old.matrix) + 0.2
    assert not [name for name in weights(folder) if "lora" in name]


def test_killed_and_resumed_gives_the_same_weights(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_encoder(DOMAINS, text, QUICK, tmp_path / "whole", show_progress=False)
    original, calls = ContrastiveTraining._train_step, []

    def killed(self: ContrastiveTraining) -> float:
        calls.append(self.step)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return original(self)

    monkeypatch.setattr(ContrastiveTraining, "_train_step", killed)
    with pytest.raises(KeyboardInterrupt):
        train_encoder(DOMAINS, text, QUICK, tmp_path / "parts", show_progress=False)
    torch.manual_seed(99)
    parts = train_encoder(DOMAINS, text, QUICK, tmp_path / "parts", show_progress=False)
    assert calls[9:12] == [9, 6, 7], "from the last evaluation"
    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, rtol=0, atol=0)
    count = len(calls)
    assert train_encoder(DOMAINS, text, QUICK, tmp_path / "parts") == parts and len(calls) == count, "finished"


def test_training_that_helps_nowhere_else_changes_nothing(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = ContrastiveTraining._loss
    monkeypatch.setattr(ContrastiveTraining, "_loss", lambda self: -original(self))
    harmful = replace(QUICK, steps=20, eval_step=2, patience=2)
    folder = train_encoder(DOMAINS, text, harmful, tmp_path, show_progress=False)
    report = read_report(folder)
    assert report is not None and report["best_step"] == 0 and report["steps"] == 4, "patience ended it"
    before = TextEncoder.load(replace(text, encoder_training="frozen")).vectors(DOMAINS[0].texts)
    after = TextEncoder.load(replace(text, encoder=str(folder))).vectors(DOMAINS[0].texts)
    torch.testing.assert_close(after, before)


def test_the_criterion_decides_which_weights_are_kept(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = itertools.cycle([torch.tensor([2, 2]), torch.tensor([1, 2]), torch.tensor([4, 4])])
    monkeypatch.setattr("recbole_ktrec.text.contrastive_loop.ranks", lambda *_: next(orders))
    by_rank = replace(QUICK, steps=4, eval_step=2, criterion="mrr")
    report = read_report(train_encoder(DOMAINS, text, by_rank, tmp_path, show_progress=False))
    assert report is not None and [entry["mrr"] for entry in report["held_out"]] == [0.5, 0.75, 0.25]
    assert report["best_step"] == 2


def test_batches_are_of_the_domains_in_turn_and_of_fields_as_asked(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    encoded = ContrastiveTraining._vectors

    def watched(self: ContrastiveTraining, texts: list[str]) -> Tensor:
        own = [k for k, part in enumerate(DOMAINS) if {*texts} <= {*part.texts}]
        seen.append((self.step, own[0] if own else -1))
        return encoded(self, texts)

    monkeypatch.setattr(ContrastiveTraining, "_vectors", watched)
    train_encoder(DOMAINS, text, replace(QUICK, steps=6, held_out="films"), tmp_path / "a", show_progress=False)
    assert seen == [(0, 0), (1, 2), (2, 0), (3, 2), (4, 0), (5, 2)]
    seen.clear()
    train_encoder(DOMAINS, text, replace(QUICK, steps=6, field_pairs=1.0), tmp_path / "b", show_progress=False)
    assert [own for _, own in seen] == [-1] * 6, "first words against the others"


def test_the_caller_s_random_numbers_are_left_alone(text: TextSettings, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_encoder(DOMAINS, text, replace(QUICK, steps=2), tmp_path, show_progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_pooling_of_the_trained_encoder_is_stored(text: TextSettings, tmp_path: Path) -> None:
    folder = train_encoder(DOMAINS, replace(text, pooling="cls"), replace(QUICK, steps=1), tmp_path)
    assert TextEncoder.load(replace(text, encoder=str(folder), pooling="auto")).fingerprint["pooling"] == "cls"


def test_a_decoder_can_be_trained(llama_folder: Path, tmp_path: Path) -> None:
    text = TextSettings(encoder=str(llama_folder), max_length=32, encoder_training="last_layers", last_layers=1)
    folder = train_encoder(DOMAINS, text, replace(QUICK, steps=4, eval_step=2), tmp_path, show_progress=False)
    assert TextEncoder.load(replace(text, encoder=str(folder))).fingerprint["pooling"] == "last"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 30}, r"another settings \[steps\]: \[24\], now \[30\]"),
        ({"held_out": "films"}, r"another settings \[held_out\]: \[toys\], now \[films\]"),
    ],
)
def test_another_training_in_the_same_folder_is_refused(
    text: TextSettings, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    output = tmp_path / "out"
    train_encoder(DOMAINS, text, QUICK, output, show_progress=False)
    with pytest.raises(ConfigError, match=said):
        train_encoder(DOMAINS, text, replace(QUICK, **change), output)  # type: ignore[arg-type]


def test_other_data_in_the_same_folder_is_refused(text: TextSettings, tmp_path: Path) -> None:
    train_encoder(DOMAINS, text, replace(QUICK, steps=1), tmp_path, show_progress=False)
    with pytest.raises(ConfigError, match=r"other interactions or texts of \[films\]: its files, .* or held_out_users"):
        train_encoder([DOMAINS[0], domain("films", 9), DOMAINS[2]], text, replace(QUICK, steps=1), tmp_path)


def test_another_order_of_the_data_is_refused(
    text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: ContrastiveTraining) -> Tensor:
        raise KeyboardInterrupt

    settings, turned = replace(QUICK, steps=2, eval_step=1), [DOMAINS[1], DOMAINS[0], DOMAINS[2]]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        original, steps = ContrastiveTraining._loss, iter((True,))
        patch.setattr(ContrastiveTraining, "_loss", lambda self: original(self) if next(steps, False) else killed(self))
        train_encoder(DOMAINS, text, settings, tmp_path, show_progress=False)
    for _ in range(2):  # goes on with the second step, then is finished
        with pytest.raises(ConfigError, match=r"training on \['games', 'films', 'toys'\], in this order"):
            train_encoder(turned, text, settings, tmp_path, show_progress=False)
        train_encoder(DOMAINS, text, settings, tmp_path, show_progress=False)


def test_wrong_arguments_are_refused(text: TextSettings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two or more different data sets"):
        train_encoder(DOMAINS[:1], text, QUICK, tmp_path)
    with pytest.raises(ConfigError, match=r"contrastive_held_out \[film\].*Did you mean \[films\]"):
        train_encoder(DOMAINS, text, replace(QUICK, held_out="film"), tmp_path)
    with pytest.raises(ConfigError, match=r"\[frozen\] trains nothing"):
        train_encoder(DOMAINS, replace(text, encoder_training="frozen"), QUICK, tmp_path)
    (tmp_path / "encoder").mkdir()
    with pytest.raises(ConfigError, match="was not trained here"):
        train_encoder(DOMAINS, text, QUICK, tmp_path)


def test_two_at_once_in_one_folder_are_refused(text: TextSettings, tmp_path: Path) -> None:
    (tmp_path / "encoder.training").mkdir()
    with FileLock(tmp_path / "encoder.training" / "lock"), pytest.raises(CacheError, match="Another process"):
        train_encoder(DOMAINS, text, QUICK, tmp_path)


def test_a_damaged_state_is_named(text: TextSettings, tmp_path: Path) -> None:
    (tmp_path / "encoder.training").mkdir()
    (tmp_path / "encoder.training" / "state.json").write_text('{"tensors": "none"}', encoding="utf-8")
    with pytest.raises(DataError, match="remove that folder"):
        train_encoder(DOMAINS, text, QUICK, tmp_path)


def test_a_loss_that_is_no_number_stops(text: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "recbole_ktrec.text.contrastive_loop.supervised_contrastive",
        lambda *_: torch.tensor(float("nan"), requires_grad=True),
    )
    with pytest.raises(EncoderError, match="contrastive_learning_rate"):
        train_encoder(DOMAINS, text, QUICK, tmp_path, show_progress=False)


def test_files_that_give_other_vectors_are_refused(
    settings: TextSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = TextEncoder.load(settings)
    save: Callable[..., None] = encoder.model.save_pretrained

    def damaged(folder: Path) -> None:
        with torch.no_grad():
            encoder.model.embeddings.word_embeddings.weight.add_(torch.randn(16))
        save(folder)

    monkeypatch.setattr(encoder.model, "save_pretrained", damaged)
    with pytest.raises(EncoderError, match="other vectors"):
        export_encoder(encoder, tmp_path / "e", ["red robot", "board game"])


def test_the_property_file_holds_every_key_with_its_default() -> None:
    written = yaml.safe_load((resource_dir("properties") / "contrastive.yaml").read_text(encoding="utf-8"))
    assert tuple(written) == ContrastiveSettings.keys()
    assert ContrastiveSettings.from_mapping(written) == ContrastiveSettings()
    assert ContrastiveSettings.from_mapping({"seed": 7, "contrastive_steps": 5}) == ContrastiveSettings(seed=7, steps=5)
    assert json.dumps(written)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("steps", 0, "whole number of at least 1"),
        ("batch_size", 1.5, "whole number of at least 2"),
        ("temperature", 0, "number above 0"),
        ("field_pairs", 2, "number from 0 to 1"),
        ("criterion", "los", r"Did you mean \[loss\]"),
        ("learning_rate", "fast", r"learning_rate \[fast\]"),
        ("held_out", 3, "name of a data set"),
    ],
)
def test_a_wrong_value_of_a_key_is_refused(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ContrastiveSettings.from_mapping({f"contrastive_{key}": value})
