"""A data set whose texts say which half of the users will like an item, and runs of the models on it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import init_seed

from recbole_ktrec.model.artifact import Artifact, save
from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.item_text import load_item_text
from recbole_ktrec.model.prior_shape import PriorShape
from recbole_ktrec.nn.co_consumption import Statistics, co_consumption, metric
from recbole_ktrec.nn.whitening import whitened_text
from tests.support import Settings, save_tiny_bert

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


LATER = {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"}
USERS, ITEMS, STEPS = 80, 30, 9


@pytest.fixture
def walking(textual: Settings, workplace: Path) -> Settings:
    """A function that returns settings for users who walk along a ring of items, one or two a step."""
    draw = np.random.default_rng(5)
    rows = ["user_id:token\titem_id:token\ttimestamp:float"]
    for user, (first, stride) in enumerate(
        zip(draw.integers(0, ITEMS, USERS), draw.choice([1, 2], USERS), strict=True)
    ):
        steps = draw.permutation(STEPS)  # the order of the file says nothing
        rows += [f"u{user}\ti{(first + step * stride) % ITEMS}\t{1000 + step}" for step in steps]
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join(rows) + "\n", encoding="utf-8")
    loaded = {"inter": ["user_id", "item_id", "timestamp"]}

    def make(**changes: Any) -> dict[str, Any]:
        return textual(**{"load_col": loaded, "eval_args": LATER, "fusion": "sum", **changes})

    return make


_FUSION = {"source": "a", "density": [8.0, 8.0], "regularisation": 33.0, "prior_weight": 0.2, "neighbour_weight": 0.0}


@pytest.fixture
def artifact(textual: Callable[..., dict[str, Any]], workplace: Path) -> Callable[..., str]:
    """A function that writes an artifact for the tiny encoder and returns its folder: good, or of a random metric."""

    def make(random: bool = False, **shape: float) -> str:
        config = Config(model="KTEASE", dataset="tiny", config_dict=textual())
        init_seed(config["seed"], True)
        dataset = data_preparation(config, create_dataset(config))[0].dataset
        found = load_item_text(config, dataset)
        statistics = co_consumption(binary_interactions(dataset), whitened_text(found.matrix, found.has_text, 0.4))
        if random:  # one direction is all that is left
            direction = np.random.default_rng(1).standard_normal((1, 16)).astype(np.float32)
            statistics = Statistics(direction.T @ direction, np.eye(16, dtype=np.float32) * 1e-3, 1000.0)
        chosen = PriorShape(**{"exponent": 0.5, "strength": 1.0, "power": 2.0, "lexical_weight": 0.0, **shape})
        matrix = metric(statistics, 4.0 if random else chosen.exponent, chosen.strength)
        sources, tried = [{"name": "a", "history_length": 8.0}], [{**asdict(chosen), "ratios": {"a": 1.0}}]
        card = {"encoder": found.fingerprint, "fusion": [_FUSION], "sources": sources, "tried": tried}
        save(Artifact({"a": statistics}, matrix, chosen, 0.4, card), workplace / "knowledge")
        return "knowledge"

    return make
