"""What the further training of an encoder refuses: other settings and data in its folder, wrong arguments, damage."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch import Tensor

from recbole_ktrec.errors import CacheError, ConfigError, DataError, EncoderError
from recbole_ktrec.text import TextSettings
from recbole_ktrec.text.contrastive import train_encoder
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining
from tests.text.topic_domains import DOMAINS, QUICK, domain


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
