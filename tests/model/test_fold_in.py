"""Histories that are folded in: of new users, in another order, and with the times that they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.config import Config
from recbole.data import create_dataset

from recbole_ktrec.errors import ConfigError, DataError
from tests import support
from tests.support import Settings


def scores_by_token(model: Any, dataset: Any, users: list[str]) -> torch.Tensor:
    ids = torch.tensor([dataset.token2id("user_id", user) for user in users])
    return model.full_sort_predict({"user_id": ids}).view(len(ids), -1)


def later_data(train: Any, settings: dict[str, Any], workplace: Path) -> Any:
    """Return what ``train`` holds in another order, and a new user who took every item."""
    history = [train.dataset.id2token("item_id", item) for item in train.dataset.inter_feat["item_id"].tolist()]
    people = [train.dataset.id2token("user_id", user) for user in train.dataset.inter_feat["user_id"].tolist()]
    # every item in the order of its number first, by somebody new: RecBole numbers as it reads
    tokens = train.dataset.field2id_token["item_id"][1:]
    rows = [("new", item) for item in tokens] + list(zip(people, history, strict=True))[::-1]
    folder = workplace / "later" / "tiny"
    folder.mkdir(parents=True)
    text = "user_id:token\titem_id:token\n" + "".join(f"{user}\t{item}\n" for user, item in rows)
    (folder / "tiny.inter").write_text(text, encoding="utf-8")
    config = Config(model="KTRec", dataset="tiny", config_dict={**settings, "data_path": str(workplace / "later")})
    config["load_col"] = {"inter": ["user_id", "item_id"]}
    return create_dataset(config)


@pytest.mark.parametrize("own", [{"user_embedding": True}, {"user_text": "history_document"}, {"closed_form": True}])
def test_new_users_in_any_order_are_folded_in(textual: Settings, own: dict[str, Any], workplace: Path) -> None:
    _, model, (train, _, _) = support.fitted(textual(**own, learning_rate=0.05), "KTRec")
    users = ["u3", "u17"]
    model.fold_in(train.dataset)
    before = scores_by_token(model, train.dataset, users)
    later = later_data(train, textual(**own), workplace)
    assert later.user_num == model.n_users + 1 and later.token2id("user_id", "new") == 1
    model.fold_in(later)
    torch.testing.assert_close(scores_by_token(model, later, users), before, atol=1e-4, rtol=1e-4)
    assert torch.isfinite(scores_by_token(model, later, ["new"])[:, 1:]).all()
    pairs = {"user_id": torch.tensor([1]), "item_id": torch.tensor([2])}
    assert 0 < float(model.predict(pairs)) < 1


def test_feedback_moves_the_user_of_the_training_whatever_the_number_now(textual: Settings, workplace: Path) -> None:
    own = textual(user_embedding=True, learning_rate=0.05)
    _, model, (train, _, _) = support.fitted(own, "KTRec")
    with torch.no_grad():
        model.net.user_id.weight.mul_(100)
    later = later_data(train, own, workplace)
    model.fold_in(later)
    before = scores_by_token(model, later, ["u17"])
    user = later.token2id("user_id", "u3")
    model.feedback(user, 2, 0.9)
    asked = {"user_id": torch.tensor([user]), "item_id": torch.tensor([2])}
    assert float(model.predict(asked)) == pytest.approx(0.9, abs=1e-3)
    torch.testing.assert_close(scores_by_token(model, later, ["u17"]), before, atol=1e-4, rtol=1e-4)
    with pytest.raises(ConfigError, match=r"User \[1\] was not there in the training"):
        model.feedback(1, 2, 0.9)


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_a_decay_needs_the_times_of_what_is_folded_in(textual: Settings, name: str) -> None:
    _, model, (train, _, _) = support.build(textual(closed_form=False), name)
    model.taken.places = model.taken.matrix.copy()
    model.weights = {"decay": 0.5} if name == "KTEASE" else {}
    if name == "KTRec":
        model.decay = 0.5
    with pytest.raises(DataError, match=r"history_decay \[0.5\].*have no times: name their column"):
        model.fold_in(train.dataset)


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_what_is_taken_of_late_needs_the_times_of_what_is_folded_in(textual: Settings, name: str) -> None:
    _, model, (train, _, _) = support.build(textual(closed_form=True), name)
    (model if name == "KTEASE" else model.closed).weights = {"recent": 0.1}
    with pytest.raises(DataError, match=r"the latest 10% of what is taken, and these have no times of one clock"):
        model.fold_in(train.dataset)
