"""KTRec with the closed form: blended at each evaluation, kept in the checkpoint, left out where it does not help."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.quick_start import load_data_and_model, run_recbole

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.ktrec_trainer import KTRecTrainer, some_users
from tests.support import Settings, build

USERS = {"user_id": torch.tensor([1, 2, 3])}


def trained(settings: dict[str, Any], workplace: Path) -> tuple[dict[str, Any], Any, Path]:
    result = run_recbole(
        model="KTRec", dataset="tiny", config_dict={**settings, "checkpoint_dir": str(workplace / "s")}
    )
    [checkpoint] = (workplace / "s").glob("*.pth")
    model = load_data_and_model(str(checkpoint))[1]
    model.eval()
    return result, model, checkpoint


def test_the_checkpoint_keeps_blend_and_calibration(textual: Settings, workplace: Path) -> None:
    result, model, checkpoint = trained(textual(closed_form=True), workplace)
    stored = torch.load(checkpoint, weights_only=False)
    assert torch.equal(stored["state_dict"]["blend"], model.blend) and model.calibration[0] != 1
    twin = copy.deepcopy(model)
    assert twin.closed.weights is model.closed.weights
    assert torch.equal(twin.full_sort_predict(USERS), model.full_sort_predict(USERS))
    assert result["best_valid_result"]["ndcg@5"] > 0


def test_epochs_are_judged_by_some_users_and_the_end_by_all(textual: Settings, workplace: Path) -> None:
    settings = textual(epochs=4, eval_step=2)
    _, _, (_, valid, _) = build(settings, "KTRec")
    some, same = (some_users(valid, 5, 7) for _ in range(2))
    users = some.uid_list.tolist()
    assert len(users) == 5 and users == same.uid_list.tolist() and some_users(valid, None, 7) is valid
    for part in ("uid2positive_item", "uid2history_item"):
        assert all(torch.equal(getattr(some, part)[one], getattr(valid, part)[one]) for one in users)
    with pytest.raises(ConfigError, match="valid_users"):
        some_users(valid, 0, 7)
    config = {**settings, "checkpoint_dir": str(workplace / "s"), "valid_users": 5}
    result = run_recbole(model="KTRec", dataset="tiny", config_dict=config)
    [checkpoint] = (workplace / "s").glob("*.pth")
    loaded, model, _, _, valid, _ = load_data_and_model(str(checkpoint))
    again = KTRecTrainer(loaded, model).evaluate(valid, load_best_model=False)
    assert dict(again) == dict(result["best_valid_result"])


def test_an_epoch_is_judged_by_both_parts_and_the_closed_one_is_stored_once(textual: Settings, workplace: Path) -> None:
    settings = textual(closed_form=True, epochs=3, eval_step=1, valid_users=None)
    config, model, (train, valid, _) = build({**settings, "checkpoint_dir": str(workplace / "s")}, "KTRec")
    trainer, seen = KTRecTrainer(config, model), []

    def note(epoch: int, score: float) -> None:
        again = trainer._valid_epoch(valid)[0]
        seen.append((epoch, score, again, model.blend.tolist(), model.closed_parts))

    best, _ = trainer.fit(train, valid, verbose=False, callback_fn=note)
    assert [epoch for epoch, *_ in seen] == [0, 1, 2] and all(parts == [] for *_, parts in seen)
    assert all(score == again for _, score, again, *_ in seen)
    last = [one for one in seen if one[1] == best][-1]  # of equal ones RecBole keeps the last
    assert best == max(score for _, score, *_ in seen) and model.blend.tolist() == last[3]
    assert len(model.closed_parts) == 1


def test_predict_orders_as_the_full_scores_do(textual: Settings, workplace: Path) -> None:
    _, model, _ = trained(textual(closed_form=True), workplace)
    model.blend.copy_(torch.tensor([0.7, 2.0]))
    items = torch.arange(1, model.n_items)
    scores = model.full_sort_predict({"user_id": torch.tensor([4])})[1:]
    pairs = model.predict({"user_id": torch.full_like(items, 4), "item_id": items})
    assert torch.allclose(pairs, torch.sigmoid(model.calibration[0] * scores + model.calibration[1]), atol=1e-5)


def test_a_part_that_counts_nothing_is_not_computed(textual: Settings, workplace: Path) -> None:
    _, model, _ = trained(textual(closed_form=True), workplace)
    model.blend.copy_(torch.tensor([0.0, 2.0]))
    with torch.no_grad():
        model.net.item_id.weight.fill_(float("nan"))
    model._items = None
    assert torch.isfinite(model.predict({"user_id": torch.tensor([4]), "item_id": torch.tensor([5])})).all()
    assert torch.isfinite(model.full_sort_predict({"user_id": torch.tensor([4])})).all()


def test_the_neural_part_learns_beside_the_closed_form(textual: Settings, workplace: Path) -> None:
    settings = textual(closed_form=True, epochs=2)
    result, model, checkpoint = trained({**settings, "residual_weight": 0.5}, workplace)
    assert model.residual_size > 0
    stored = torch.load(checkpoint, weights_only=False)["other_parameter"]
    assert stored["residual_size"] == model.residual_size  # a run that is gone on with takes the same
    _, alone, _ = trained(settings, workplace / "alone")
    assert alone.residual_size == 0 and not torch.equal(alone.net.item_id.weight, model.net.item_id.weight)
    again, same, _ = trained({**settings, "residual_weight": 0.5}, workplace / "again")
    assert torch.equal(same.net.item_id.weight, model.net.item_id.weight) and again == result


def test_without_the_closed_form_nothing_of_it_is_there(
    textual: Settings, workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, model, _ = trained(textual(closed_form=False, residual_weight=0.5), workplace)
    assert model.closed_parts == [] and not model.blended and model.residual_size == 0
    assert "residual_weight is not used: closed_form is [False]" in caplog.text


def test_the_checkpoint_of_a_stopped_run_is_refused_where_its_closed_form_would_score(
    textual: Settings, workplace: Path
) -> None:
    _, model, _ = trained(textual(closed_form=True), workplace)
    model.blend.copy_(torch.tensor([0.5, 0.5]))
    model.closed.weights = {}
    for scores in (model.full_sort_predict, lambda users: model.predict({**users, "item_id": users["user_id"]})):
        with pytest.raises(ConfigError, match="stopped in training"):
            scores(USERS)


def test_scores_are_the_same_in_training_mode(textual: Settings, workplace: Path) -> None:
    """RecBole loads models in that mode; IDs that are dropped for training must not be dropped for scores."""
    _, model, _ = trained(textual(closed_form=False, id_dropout=0.9), workplace)
    expected = model.full_sort_predict(USERS)
    assert torch.equal(model.train().full_sort_predict(USERS), expected)


def test_feedback_counts_the_closed_form_in(textual: Settings, workplace: Path) -> None:
    _, model, _ = trained(textual(closed_form=True, user_embedding=True), workplace)
    pair = {"user_id": torch.tensor([1]), "item_id": torch.tensor([2])}
    model.blend.copy_(torch.tensor([0.5, 0.5]))
    before = float(model.predict(pair))
    wanted = before + 0.01 * (1 if before < 0.5 else -1)
    model.feedback(user=1, item=2, value=wanted)
    assert float(model.predict(pair)) == pytest.approx(wanted, abs=1e-4)
    model.blend.copy_(torch.tensor([0.0, 1.0]))
    with pytest.raises(ConfigError, match="closed form alone"):
        model.feedback(user=1, item=2, value=0.9)


def test_run_ends_with_how_much_of_the_scores_is_neural(
    textual: Settings, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["run", "--model=KTRec", "--dataset=tiny"]
    call += [f"--{key}={value}" for key, value in textual(closed_form=True).items()]
    monkeypatch.setattr("recbole_ktrec.nn.blend.SHARES", (0.7,))
    assert main(call) == 0
    assert "scores      30% neural, 70% closed form" in capsys.readouterr().out


def test_items_without_interactions_are_moved_and_the_checkpoint_says_how_far(
    textual: Settings, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recbole_ktrec.model.ktrec_settle.lift_cold", lambda *_: 0.75)
    _, model, checkpoint = trained(textual(closed_form=False), workplace)
    assert model.cold_shift == 0.75 == torch.load(checkpoint, weights_only=False)["other_parameter"]["cold_shift"]
    before = model.full_sort_predict(USERS).view(3, -1)
    model.cold[:], model.cold[[2, 5]] = False, True
    model.cold_shift = -1.5
    after = model.full_sort_predict(USERS).view(3, -1)
    moved = (after - before)[:, 1:]
    assert torch.allclose(moved[:, [1, 4]], torch.tensor(-1.5), atol=1e-5) and int((moved.abs() > 1e-5).sum()) == 6
    pair = {"user_id": torch.tensor([1, 1]), "item_id": torch.tensor([2, 3])}
    expected = torch.sigmoid(model.calibration[0] * after[0, [2, 3]] + model.calibration[1])
    assert torch.allclose(model.predict(pair), expected, atol=1e-5)
