"""A metric of the plugin or of a user is found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recbole_ktrec import register_metric
from recbole_ktrec.errors import ConfigError
from tests.support import Settings, fitted


@pytest.fixture
def constant() -> Iterator[type[Any]]:
    from recbole.evaluator import register as host
    from recbole.evaluator.base_metric import AbstractMetric
    from recbole.utils import EvaluatorType

    class Constant(AbstractMetric):
        metric_need = ["rec.items"]
        metric_type = EvaluatorType.RANKING
        smaller = True

        def calculate_metric(self, dataobject: Any) -> dict[str, float]:
            return {"constant@5": float(dataobject.get("rec.items").shape[1])}

    yield register_metric(Constant)
    for table in (host.metrics_dict, host.metric_information, host.metric_types):
        del table["constant"]
    host.smaller_metrics.remove("constant")


def test_a_registered_metric_is_computed(constant: type[Any], settings: Callable[..., dict[str, Any]]) -> None:
    from recbole.config import Config
    from recbole.quick_start import run_recbole

    changed = settings(metrics=["Constant", "NDCG"], valid_metric="Constant@5", epochs=1)
    assert run_recbole(model="BPR", dataset="tiny", config_dict=changed)["test_result"]["constant@5"] == 5
    assert Config("BPR", "tiny", config_dict=changed)["valid_metric_bigger"] is False


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_a_metric_of_the_user_s_own_calls_its_values_as_it_likes(
    constant: type[Any], settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(constant, "calculate_metric", lambda self, dataobject: {"always@all": 0.5})
    asked = settings(metrics=["Constant", "NDCG"], valid_metric="Always@all", prior="none", fusion="id")
    assert fitted(asked, name, saved=False)[0].best_valid_score == 0.5


def test_an_incomplete_metric_is_refused() -> None:
    class Bare:
        metric_need = ["rec.items"]

    with pytest.raises(ConfigError, match=r"Metric \[Bare\] has no attribute \[metric_type\]"):
        register_metric(Bare)


def test_a_metric_of_the_user_s_own_keeps_its_name(
    constant: type[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from recbole import evaluator

    from recbole_ktrec.register.metrics import add_metrics

    monkeypatch.setitem(evaluator.register.metrics_dict, "novelty", constant)
    add_metrics(evaluator)
    assert evaluator.register.metrics_dict["novelty"] is constant
    assert [record.message for record in caplog.records] == [
        f"Metric [Novelty] is that of [{__name__}], not that of recbole_ktrec."
    ]


def test_their_module_may_be_what_brings_the_evaluator_in(fresh_python: Callable[..., str]) -> None:
    code = """
from recbole_ktrec.evaluation.metrics import Novelty
from recbole.evaluator.register import metrics_dict
print(metrics_dict["novelty"] is Novelty, "accuracy" in metrics_dict)
"""
    assert fresh_python(code).split()[-2:] == ["True", "True"]
