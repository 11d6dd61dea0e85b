"""pandas 3 is refused, lists longer than the catalogue too; another folder's saved data set is not taken, and more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recbole_ktrec
from recbole_ktrec.compat.pandas_guard import refuse_pandas_3
from recbole_ktrec.errors import ConfigError, HostError


def test_pandas_3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pandas.__version__", "3.1.0")
    with pytest.raises(HostError, match=r"wrong numbers with pandas 3\.1\.0: pip install 'pandas<3'"):
        refuse_pandas_3(recbole_ktrec)


def test_pandas_2_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pandas.__version__", "2.3.3")
    assert refuse_pandas_3(recbole_ktrec) is False


def test_a_saved_data_set_of_another_folder_is_not_taken(
    workplace: Path, settings: Callable[..., dict[str, Any]]
) -> None:
    from recbole.config import Config
    from recbole.data import create_dataset

    (workplace / "other" / "tiny").mkdir(parents=True)
    (workplace / "other" / "tiny" / "tiny.inter").write_text("user_id:token\titem_id:token\nu1\ti1\nu1\ti2\nu2\ti1\n")
    first = create_dataset(Config("BPR", "tiny", config_dict=settings(save_dataset=True)))
    again = create_dataset(Config("BPR", "tiny", config_dict=settings()))
    other = create_dataset(Config("BPR", "tiny", config_dict=settings(data_path="other")))
    assert first.inter_num == again.inter_num == 240
    assert other.inter_num == 3


def test_a_saved_data_set_that_is_split_otherwise_is_not_taken(settings: Callable[..., dict[str, Any]]) -> None:
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation

    halves = {"split": {"RS": [0.5, 0.25, 0.25]}, "order": "RO", "group_by": "none", "mode": "full"}
    create_dataset(Config("BPR", "tiny", config_dict=settings(save_dataset=True)))
    config = Config("BPR", "tiny", config_dict=settings(eval_args=halves))
    train, _, test = data_preparation(config, create_dataset(config))
    assert (len(train.dataset), len(test.dataset)) == (120, 60)


def test_a_folder_that_another_process_makes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import recbole.utils.logger

    monkeypatch.setattr("os.path.exists", lambda path: False)  # not there yet when RecBole looks
    (tmp_path / "log").mkdir()
    recbole.utils.logger.ensure_dir(str(tmp_path / "log"))
    assert (tmp_path / "log").is_dir()


@pytest.mark.parametrize(("order", "warned"), [("RO", True), ("TO", False)])
def test_a_split_by_time_in_random_order_is_warned_of(
    order: str, warned: bool, settings: Callable[..., dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    from recbole.config import Config

    Config("BPR", "tiny", config_dict=settings(eval_args={"split": {"TS": [0.8, 0.1, 0.1]}, "order": order}))
    assert ("use order TO" in caplog.text) is warned


@pytest.mark.parametrize("model", ["BPR", "Pop", "EASE"])
def test_lists_longer_than_the_catalogue_are_refused(
    model: str, workplace: Path, settings: Callable[..., dict[str, Any]]
) -> None:
    from recbole.quick_start import run_recbole

    with pytest.raises(ConfigError, match=r"topk \[500\] is more than the \[\d+\] items"):
        run_recbole(model=model, dataset="tiny", config_dict=settings(topk=[5, 500], epochs=1))


def test_metrics_without_lists_have_no_longest_one(workplace: Path, settings: Callable[..., dict[str, Any]]) -> None:
    from recbole.quick_start import run_recbole

    asked = settings(topk=[500], epochs=1, metrics=["GAUC"], valid_metric="GAUC")
    assert run_recbole(model="BPR", dataset="tiny", config_dict=asked, saved=False)["test_result"]["gauc"] > 0
