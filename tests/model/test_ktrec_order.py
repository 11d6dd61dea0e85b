"""Whether KTRec's neural part reads histories in their order, and that what it then says lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.quick_start import load_data_and_model, run_recbole
from recbole.utils import get_trainer

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.model.ktrec_order import HistoryOrder
from recbole_ktrec.model.ktrec_prepare import leave_closed_out
from tests.support import Settings, build, everyone, fitted, trained

NO_TIME = {"load_col": {"inter": ["user_id", "item_id"]}}
RANDOM = {"eval_args": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "group_by": "user", "mode": "full"}}


def test_what_comes_next_is_learned(walking: Settings) -> None:
    settings = walking(epochs=30, learning_rate=0.003, stopping_step=9)
    first, second = (
        run_recbole("KTRec", "tiny", config_dict={**settings, "history_encoder": how})["test_result"]["ndcg@5"]
        for how in ("attention", "sum")
    )
    assert first > 0.88 > second


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({}, True),
        ({"closed_form": True, "history_decay": 0.5}, True),
        ({"closed_form": True, "history_decay": 0}, False),
        ({"history_encoder": "sum"}, False),
        ({"history_encoder": None}, True),
        ({"history_decay": 0}, False),
        ({"history_decay": 0, "history_encoder": "attention"}, True),
        ({"user_text": "history_document"}, False),
        (RANDOM, False),
        ({**RANDOM, "history_encoder": "attention"}, True),
        (NO_TIME | RANDOM, False),
    ],
)
def test_order_is_read_where_what_comes_next_is_asked_for(
    walking: Settings, changes: dict[str, Any], read: bool
) -> None:
    _, model, _ = fitted(walking(epochs=1, **changes), "KTRec", saved=False)
    assert model.in_order is read


def test_sums_are_as_without_attention(walking: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the closed form finds that recent interactions count no more."""
    monkeypatch.setattr(HistoryOrder, "decide", lambda self, _, run=HistoryOrder.decide: run(self, False))
    settings = walking(closed_form=True, epochs=3)
    left, plain = (trained({**settings, "history_encoder": how}, "KTRec") for how in ("auto", "sum"))
    assert left.net.attention is not None and plain.net.attention is None
    np.testing.assert_array_equal(everyone(left), everyone(plain))


@pytest.mark.parametrize("changes", [{"closed_form": True}, {"scorer": "mlp"}, {"enable_amp": True}])
def test_a_checkpoint_reads_in_the_same_order(walking: Settings, workplace: Path, changes: dict[str, Any]) -> None:
    settings = walking(epochs=2, eval_step=1, history_encoder="attention", **changes)
    trainer, model, (_, _, test) = fitted(settings, "KTRec")
    stored = torch.load(trainer.saved_model_file, weights_only=False)
    assert stored["other_parameter"]["in_order"] is True
    found = load_data_and_model(trainer.saved_model_file)[1].eval()
    with torch.no_grad():
        found.net.attention.outward.weight.normal_(generator=torch.Generator().manual_seed(1))
        model.load_state_dict(found.state_dict())
        model.load_other_parameter(stored["other_parameter"])
    np.testing.assert_allclose(everyone(found), everyone(model), atol=1e-4)
    users, items = torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6])
    scores = torch.as_tensor(everyone(model))[users - 1, items]
    expected = torch.sigmoid(model.calibration[0] * scores + model.calibration[1])
    torch.testing.assert_close(model.predict({"user_id": users, "item_id": items}), expected, atol=1e-5, rtol=1e-4)


def test_users_of_later_are_read_in_the_order_that_is_given(walking: Settings) -> None:
    _, model, _ = fitted(walking(epochs=5), "KTRec", saved=False)
    one, other = (np.array(items) for items in ([3, 4, 5], [5, 4, 3]))
    n_users = model.n_users
    model.take(model.taken.joined([one, other, one]))
    with torch.no_grad():
        scores = model.full_sort_predict({"user_id": torch.arange(n_users, n_users + 3)}).view(3, -1)
    assert torch.equal(scores[0], scores[2]) and not torch.allclose(scores[0], scores[1])


def test_many_users_are_read_some_at_a_time(walking: Settings) -> None:
    _, model, _ = fitted(walking(epochs=1), "KTRec", saved=False)
    at_once = everyone(model)
    model.order._users = 7
    np.testing.assert_allclose(everyone(model), at_once, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({**NO_TIME, **RANDOM, "history_encoder": "attention"}, r"history_encoder \[attention\] needs the order"),
        ({"history_encoder": "gru"}, r"history_encoder \[gru\].*auto, sum, attention"),
        (
            {"history_encoder": "attention", "user_text": "history_document"},
            "the document holds what is to be predicted",
        ),
        ({"attention_length": 0}, r"attention_length \[0\]"),
        ({"attention_dropout": 1.5}, r"attention_dropout \[1.5\]"),
    ],
)
def test_what_cannot_be_read_is_refused(walking: Settings, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(walking(**changes), "KTRec")


def test_histories_without_times_are_refused_later(walking: Settings) -> None:
    _, model, _ = fitted(walking(epochs=1), "KTRec", saved=False)
    timeless = build(walking(**NO_TIME, **RANDOM), "KTRec")[2][0].dataset
    with pytest.raises(DataError, match=r"in their order \(history_encoder \[attention\]\), and these have no times"):
        model.fold_in(timeless)


def test_a_checkpoint_of_before_has_no_such_key(walking: Settings) -> None:
    config, model, _ = build(walking(), "KTRec")
    keys = {key: config[key] for key in ("loss", "train_negatives", "closed_form", "eval_args", "embedding_size")}
    order = HistoryOrder(keys, model.taken, None, model.objective)
    assert order.form is None and not order.used


@pytest.mark.parametrize(("stored", "given"), [("sum", "auto"), ("attention", "sum")])
def test_a_checkpoint_that_reads_in_another_way_is_refused(walking: Settings, stored: str, given: str) -> None:
    trainer, _, _ = fitted(walking(epochs=1, history_encoder=stored), "KTRec")
    config, model, _ = build(walking(history_encoder=given), "KTRec")
    with pytest.raises(ConfigError, match=rf"of a model with history_encoder \[{stored}\]"):
        get_trainer(config["MODEL_TYPE"], "KTRec")(config, model).resume_checkpoint(trainer.saved_model_file)


def test_parts_that_are_files_may_be_of_any_split(walking: Settings) -> None:
    config, model, _ = build(walking(), "KTRec")
    config["benchmark_filename"] = ["train", "valid", "test"]
    assert model.order.used and not HistoryOrder(config, model.taken, None, model.objective).used


def test_a_further_fit_without_validation_data_keeps_what_was_decided(walking: Settings) -> None:
    settings = walking(closed_form=True, history_decay=0.5, epochs=1)
    trainer, model, _ = fitted(settings, "KTRec")
    stored = torch.load(trainer.saved_model_file, weights_only=False)["other_parameter"]
    _, further, _ = build(settings, "KTRec")
    further.load_other_parameter({**stored, "in_order": False})
    leave_closed_out(further)
    assert model.in_order and not further.in_order


def test_the_residual_is_left_out(walking: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings = walking(closed_form=True, history_decay=0, history_encoder="attention", epochs=1, residual_weight=0.5)
    trained(settings, "KTRec")
    assert "residual_weight is not used: histories are read in their order (history_encoder)" in caplog.text
