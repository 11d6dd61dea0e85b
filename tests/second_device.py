"""A device with memory of its own, as a GPU has, on any machine: tensors on it and on the CPU do not mix.

Its tensors hold a tensor of the CPU that every operation works on; the code under test sees their device alone. To be
used in a process of its own, as torch knows one such device a process and keeps it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
MOVES = (aten._to_copy.default, aten.copy_.default)
#: An index may be on the CPU, as on a GPU.
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)


class Held(torch.Tensor):
    """A tensor on the second device."""

    inner: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Held:
        shape = {"strides": inner.stride(), "storage_offset": inner.storage_offset(), "layout": inner.layout}
        device = torch.device("second", 0)  # as text, it ends the thread of the backward pass
        made = torch.Tensor._make_wrapper_subclass(cls, inner.size(), dtype=inner.dtype, device=device, **shape)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(op, args, kwargs or {})

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec)


def _inner(value: Any) -> Any:
    return value.inner if isinstance(value, Held) else value


def _held(leaf: torch.Tensor, known: dict[int, Held]) -> Held:
    return known[id(leaf)] if id(leaf) in known else Held(leaf)


def _run(op: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    held = {id(leaf.inner): leaf for leaf in tensors if isinstance(leaf, Held)}
    strange = [tuple(leaf.shape) for leaf in tensors if not isinstance(leaf, Held) and leaf.dim()]
    if held and strange and op not in (*MOVES, *INDEXING):
        raise RuntimeError(f"Expected all tensors to be on the same device: {op} has {strange} on the CPU")
    to = kwargs.get("device")
    if to is not None:
        kwargs = {**kwargs, "device": "cpu", "pin_memory": False}
    result = op(*tree_map(_inner, args), **tree_map(_inner, kwargs))
    if result is None:
        return None
    if op.overloadpacket.__name__.endswith("_"):  # in place
        return args[0]
    there = isinstance(args[0], Held) if op in INDEXING else bool(held)
    if not (there if to is None else torch.device(to).type == "second"):
        return result
    return tree_map(lambda leaf: _held(leaf, held) if isinstance(leaf, torch.Tensor) else leaf, result)


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(op, args, kwargs or {})


class _Functions(TorchFunctionMode):
    """What torch does outside its operations."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.Tensor.tolist and isinstance(args[0], Held):
            return args[0].cpu().tolist()
        return function(*args, **(kwargs or {}))


class _Module(backend_registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.float32, torch.bfloat16]


def _register() -> None:
    def empty(size: Any, stride: Any, dtype: Any = None, **_: Any) -> Held:
        return Held(torch.empty_strided(size, stride, dtype=dtype))

    def copy(source: Any, target: Any, non_blocking: bool = False) -> Any:
        _inner(target).copy_(_inner(source))
        return target

    backend_registration._setup_privateuseone_for_python_backend("second", backend_module=_Module())
    library = torch.library.Library("aten", "IMPL")
    for name, kernel in (("empty_strided", empty), ("_copy_from", copy)):
        library.impl(name, kernel, "PrivateUse1")
    _kept.append(library)


_kept: list[Any] = []


@contextlib.contextmanager
def second_device() -> Iterator[torch.device]:
    """Let RecBole's configurations name the second device; yield it."""
    from recbole.config import configurator

    _register()
    device, original, load = torch.device("second", 0), configurator.Config._init_device, torch.load

    def init_device(self: Any) -> None:
        original(self)
        self.final_config_dict["device"] = device

    def load_there(file: Any, map_location: Any = device, **kwargs: Any) -> Any:
        found = load(file, map_location="cpu", **{**kwargs, "weights_only": False})
        return tree_map(lambda leaf: leaf.to(map_location) if isinstance(leaf, torch.Tensor) else leaf, found)

    configurator.Config._init_device, torch.load = init_device, load_there
    torch.inference_mode = torch.no_grad  # type: ignore[misc] # views of tensors that hold others are not possible there
    with _Functions(), _Operations():
        yield device
