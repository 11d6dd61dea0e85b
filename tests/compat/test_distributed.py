"""Several processes share the checkpoint of rank 0 (tests/register/test_workers.py runs two of them)."""

from __future__ import annotations

import pickle
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from recbole_ktrec.compat.distributed import _checkpoint_of_rank_0, share_checkpoints
from tests.support import Settings


@pytest.mark.parametrize(("offset", "name"), [(0, "saved/BPR-12_00_00.pth"), (2, "saved/BPR-12_00_00-2.pth")])
def test_every_rank_takes_the_name_of_rank_0(offset: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broadcast(names: list[str], src: int) -> None:
        assert src == 0
        names[0] = "saved/BPR-12_00_00.pth"

    monkeypatch.setattr("torch.distributed.broadcast_object_list", broadcast)
    late = SimpleNamespace(saved_model_file="saved/BPR-12_00_01.pth", config={"offset": offset})
    assert _checkpoint_of_rank_0(late) == name


def test_only_trainers_of_several_processes_wait_and_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    class AbstractTrainer:
        def __init__(self, config: dict[str, Any], model: object) -> None:
            self.config = config

    class Trainer(AbstractTrainer):
        def __init__(self, config: dict[str, Any], model: object) -> None:
            super().__init__(config, model)
            self.saved_model_file = "own.pth"

        def evaluate(self) -> str:
            return self.saved_model_file

    host = ModuleType("trainer")
    vars(host).update(AbstractTrainer=AbstractTrainer, Trainer=Trainer)
    share_checkpoints(host)
    waited: list[bool] = []
    monkeypatch.setattr("torch.distributed.barrier", lambda: waited.append(True))
    monkeypatch.setattr("recbole_ktrec.compat.distributed._checkpoint_of_rank_0", lambda trainer: "shared.pth")
    assert (Trainer({"single_spec": True}, None).evaluate(), waited) == ("own.pth", [])
    several = {"single_spec": False, "device": SimpleNamespace(type="cuda")}
    assert (Trainer(several, None).evaluate(), waited) == ("shared.pth", [True])


def test_a_configuration_without_word_of_processes_is_read(settings: Settings) -> None:
    """RecBole 1.0 and packages that were written for it make such ones."""
    from recbole.config import Config

    config = Config("BPR", "tiny", config_dict=settings())
    for key in ("single_spec", "device"):
        del config.final_config_dict[key]
    read = pickle.loads(pickle.dumps(config))
    assert read.final_config_dict == config.final_config_dict


@pytest.mark.parametrize("model", ["BPR", "KTEASE"])
def test_a_configuration_of_several_processes_with_gpus_is_read_by_one_without(model: str, settings: Settings) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    from recbole.config import Config

    config = Config(model, "tiny", config_dict=settings())
    config.final_config_dict.update(device=torch.device("cuda", 1), single_spec=False, local_rank=1)
    read = pickle.loads(pickle.dumps(config))
    assert (read["device"].type, read["single_spec"], read["local_rank"]) == ("cpu", True, 0)
