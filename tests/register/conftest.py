"""A tiny model of a user's own, in a module that only the path knows."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recbole_ktrec import register, register_model, resources

SOURCE = """
import torch
from recbole.data.dataset import Dataset
from recbole.model.abstract_recommender import GeneralRecommender
from recbole.trainer import Trainer
from recbole.utils import InputType


class TinyTower(GeneralRecommender):
    input_type = InputType.POINTWISE

    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.width = config["tiny_width"]
        self.items = torch.nn.Embedding(self.n_items, self.width)
        self.users = torch.nn.Embedding(self.n_users, self.width)

    def score(self, interaction):
        return (self.users(interaction[self.USER_ID]) * self.items(interaction[self.ITEM_ID])).sum(-1)

    def calculate_loss(self, interaction):
        return torch.nn.functional.binary_cross_entropy_with_logits(
            self.score(interaction), interaction["label"]
        )

    def predict(self, interaction):
        return self.score(interaction).sigmoid()

    def full_sort_predict(self, interaction):
        return self.users(interaction[self.USER_ID]) @ self.items.weight.T


class TinyTowerTrainer(Trainer):
    pass


class TinyTowerDataset(Dataset):
    pass
"""


@pytest.fixture
def tiny_tower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The registered model ``TinyTower`` with its property file, trainer and dataset; gone after the test."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "tiny_tower_module.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "code" / "TinyTower.yaml").write_text("tiny_width: 6\nstopping_step: 3\n")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    importlib.invalidate_caches()
    register_model("TinyTower", "tiny_tower_module", property_file=tmp_path / "code" / "TinyTower.yaml")
    yield "TinyTower"
    del register.MODELS["TinyTower"]
    for name in ("tiny_tower_module", "recbole.model.general_recommender.tinytower"):
        sys.modules.pop(name, None)


@pytest.fixture
def dataset_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data-set file of the plugin for the data set ``tiny``."""
    path = tmp_path / "configs" / "tiny.yaml"
    path.parent.mkdir()
    path.write_text("stopping_step: 4\nvalid_metric: Recall@5\ntiny_extra: 1\n")
    monkeypatch.setattr(resources, "dataset_property_file", lambda name: path.with_name(f"{name}.yaml"))
    return path
