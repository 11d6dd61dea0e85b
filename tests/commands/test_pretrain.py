"""``ktrec pretrain`` from the outside, but for what it learns."""

from __future__ import annotations

import logging
import random
from pathlib import Path

import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.knowledge.pretraining import Pretraining
from tests.conftest import write_tiny_dataset
from tests.support import write_titles


@pytest.mark.parametrize(
    ("said", "more", "told"),
    [("lora", [], True), ("frozen", [], False), ("lora", ["--text_encoder_training=frozen"], False)],
)
def test_a_training_that_a_property_file_asks_for_is_told(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, said: str, more: list[str],
    told: bool, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for number, name in enumerate(("one", "two")):
        folder = write_tiny_dataset(workplace / "dataset", name, users=24 + number)
        write_titles(folder, ("red", "blue"), 30, random.Random(1))
        (folder / f"{name}.yaml").write_text("text_max_length: 16\n")
    (folder / "two.yaml").write_text(f"text_encoder_training: {said}\n")

    def enough(_: Pretraining) -> None:
        raise ConfigError("enough")

    monkeypatch.setattr(Pretraining, "run", enough)
    before = logging.getLogger("recbole_ktrec").handlers[:], logging.getLogger("recbole_ktrec").level
    assert main(["pretrain", "--datasets", "one", "two", "--output", "out", *more]) == 2
    assert capsys.readouterr().err.endswith("enough\n")
    assert ("text_encoder_training [lora] in the property file of [two] is not used" in caplog.text) == told
    assert "property file of [one]" not in caplog.text
    logger = logging.getLogger("recbole_ktrec")
    assert (logger.handlers, logger.level) == before, "nothing is left in the process of whoever called it"
