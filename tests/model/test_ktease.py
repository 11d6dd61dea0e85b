"""KTEASE by name in RecBole: EASE where the text says nothing, the text where nobody has said anything."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.quick_start import load_data_and_model, run_recbole
from recbole.utils import get_trainer

from recbole_ktrec.errors import ConfigError, DataError
from tests.support import Settings, build, everyone, trained


def test_without_prior_it_is_recboles_ease(textual: Settings) -> None:
    plain = {"score_power": 1, "popularity_discount": 0, "history_discount": 0, "popularity_weight": 0}
    model = trained(textual(prior="none", user_power=0.0, item_power=0.0, reg_weight=30.0, **plain))
    _, ease, _ = build({**textual(), "reg_weight": 30.0}, "EASE")
    users = torch.arange(1, model.n_users)
    expected = torch.as_tensor(ease.full_sort_predict({ease.USER_ID: users})).view(len(users), -1).numpy()
    np.testing.assert_allclose(everyone(model), expected, atol=1e-5)


def test_a_number_that_is_not_there_is_auto(textual: Settings) -> None:
    """As in checkpoints of before there was the key."""
    auto, absent = (everyone(trained(textual(popularity_weight=given))) for given in ("auto", None))
    np.testing.assert_array_equal(auto, absent)


def test_runs_by_name_and_text_helps(textual: Settings) -> None:
    with_text = run_recbole(model="KTEASE", dataset="tiny", config_dict=textual())
    result = with_text["test_result"]
    assert result["hit@5"] > 0.25  # five of the 15 items of the right half that are left: .26 by chance
    assert with_text["best_valid_score"] > 0


@pytest.mark.parametrize("solver", ["dense", "sparse"])
def test_reload_in_a_fresh_process_gives_the_same_scores(
    textual: Settings, workplace: Path, fresh_python: Callable[..., str], solver: str
) -> None:
    run_recbole(model="KTEASE", dataset="tiny", config_dict=textual(solver=solver, nearest_items=8))
    (saved,) = (workplace / "saved").glob("KTEASE-*.pth")
    _, model, *_ = load_data_and_model(str(saved))
    code = (
        "import sys, json, torch, recbole_ktrec\n"
        "from recbole.quick_start import load_data_and_model\n"
        "path = sys.argv.pop()\n"
        "_, model, *_ = load_data_and_model(path)\n"
        "users = torch.arange(1, model.n_users)\n"
        "print('SCORES', json.dumps(model.full_sort_predict({model.USER_ID: users}).tolist()))\n"
    )
    line = next(line for line in fresh_python(code, saved).splitlines() if line.startswith("SCORES"))
    scores = np.array(json.loads(line.removeprefix("SCORES ")), dtype=np.float32)
    np.testing.assert_allclose(scores, everyone(model).ravel(), atol=1e-6)
    assert np.abs(scores).max() > 0


def test_probabilities_keep_the_order(textual: Settings) -> None:
    model = trained(textual())
    items = torch.arange(1, model.n_items)
    chances = model.predict({model.USER_ID: torch.ones_like(items), model.ITEM_ID: items})
    assert ((chances > 0) & (chances < 1)).all()
    scores = torch.from_numpy(everyone(model)[0][1:])
    assert (scores[chances.argsort()].diff() >= -1e-6).all()


def test_item_that_nobody_took_is_found_by_its_text(textual: Settings, workplace: Path) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.item").open("a", encoding="utf-8") as file:
        file.write("i98\tred robot space toy\ni99\tblue puzzle board toy\n")
    loaded = {"inter": ["user_id", "item_id"], "item": ["item_id", "title"]}
    config, model, (train, valid, _) = build(textual(load_col=loaded, cold_scale=1.0))
    get_trainer(config["MODEL_TYPE"], "KTEASE")(config, model).fit(train, valid, saved=False, verbose=False)
    tokens = [str(token) for token in train.dataset.field2id_token["item_id"]]
    scores = everyone(model)
    taken = model.taken.matrix[1:]
    even = np.array([index for index, token in enumerate(tokens) if token != "[PAD]" and int(token[1:]) % 2 == 0])
    likes_even = np.asarray(taken[:, even].sum(axis=1)).ravel() > np.asarray(taken.sum(axis=1)).ravel() / 2
    even_new, odd_new = tokens.index("i98"), tokens.index("i99")
    assert taken[:, [even_new, odd_new]].nnz == 0
    right = np.where(likes_even, scores[:, even_new] > scores[:, odd_new], scores[:, odd_new] > scores[:, even_new])
    assert right.mean() > 0.9


def test_without_validation_data_the_defaults_are_taken(textual: Settings) -> None:
    config, model, (train, _, _) = build(textual())
    get_trainer(config["MODEL_TYPE"], "KTEASE")(config, model).fit(train, None, saved=False, verbose=False)
    assert np.abs(everyone(model)).max() > 0
    assert model.probability == (1.0, 0.0)


def test_scores_are_zero_before_the_fit_and_a_second_fit_is_refused(textual: Settings) -> None:
    _, model, _ = build(textual())
    assert not everyone(model).any()
    model.fit(None)
    assert everyone(model).any()
    with pytest.raises(ConfigError, match="twice"):
        model.fit(None)


def test_copies_share_the_matrix(textual: Settings) -> None:
    model = trained(textual())
    assert copy.deepcopy(model).weights["matrix"] is model.weights["matrix"]


def test_same_seed_same_scores(textual: Settings) -> None:
    np.testing.assert_array_equal(everyone(trained(textual())), everyone(trained(textual())))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior": "texts"}, r"prior \[texts\] is not one of text, none. Did you mean \[text\]"),
        ({"solver": "exact"}, r"solver \[exact\]"),
        ({"reg_weight": 0}, r"reg_weight \[0\] is not a number of at least 0.001 or auto"),
        ({"prior_weight": -1}, r"prior_weight \[-1\]"),
        ({"user_power": 2}, r"user_power \[2\] is not a number from 0 to 1"),
        ({"nearest_items": 1.5}, r"nearest_items \[1.5\] is not a whole number"),
        ({"score_power": 0}, r"score_power \[0\] is not a number from 0.1 to 5 or auto"),
        ({"solver": "low_rank"}, r"solver \[low_rank\] is not one of auto, dense, sparse"),
        ({"prior_weigth": 1}, r"prior_weigth.*Did you mean \[prior_weight\]"),
    ],
)
def test_bad_values_are_refused(textual: Settings, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(textual(**changes))


def test_catalogue_that_does_not_fit_is_refused_with_its_need(textual: Settings, monkeypatch: Any) -> None:
    needed = {0: 9 * 2**30, 300: 4 * 2**30}
    monkeypatch.setattr("recbole_ktrec.model.ktease_options.memory", lambda items, near, nearest, *_: needed[nearest])
    with pytest.raises(ConfigError, match=r"needs about 9.0 GiB.*memory_limit is \[8\].*sparse.*4.0 GiB"):
        build(textual(solver="dense", memory_limit=8))
    _, model, _ = build(textual(memory_limit=8))
    assert model.settings.options.nearest_items == 300
    with pytest.raises(ConfigError, match=r"needs about 4.0 GiB.*fewer nearest_items"):
        build(textual(memory_limit=2))


def test_what_comes_next_is_not_tried_where_it_would_not_fit(
    textual: Settings, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("recbole_ktrec.model.ktease_options.memory", lambda *given: 2**30 * (9 if given[-1] else 4))
    timed = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "TIME_FIELD": "timestamp"}
    _, model, _ = build(textual(memory_limit=8, **timed))
    assert model.settings.options.successor_weight == 0
    assert "What comes next is not tried" in caplog.text and "memory_limit is [8]" in caplog.text
    assert build(textual(memory_limit=9, **timed))[1].settings.options.successor_weight is None
    assert build(textual(memory_limit=8, history_decay=0, **timed))[1].settings.options.successor_weight is None
    with pytest.raises(ConfigError, match=r"needs about 9.0 GiB"):
        build(textual(memory_limit=8, successor_weight=1, **timed))


def test_missing_item_file_is_named(textual: Settings, workplace: Path) -> None:
    settings = textual()
    (workplace / "dataset" / "tiny" / "tiny.item").unlink()
    with pytest.raises(DataError, match=r"tiny.item"):
        build(settings)


def test_checkpoint_of_another_catalogue_is_refused(textual: Settings) -> None:
    model = trained(textual())
    para = model.other_parameter()
    para["weights"] = {"matrix": np.zeros((5, 5), dtype=np.float32)}
    with pytest.raises(ConfigError, match=r"for \[5\] items, the data set has \[31\]"):
        model.load_other_parameter(para)
