"""Where there is a GPU, use_gpu: False leaves it out."""

from __future__ import annotations

from typing import Any

import pytest

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
