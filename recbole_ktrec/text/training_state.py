"""The state of a training on disk: one safetensors file of weights and optimiser, and a JSON that makes it valid.

The tensors are written under a new name first; then ``state.json`` is replaced, which names them. A killed run leaves
the state before or the state after, never half of one.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from recbole_ktrec.errors import DataError
from recbole_ktrec.text.disk import replacing

_STATE = "state.json"


def save_state(folder: Path, tensors: dict[str, dict[str, Tensor]], progress: dict[str, Any]) -> None:
    """Store named groups of tensors, and ``progress`` (plain values, ``step`` among them).

    Raises:
        CacheError: the disk is full or refuses.
    """
    name = f"step-{progress['step']}.safetensors"
    flat = {f"{group}/{key}": value.detach().contiguous().cpu() for group, part in tensors.items()
            for key, value in part.items()}  # fmt: skip
    with replacing(folder / name) as partial:
        save_file(flat, partial)
    with replacing(folder / _STATE) as partial:
        partial.write_text(json.dumps({**progress, "tensors": name}, indent=1), encoding="utf-8")
    for old in folder.glob("step-*.safetensors"):
        if old.name != name:
            with contextlib.suppress(OSError):
                old.unlink()


def load_state(folder: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]] | None:
    """Return what :func:`save_state` stored, or None if there is nothing.

    Raises:
        DataError: a file is damaged.
    """
    path = folder / _STATE
    if not path.is_file():
        return None
    try:
        progress = json.loads(path.read_text(encoding="utf-8"))
        flat = load_file(folder / progress["tensors"])
    except Exception as error:
        raise DataError(
            f"The state of the training in [{folder}] cannot be read ({error}): remove that folder to begin again."
        ) from error
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in flat.items():
        group, _, name = key.partition("/")
        groups.setdefault(group, {})[name] = value
    return groups, progress


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trained parameters by name."""
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def restore_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copy ``weights`` into the trained parameters of the same names."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.copy_(weights[name])


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what the optimiser remembers of each trained parameter, as ``<parameter>/<quantity>``."""
    return {
        f"{name}/{key}": torch.as_tensor(value)
        for name, parameter in model.named_parameters()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def restore_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give the optimiser back what :func:`optimizer_tensors` returned."""
    by_name = dict(model.named_parameters())
    for key, value in tensors.items():
        name, _, quantity = key.rpartition("/")
        parameter = by_name[name]
        # AdamW counts its steps on the CPU, whatever the device.
        optimizer.state[parameter][quantity] = value if quantity == "step" else value.to(parameter.device)
