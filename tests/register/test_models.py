"""Models by name, with their own trainer, dataset and property files."""

from __future__ import annotations

import pytest

from recbole_ktrec import register
from recbole_ktrec.errors import ConfigError
from tests.support import Settings


def test_run_recbole_finds_a_registered_model(tiny_tower: str, settings: Settings) -> None:
    from recbole.quick_start import run_recbole

    result = run_recbole(model=tiny_tower, dataset="tiny", config_dict=settings())
    assert 0 < result["test_result"]["recall@5"] <= 1


def test_its_own_trainer_and_dataset_are_taken(tiny_tower: str, settings: Settings) -> None:
    from recbole.config import Config
    from recbole.data import create_dataset
    from recbole.utils import get_trainer

    config = Config(model=tiny_tower, dataset="tiny", config_dict=settings())
    assert type(create_dataset(config)).__name__ == "TinyTowerDataset"
    assert get_trainer(config["MODEL_TYPE"], tiny_tower).__name__ == "TinyTowerTrainer"


def test_trainer_and_dataset_may_be_named_by_the_class(tiny_tower: str) -> None:
    import recbole.trainer

    from recbole_ktrec.register.models import model_class

    model = model_class(tiny_tower)
    module = __import__(model.__module__)
    model.trainer_class = module.TinyTowerTrainer
    del module.TinyTowerTrainer
    assert recbole.trainer.TinyTowerTrainer is model.trainer_class


def test_built_in_models_keep_their_parts() -> None:
    import recbole.data.dataset
    import recbole.trainer
    from recbole.utils import ModelType, get_model, get_trainer

    assert get_model("BPR").__module__ == "recbole.model.general_recommender.bpr"
    assert get_trainer(ModelType.GENERAL, "BPR") is recbole.trainer.Trainer
    assert not hasattr(recbole.data.dataset, "BPRDataset")


def test_model_class_itself_and_name_give_the_same_configuration(tiny_tower: str, settings: Settings) -> None:
    from recbole.config import Config
    from recbole.utils import get_model

    by_name = Config(model=tiny_tower, dataset="tiny", config_dict=settings())
    by_class = Config(model=get_model(tiny_tower), dataset="tiny", config_dict=settings())
    assert by_name["tiny_width"] == 6
    assert by_name.final_config_dict == by_class.final_config_dict


def test_a_method_of_the_user_s_own_is_not_taken_for_the_check_of_a_configuration(
    tiny_tower: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole.config import Config

    from recbole_ktrec.register.models import check_of, model_class

    model, seen = model_class(tiny_tower), list[int]()
    monkeypatch.setattr(model, "check_config", lambda self, config: seen.append(0), raising=False)
    Config(model=tiny_tower, dataset="tiny", config_dict=settings())
    assert check_of(model) is None and seen == []
    monkeypatch.setattr(model, "check_config", staticmethod(lambda config: seen.append(config["tiny_width"])))
    Config(model=tiny_tower, dataset="tiny", config_dict=settings())
    assert seen == [6]


def test_kind_is_checked() -> None:
    with pytest.raises(ConfigError, match=r"Kind \[generl\] of model \[X\]"):
        register.register_model("X", "x", "generl")


@pytest.mark.parametrize("name", sorted(register.MODELS))
def test_every_entry_imports_and_has_a_property_file(name: str) -> None:
    from recbole.utils import get_model

    from recbole_ktrec.resources import model_property_file

    assert get_model(name).__name__ == name
    assert model_property_file(name).is_file()


def test_data_loaders_are_found_in_both_places_where_recbole_has_the_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import recbole.data
    from recbole.data import utils

    from recbole_ktrec.register import loaders

    for module in (recbole.data, utils):  # as they are when RecBole is imported first
        monkeypatch.setattr(module, "get_dataloader", utils.get_dataloader.__wrapped__)
    loaders._wrap(utils)
    assert recbole.data.get_dataloader is utils.get_dataloader
