"""A data set whose texts say which half of the users will like an item, and runs of the models on it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support import save_tiny_bert

TOPICS = (("red robot space", "space doll red"), ("blue puzzle board", "board game blue"))


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with its tokenizer."""
    return save_tiny_bert(tmp_path_factory.mktemp("tiny-bert"))


@pytest.fixture
def textual(workplace: Path, bert: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """A function that returns settings for ``dataset/tiny`` with an ``.item`` file: topic by parity of the item."""
    monkeypatch.setenv("KTREC_CACHE", str(workplace / "cache"))
    torch.set_num_threads(1)
    draw = random.Random(3)
    rows = ["item_id:token\ttitle:token_seq"]
    rows += [f"i{item}\t{draw.choice(TOPICS[item % 2])} {draw.choice(('toy', 'kids', 'train'))}" for item in range(30)]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def make(**changes: Any) -> dict[str, Any]:
        quick = {"epochs": 3, "show_progress": False, "state": "ERROR", "topk": [5], "valid_metric": "NDCG@5"}
        text = {"text_encoder": str(bert), "text_fields": ["title"], "text_max_length": 32}
        return {
            **quick,
            **text,
            "use_gpu": False,
            "train_batch_size": 8,
            "train_negatives": 16,
            "closed_form": False,
            **changes,
        }

    return make
