"""A user's model that is derived from one of the plugin's has its settings, trainer and batches."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recbole_ktrec import register
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.register.properties import model_files
from tests.support import Settings

SOURCE = """
from recbole_ktrec.model.ktrec import KTRec


class MyRec(KTRec):
    def __init__(self, config, dataset):
        super().__init__(config, dataset)
        self.mine = config["mine"]
"""


@pytest.fixture
def derived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of ``MyRec``, which is not registered; gone after the test."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "my_rec_module.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    importlib.invalidate_caches()
    yield importlib.import_module("my_rec_module")
    register.MODELS.pop("MyRec", None)
    for name in ("my_rec_module", "recbole.model.general_recommender.myrec"):
        sys.modules.pop(name, None)


def test_a_derived_class_is_trained_as_its_base(derived: Any, settings: Settings) -> None:
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_trainer, init_seed

    def result(model: Any) -> dict[str, float]:
        config = Config(model, "tiny", config_dict=settings(fusion="id"))
        init_seed(config["seed"], True)
        train, valid, test = data_preparation(config, create_dataset(config))
        built = (derived.MyRec if model is derived.MyRec else KTRec)(config, train.dataset)
        trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, built)
        trainer.fit(train, valid, verbose=False)
        return dict(trainer.evaluate(test))

    assert result(derived.MyRec) == result("KTRec")


def test_its_checkpoint_is_read_where_the_class_was_not_given(
    derived: Any, settings: Settings, fresh_python: Callable[..., str], tmp_path: Path
) -> None:
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_trainer

    config = Config(derived.MyRec, "tiny", config_dict=settings(fusion="id", closed_form=False))
    train, valid, _ = data_preparation(config, create_dataset(config))
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, derived.MyRec(config, train.dataset))
    trainer.fit(train, valid, verbose=False)
    code = """
import sys
sys.path.append(sys.argv.pop())
path = sys.argv.pop()
import recbole_ktrec
from recbole.quick_start import load_data_and_model
print(type(load_data_and_model(path)[1]))
"""
    assert "'my_rec_module.MyRec'" in fresh_python(code, trainer.saved_model_file, tmp_path / "code")


def test_another_class_of_its_name_is_refused(derived: Any, settings: Settings, tmp_path: Path) -> None:
    from recbole.config import Config

    Config(derived.MyRec, "tiny", config_dict=settings(fusion="id"))
    Config(derived.MyRec, "tiny", config_dict=settings(fusion="id"))
    other = type("MyRec", (KTRec,), {"__module__": "elsewhere"})
    with pytest.raises(ConfigError, match=r"\[MyRec\] of \[elsewhere\] has the name of one of \[my_rec_module\]"):
        Config(other, "tiny", config_dict=settings(fusion="id"))


def test_what_is_registered_by_another_path_hands_its_file_on(
    derived: Any, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole.config import Config

    own = tmp_path / "MyRec.yaml"
    own.write_text("mine: 3\n")
    monkeypatch.setitem(sys.modules, "shop", SimpleNamespace(MyRec=derived.MyRec))
    register.register_model("MyRec", "shop", property_file=own)
    monkeypatch.setattr(
        derived, "Child", type("Child", (derived.MyRec,), {"__module__": "my_rec_module"}), raising=False
    )
    try:
        for model in (derived.MyRec, derived.Child):
            assert Config(model, "tiny", config_dict=settings(fusion="id"))["mine"] == 3
    finally:
        register.MODELS.pop("Child", None)


def test_a_file_of_its_own_comes_after_those_of_its_base(derived: Any, settings: Settings, tmp_path: Path) -> None:
    from recbole.config import Config

    own = tmp_path / "MyRec.yaml"
    own.write_text("mine: 3\ntrain_negatives: 7\n")
    register.register_model("MyRec", "my_rec_module", property_file=own)
    assert model_files("MyRec") == [*model_files("KTRec"), own]
    config = Config("MyRec", "tiny", config_dict=settings(mine=4))
    assert (config["mine"], config["train_negatives"], config["whitening"]) == (4, 7, 0.4)


def test_what_has_no_settings_is_told(derived: Any, settings: Settings) -> None:
    from recbole.config import Config

    with pytest.raises(ConfigError, match=r"Model \[Local\] is derived from \[KTRec\] in a function"):
        Config(type("Local", (KTRec,), {}), "tiny", config_dict=settings())
