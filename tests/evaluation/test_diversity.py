"""The texts of the lists' items are compared in one way for all rows of a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ktrec import text
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.diversity import shared_texts
from recbole_ktrec.evaluation.grid import Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.text import TextSettings

BASE = {"text_fields": ["title"], "text_prompt": "a {text}"}


def test_only_what_changes_vectors_is_another_way_of_reading() -> None:
    assert shared_texts(BASE, BASE, reads=True) is None
    assert shared_texts(BASE, {**BASE, "text_batch_tokens": 9, "text_encoder_training": "full"}, reads=True) is None
    assert shared_texts({**BASE, "epochs": 3}, {**BASE, "text_prompt": "b {text}"}, reads=True) == BASE
    assert shared_texts({}, {"text_encoder": "other"}, reads=False) == {}


def test_the_language_model_of_an_artifact_is_another_encoder(tmp_path: Path) -> None:
    row = {**BASE, "pretrained": str(tmp_path)}
    assert shared_texts(BASE, row, reads=True) is None, "the job says what is missing"
    card: dict[str, Any] = {"format": 2, "language_model": None}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert shared_texts(BASE, row, reads=True) is None
    (tmp_path / "card.json").write_text(json.dumps({**card, "language_model": {"folder": "encoder"}}))
    assert shared_texts(BASE, row, reads=True) == BASE
    assert shared_texts(BASE, row, reads=False) is None, "a built-in model takes no encoder from it"


def test_all_rows_have_the_texts_of_the_data_set(
    tiny_grid: Callable[..., Grid], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[TextSettings] = []

    def vectors(file: text.EntityFile, tokens: list[str], settings: TextSettings, *_: Any, **__: Any) -> Any:
        seen.append(settings)
        return type("Vectors", (), {"matrix": np.eye(len(tokens))})

    monkeypatch.setattr(text, "item_vectors", vectors)
    lines = ["item_id:token\ttitle:token_seq\tbrand:token_seq", *(f"i{n}\ttitle {n}\tb" for n in range(30))]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("\n".join(lines) + "\n")
    (workplace / "encoder").mkdir()
    common = {"state": "ERROR", "use_gpu": False, "text_encoder": "encoder"}
    grid = tiny_grid("EASE", common=common, text_diversity=True)
    plan = prepare_datasets(grid, Path("splits"))[0]
    same, other = (Entry(name, "EASE", {**common, **more}) for name, more in (("a", {}), ("b", {"text_prompt": "x"})))
    jobs = [make_job(grid, plan, entry, 2020, "final", {}) for entry in (same, other)]
    assert "texts" not in jobs[0].spec, "what is done of such rows stays done"
    assert jobs[1].spec["texts"] == {"text_encoder": "encoder"}
    for one in jobs:
        job.run_spec(one.spec)
    assert len(seen) == 2 and seen[0] == seen[1]
