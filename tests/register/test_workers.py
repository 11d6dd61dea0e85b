"""Spawned processes know the plugin and what the parent has registered; ranks share one checkpoint."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path

import pytest

from recbole_ktrec import register
from recbole_ktrec.register import workers
from tests.support import Settings


@pytest.fixture
def port() -> str:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return str(free.getsockname()[1])


def test_the_references_name_this_plugin() -> None:
    from recbole.quick_start import objective_function, quick_start

    assert objective_function.__module__ == "recbole_ktrec.register.workers"
    assert b"recbole_ktrec.register.workers" in pickle.dumps(quick_start.run_recboles)


def test_two_processes_on_a_cpu(tiny_tower: str, settings: Settings, workplace: Path, port: str) -> None:
    from recbole.quick_start import load_data_and_model, run

    result = run(tiny_tower, "tiny", config_dict=settings(tiny_width=4), nproc=2, port=port)
    assert 0 < result["test_result"]["recall@5"] <= 1
    (checkpoint,) = (workplace / "saved").glob("TinyTower-*.pth")
    _, model, *_ = load_data_and_model(str(checkpoint))  # one process alone reads it
    assert model.width == 4


def test_registered_models_travel_with_the_worker(tiny_tower: str) -> None:
    from recbole.quick_start import quick_start

    packed = pickle.dumps(quick_start.run_recboles)
    entry = register.MODELS.pop(tiny_tower)
    pickle.loads(packed)
    assert register.MODELS[tiny_tower] == entry


@pytest.mark.parametrize("name", ["run_recboles", "objective_function"])
def test_a_function_imported_before_the_plugin_is_pickled_too(name: str) -> None:
    import recbole.quick_start  # noqa: F401

    original = workers._ORIGINALS[name]
    packed = pickle.dumps(original)
    assert pickle.loads(packed) is original and b"recbole_ktrec.register.workers" in packed
