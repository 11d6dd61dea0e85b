"""A model name that nobody knows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.unknown import OTHER_NAMES, known_models, meant


@pytest.mark.parametrize(("name", "hint"), [("LightGNC", "LightGCN"), ("bpr", "BPR"), ("TinyTowr", "TinyTower")])
def test_the_nearest_name_is_offered(name: str, hint: str, tiny_tower: str) -> None:
    from recbole.quick_start import run_recbole

    with pytest.raises(ConfigError, match=rf"Unknown model \[{name}\]\. Did you mean \[{hint}\]\?"):
        run_recbole(model=name, dataset="ml-100k")


def test_nothing_near_offers_nothing() -> None:
    from recbole.utils import get_model

    with pytest.raises(ConfigError, match=r"Unknown model \[Zzzzzzzzzz\]\.$"):
        get_model("Zzzzzzzzzz")


def test_a_missing_package_of_a_known_model_is_named() -> None:
    from recbole.utils import get_model

    try:
        import lightgbm  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match=r"Model \[lightgbm\] needs \[lightgbm\], .*: pip install lightgbm"):
            get_model("lightgbm")


@pytest.mark.parametrize(
    ("source", "said"), [("import no_such_layers", "No module named 'no_such_layers'"), ("", "no attribute 'OwnNet'")]
)
def test_the_error_of_a_model_in_recbole_s_folder_is_its_own(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recbole.model import general_recommender
    from recbole.utils import get_model

    (tmp_path / "ownnet.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(general_recommender, "__path__", [*general_recommender.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "recbole.model.general_recommender.ownnet", raising=False)
    with pytest.raises((ModuleNotFoundError, AttributeError), match=said):
        get_model("OwnNet")


def test_known_models_are_recbole_s_and_the_registered(tiny_tower: str) -> None:
    assert {"BPR", "Random", "SASRec", "KGAT", "DeepFM", tiny_tower} <= set(known_models())
    assert len(known_models()) > 90


def test_names_of_papers_are_understood() -> None:
    assert meant("NCF", known_models()) == " RecBole calls it [NeuMF]."
    assert meant("BPR-MF", known_models()) == " RecBole calls it [BPR]."
    assert set(OTHER_NAMES.values()) <= set(known_models())
