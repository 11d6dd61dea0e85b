"""The worked example of the method: two users, two items, four wanted scores, then one piece of feedback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from torch.nn import functional as F

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.ktrec import KTRec

PAIRS = {"user_id": torch.tensor([1, 1, 2, 2]), "item_id": torch.tensor([1, 2, 1, 2])}
WANTED = torch.tensor([0.8, 0.2, 0.3, 0.7])


def two_by_two(textual: Callable[..., dict[str, Any]], folder: Path, **changes: Any) -> KTRec:
    (folder / "two").mkdir()
    (folder / "two/two.inter").write_text("user_id:token\titem_id:token\nu1\ti1\nu2\ti2\n")
    (folder / "two/two.item").write_text("item_id:token\ttitle:token_seq\ni1\tred robot\ni2\tblue puzzle\n")
    split = {"eval_args": {"split": {"RS": [1.0, 0.0, 0.0]}, "order": "RO", "group_by": "user", "mode": "full"}}
    settings = textual(data_path=str(folder), user_embedding=True, id_dropout=0, **split, **changes)
    config = Config(model="KTRec", dataset="two", config_dict=settings)
    torch.manual_seed(0)
    return KTRec(config, data_preparation(config, create_dataset(config))[0].dataset)


def logits(model: KTRec) -> torch.Tensor:
    vectors, bias = model.net.item_vectors(torch.arange(model.n_items))
    users = model.user_vectors(torch.tensor([1, 2]))
    return (model.net.scorer.grid(users, vectors) + bias)[:, 1:].reshape(-1)


def test_four_scores_are_fitted_and_one_feedback_step_moves_one(textual: Any, workplace: Path) -> None:
    model = two_by_two(textual, workplace / "dataset")
    sparse = [table.weight for table in model.modules() if getattr(table, "sparse", False)]
    dense = [p for p in model.parameters() if all(p is not table for table in sparse)]
    optimizers = [torch.optim.Adam(dense, lr=0.02), torch.optim.SparseAdam(sparse, lr=0.02)]
    for _ in range(300):
        for optimizer in optimizers:
            optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(logits(model), WANTED).backward()
        for optimizer in optimizers:
            optimizer.step()
    model.eval()
    fitted = model.predict(PAIRS)
    assert torch.allclose(fitted, WANTED, atol=0.01)
    model.feedback(user=1, item=1, value=0.9)
    after = model.predict(PAIRS)
    assert after[0].item() == pytest.approx(0.9, abs=1e-3)
    assert torch.allclose(after[2:], fitted[2:])


def test_feedback_needs_the_plain_product(textual: Any, workplace: Path) -> None:
    model = two_by_two(textual, workplace / "dataset", scorer="cluster")
    with pytest.raises(ConfigError, match=r"needs scorer=dot \(here it is cluster\)"):
        model.feedback(user=1, item=1, value=0.9)
