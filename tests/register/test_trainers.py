"""A model with a trainer of its own is trained by it, whatever else a configuration for other models says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from recbole_ktrec.errors import ConfigError
from tests.support import build, fitted


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_another_trainer_is_refused_before_it_trains(settings: Callable[..., dict[str, Any]], name: str) -> None:
    from recbole.trainer import Trainer

    config, model, (train, valid, test) = build(settings(prior="none", fusion="id"), name)
    trainer = Trainer(config, model)
    with pytest.raises(ConfigError, match=rf"\[Trainer\] cannot train \[{name}\].*get_trainer"):
        trainer.fit(train, valid)
    assert trainer.evaluate(test, load_best_model=False)["ndcg@5"] >= 0, "what is trained is evaluated by any"


def test_a_built_in_model_takes_the_trainer_of_recbole(settings: Callable[..., dict[str, Any]]) -> None:
    from recbole.trainer import Trainer

    config, model, (train, valid, _) = build(settings(), "BPR")
    model.trainer_class = "mine"  # a user's own attribute, which is no class
    assert Trainer(config, model).fit(train, valid, verbose=False, saved=False)[0] >= 0


def test_sampling_by_scores_that_others_ask_for_is_left_out(settings: Callable[..., dict[str, Any]]) -> None:
    drawn = {"distribution": "uniform", "sample_num": 1, "dynamic": True, "candidate_num": 2}
    plain, asked = (
        fitted(settings(prior="none", fusion="id", train_neg_sample_args=given), "KTRec", saved=False)
        for given in (None, drawn)
    )
    assert plain[0].best_valid_score == asked[0].best_valid_score > 0
