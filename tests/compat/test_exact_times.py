"""The column of exact times is for those who read it by name, and never in the way of other models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recbole.config import Config
from recbole.data import create_dataset
from recbole.utils import ModelType

from recbole_ktrec.compat.exact_times import EXACT
from tests.support import Settings


@pytest.fixture
def timed(settings: Settings, workplace: Path) -> Settings:
    """A function that returns settings for times since 1970, which 32 bits do not hold, drawn at random."""
    rows = [f"u{user}\ti{item}\t{1.6e9 + 10 * item:.0f}" for user in range(20) for item in range(8)]
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    path.write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n", encoding="utf-8")

    def make(**changes: Any) -> dict[str, Any]:
        return settings(
            **{"load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "normalize_all": False, **changes}
        )

    return make


def columns(config: Config) -> list[str]:
    return list(create_dataset(config).build()[0].inter_feat.columns)


@pytest.mark.parametrize("buckets", [{}, {"discretization": {"timestamp": {"method": "ED", "bucket": 4}}}])
def test_times_may_be_numerical_features(timed: Settings, buckets: dict[str, Any]) -> None:
    config = Config("FM", "tiny", config_dict=timed(numerical_features=["timestamp"], **buckets))
    train = create_dataset(config).build()[0]
    assert EXACT not in train.inter_feat.columns and train.inter_feat["timestamp"].shape[1] == 2


def test_decision_trees_do_not_learn_from_it(timed: Settings) -> None:
    config = Config("LR", "tiny", config_dict=timed())
    assert EXACT in columns(config)
    config["MODEL_TYPE"] = ModelType.DECISIONTREE  # LightGBM and XGBoost need packages of their own
    assert columns(config) == ["user_id", "item_id", "timestamp"]


@pytest.mark.parametrize("kind", ["token", "float"])
def test_times_that_are_tokens_are_told(
    timed: Settings, workplace: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    path.write_text(path.read_text(encoding="utf-8").replace("timestamp:float", f"timestamp:{kind}"), encoding="utf-8")
    create_dataset(Config("BPR", "tiny", config_dict=timed())).build()
    told = [record.message for record in caplog.records if "the times [timestamp] are tokens" in record.message]
    assert len(told) == (kind == "token") and all("Write [timestamp:float]" in one for one in told)
