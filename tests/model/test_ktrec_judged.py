"""Each epoch is judged by what the model that is kept will give: weights, calibration and level of its own state."""

from __future__ import annotations

from typing import Any

import pytest

from recbole_ktrec.model.held_out import held_out
from recbole_ktrec.model.ktrec_settle import weigh
from recbole_ktrec.model.ktrec_trainer import KTRecTrainer
from tests.support import Settings, fitted

VALUES = {"eval_args": {"mode": "uni5"}, "metrics": ["LogLoss", "AUC"], "valid_metric": "LogLoss", "eval_step": 1}


@pytest.mark.parametrize("closed", [True, False])
def test_probabilities_are_calibrated_where_epochs_are_judged_by_them(
    textual: Settings, closed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[float, float]] = []
    evaluate = KTRecTrainer.evaluate

    def noting(self: KTRecTrainer, *args: Any, **kwargs: Any) -> Any:
        judged.append(tuple(self.model.calibration.tolist()))
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(KTRecTrainer, "evaluate", noting)
    _, model, _ = fitted(textual(**VALUES, closed_form=closed, epochs=3, stopping_step=9), "KTRec")
    assert len(judged) == 3 and (1.0, 0.0) not in judged and len(set(judged)) == 3
    assert tuple(model.calibration.tolist()) in judged, "the kept state is calibrated as it was when it was judged"


def test_the_decay_does_not_depend_on_the_level_of_the_epoch_before(textual: Settings) -> None:
    late = {"eval_args": {"split": {"RS": [0.7, 0.15, 0.15]}, "order": "TO", "group_by": "none", "mode": "full"}}
    times = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    _, model, (_, valid, _) = fitted(textual(**late, **times, closed_form=False, epochs=1), "KTRec")
    found = held_out(valid, 2020, model.taken)
    decays = set()
    for shift in (0.0, 5.0, 20.0):
        model.cold_shift = shift
        weigh(model, found)
        decays.add(model.decay)
    assert len(decays) == 1
