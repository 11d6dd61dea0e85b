"""KTRec where it meets others: other learners, no validation data, no text, a second round of training."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.config import Config
from recbole.utils import get_trainer

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.ktease import KTEASE
from recbole_ktrec.model.source_data import load_source
from tests import support
from tests.support import Settings

build = functools.partial(support.build, name="KTRec")
fitted = functools.partial(support.fitted, name="KTRec")


def test_texts_of_users_and_items_keep_the_same_directions(textual: Settings) -> None:
    plain, cut = (
        build(textual(user_text="history_document", whitening=0, graph_layers=0, embedding_size=width))[1]
        for width in (None, 4)
    )
    for whole, short in ((plain.net.text, cut.net.text), (plain.net.user_text, cut.net.user_text)):
        kept = whole.all(torch.device("cpu")).numpy() @ cut.text_directions
        lengths = np.maximum(np.linalg.norm(kept, axis=1, keepdims=True), 1e-9)
        np.testing.assert_allclose(short.all(torch.device("cpu")).numpy(), kept / lengths, atol=1e-4)


def test_ids_alone_learn_beside_what_the_user_says(textual: Settings) -> None:
    trainer, model, _ = fitted(textual(fusion="id", user_text="history_document", epochs=10))
    _, silent, _ = fitted(textual(fusion="id", epochs=10))
    assert trainer.best_valid_score > 0.4
    assert not np.allclose(support.everyone(model), support.everyone(silent)), "the document counts"


def test_a_further_fit_is_judged_by_the_same_users(textual: Settings) -> None:
    trainer, model, (train, valid, _) = fitted(textual(valid_users=3, epochs=1, eval_step=1, closed_form=True))
    judged = trainer.best_valid_score
    assert trainer.fit(train, valid, verbose=False)[0] != judged and trainer.best_valid_score >= judged
    trainer.fit(train, None, verbose=False)
    assert model.blend.tolist() == [1, 0] and model.closed_share == 0  # as the warning says


@pytest.mark.parametrize(
    "changes",
    [{"learner": "sgd"}, {"learner": "rmsprop"}, {"learner": "adagrad"}, {"clip_grad_norm": {"max_norm": 1.0}}],
)
def test_every_learner_of_recbole_trains(textual: Settings, changes: dict[str, Any]) -> None:
    before = dict(build(textual(**changes))[1].named_parameters())
    _, model, _ = fitted(textual(**changes))
    after = dict(model.named_parameters())
    for name in ("net.item_tower.up", "net.history_tower.up", "net.item_id.weight", "net.item_bias.weight"):
        assert torch.isfinite(after[name]).all() and not torch.equal(after[name], before[name]), name


def test_weight_decay_reaches_the_id_tables(textual: Settings) -> None:
    norms = {}
    for decay in (0.0, 1.0):
        _, model, _ = fitted(textual(weight_decay=decay, learning_rate=0.01))
        assert model.net.item_id.sparse is not bool(decay)
        norms[decay] = float(model.net.item_id.weight.norm())
    assert norms[1.0] < 0.8 * norms[0.0]


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_weight_decay_goes_with_a_reg_weight_that_is_chosen(textual: Settings, name: str) -> None:
    config, model, _ = support.build(textual(weight_decay=0.1, reg_weight="auto"), name)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    assert trainer.optimizer.param_groups[0]["weight_decay"] == 0.1 and config["reg_weight"] == "auto"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"embedding_size": 0}, r"embedding_size \[0\]"),
        ({"tower_rank": 0}, r"tower_rank \[0\]"),
        ({"train_negatives": 0}, r"train_negatives \[0\]"),
        ({"learner": "sparse_adam"}, r"learner \[sparse_adam\] cannot train towers"),
    ],
)
def test_what_cannot_be_is_refused(textual: Settings, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(textual(**changes))


def test_without_text_the_closed_form_has_none_either(textual: Settings, workplace: Path) -> None:
    (workplace / "dataset" / "tiny" / "tiny.item").unlink()
    _, model, _ = fitted(textual(fusion="id", closed_form=True, epochs=2))
    part = model.closed
    assert part.settings.prior == "none" and part.weights and not part.with_text.any()


def test_no_validation_data_leaves_the_closed_form_out_and_says_so(
    textual: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    config, model, (train, _, _) = build(textual(closed_form=True, epochs=1))
    trainer = get_trainer(config["MODEL_TYPE"], "KTRec")(config, model)
    trainer.fit(train, None, verbose=False, saved=False)
    assert "No validation data to weigh the closed form by: it is left out" in caplog.text and not model.blended


def test_a_model_may_be_trained_on(textual: Settings) -> None:
    trainer, model, (train, valid, _) = fitted(textual(closed_form=True, epochs=2))
    first = model.closed.weights
    trainer.fit(train, valid, verbose=False, saved=True, show_progress=False)
    assert (model.closed.weights["matrix"] == first["matrix"]).all() and model.blended


def test_a_part_that_counts_nothing_is_not_computed(textual: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _, model, _ = fitted(textual(closed_form=True, epochs=1))
    model.blend.copy_(torch.tensor([0.0, 2.0]))
    expected = 2 * torch.from_numpy(model.closed.scores(torch.tensor([1, 2]).numpy())).view(-1)
    monkeypatch.setattr(model, "neural", lambda users: pytest.fail("computed"))
    assert torch.equal(model.full_sort_predict({"user_id": torch.tensor([1, 2])}), expected)


def test_the_catalogue_is_computed_once_an_evaluation(textual: Settings) -> None:
    _, model, _ = build(textual())
    computed: list[int] = []
    model.net.item_tower.register_forward_hook(lambda _, items, __: computed.append(len(items[0])))
    model.eval()
    first = support.everyone(model)
    model.eval()
    support.everyone(model)
    assert computed == [model.n_items], "still evaluating"
    draw = torch.Generator().manual_seed(1)
    state = {name: value + torch.randn(value.shape, generator=draw) if "item_id" in name else value
             for name, value in model.state_dict().items()}  # fmt: skip
    model.load_state_dict(state)
    assert not np.allclose(support.everyone(model), first)
    model.train()
    model.eval()
    support.everyone(model)
    assert computed == 3 * [model.n_items]


def test_shuffled_texts_are_those_of_sources_too(textual: Settings, workplace: Path) -> None:
    folder = workplace / "dataset" / "other"
    folder.mkdir()
    for suffix in ("inter", "item"):
        (folder / f"other.{suffix}").write_bytes((workplace / "dataset" / "tiny" / f"tiny.{suffix}").read_bytes())
    target = Config(model="KTRec", dataset="tiny", config_dict=textual(shuffle_texts=True))
    with pytest.raises(ConfigError, match=r"\[other\] holds the interactions of \[tiny\], the data set of this run"):
        load_source("other", "dataset", target)
    rows = (folder / "other.inter").read_text().splitlines()
    (folder / "other.inter").write_text("\n".join(rows[:-1]) + "\n")
    assert load_source("other", "dataset", target)[0]["shuffle_texts"] is True


def test_the_closed_form_is_asked_once_for_each_user_while_training(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = KTEASE.scores

    def scores(self: KTEASE, users: Any) -> Any:
        asked.extend(users.tolist())
        return original(self, users)

    monkeypatch.setattr(KTEASE, "scores", scores)
    with monkeypatch.context() as patch:
        patch.setattr("recbole_ktrec.model.ktrec_trainer.settle", lambda *_: "")
        _, model, _ = fitted(textual(closed_form=True, epochs=6, eval_step=1, valid_users=None))
    assert asked and max(asked.count(user) for user in set(asked)) == 1
    users, before = torch.tensor([1, 2, 3]), len(asked)
    plain = model.full_sort_predict({"user_id": users})
    assert len(asked) == before + 3, "in training alone"
    with model.remembering():
        assert torch.equal(model.full_sort_predict({"user_id": users}), plain)


@pytest.mark.parametrize("fusion", ["sum", "id"])
def test_ids_that_training_never_sees_say_nothing(textual: Settings, fusion: str) -> None:
    """Scores are cosines: noise in an ID that nothing trained would be as loud as a text."""
    settings = textual(epochs=1, closed_form=False, fusion=fusion, user_embedding=True)
    path = Path("dataset/tiny/tiny.item")  # beside the working folder of the test
    path.write_text(path.read_text() + "nobody\tred robot\n")
    model = fitted(settings | {"load_col": {"inter": ["user_id", "item_id"], "item": ["item_id"]}}, saved=False)[1]
    new = torch.from_numpy(~model.taken.known)
    assert int(new.sum()) > 1, "the padding and an item that nobody took"
    net = model.net
    assert net.user_id is not None and not net.user_id.weight[0].any() and net.user_id.weight[1:].any(dim=1).all()
    for table in (net.item_id, net.history_id):
        assert not table.weight[new].any() and table.weight[~new].any(dim=1).all()


def test_scores_of_a_trained_encoder_are_no_draw_in_training_mode(textual: Settings) -> None:
    """RecBole's load_data_and_model returns a model in training mode."""
    _, model, _ = fitted(textual(text_encoder_training="last_layers", epochs=1))
    settled = support.everyone(model)
    users, items = torch.tensor([1, 2]), torch.tensor([3, 4])
    model.train()
    drawn = [model.predict({"user_id": users, "item_id": items}) for _ in range(2)]
    assert torch.equal(*drawn)
    model.load_state_dict(model.state_dict())  # nothing is remembered
    np.testing.assert_allclose(support.everyone(model), settled, atol=1e-5)
    assert model.training
