"""``torch.load`` reads RecBole's checkpoints for RecBole, and refuses pickled objects for everybody else."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import FunctionType

import pytest
import recbole.utils.utils  # noqa: F401 - brings the remedy
import torch

#: torch 2.6 and newer refuse pickled objects by default.
SAFE = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 6)


class Payload:
    pass


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"config": Payload()}, tmp_path / "model.pth")
    return tmp_path / "model.pth"


def called_from(module: str, **kwargs: object) -> FunctionType:
    """A function that calls ``torch.load`` as code of ``module`` would."""
    code = (lambda path: torch.load(path, **kwargs)).__code__
    return FunctionType(code, {"torch": torch, "__name__": module}, closure=((lambda: kwargs).__closure__))


def test_recbole_reads_its_own_checkpoint(checkpoint: Path) -> None:
    assert isinstance(called_from("recbole.trainer.trainer")(checkpoint)["config"], Payload)


@pytest.mark.parametrize("module", ["__main__", "recbole_ktrec.model.ktrec", "recbole2.trainer", "recboles"])
def test_torch_load_stays_as_it_is_for_everyone_else(module: str, checkpoint: Path) -> None:
    if not SAFE:
        assert called_from(module)(checkpoint), "torch before 2.6 reads pickled objects by default"
        return
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        called_from(module)(checkpoint)


def test_the_checkpoint_of_a_gpu_is_read_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda _: "cuda:0")
        torch.save({"config": Payload(), "weight": torch.ones(2)}, tmp_path / "gpu.pth")
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        torch.load.__wrapped__(tmp_path / "gpu.pth", weights_only=False)
    assert called_from("recbole.quick_start.quick_start")(tmp_path / "gpu.pth")["weight"].tolist() == [1, 1]


def test_an_explicit_choice_of_recbole_code_is_kept(checkpoint: Path) -> None:
    with pytest.raises(pickle.UnpicklingError):
        called_from("recbole.trainer.trainer", weights_only=True)(checkpoint)


def test_without_the_remedy_recbole_cannot_read_it(checkpoint: Path) -> None:
    if not SAFE:
        pytest.skip("this torch reads pickled objects by default")
    with pytest.raises(pickle.UnpicklingError):
        torch.load.__wrapped__(checkpoint)
