"""Where there are GPUs, use_gpu and gpu_id choose among them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from recbole_ktrec.commands.values import long_lists
from recbole_ktrec.evaluation.harness import make_config


@pytest.mark.parametrize(
    ("given", "device"), [({}, "cuda"), ({"use_gpu": False}, "cpu"), ({"use_gpu": False, "gpu_id": "1"}, "cpu")]
)
def test_a_gpu_is_used_unless_it_is_not_to_be(
    given: dict[str, Any], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")  # RecBole sets it
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert make_config("Pop", "ml-100k", given)["device"].type == device


@pytest.mark.parametrize(("given", "visible"), [({"gpu_id": "1"}, "1"), ({"use_gpu": False}, "")])
def test_gpus_are_hidden_before_torch_looks_for_one(
    given: dict[str, Any], visible: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA reads the variable when it starts, which is when it is first asked for (torch's issue 23544)."""
    seen = list[str]()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("torch.cuda.is_available", lambda: seen.append(os.environ["CUDA_VISIBLE_DEVICES"]))
    long_lists("SASRec", given)
    make_config("Pop", "ml-100k", given)
    assert set(seen) == ({visible} if visible else set())
