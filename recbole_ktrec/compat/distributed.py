"""``run(nproc=2)``: on a CPU RecBole asks for NCCL and CUDA, and anywhere each rank looks for a checkpoint of its own.

RecBole names the checkpoint by the clock, once a rank; only rank 0 writes, so another rank that started a second later
looks for a file that does not exist. Here rank 0's name is everybody's, and nobody reads before it is written. Later,
one process alone can read it too.
"""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import Any


def _init_cpu_process(final: dict[str, Any]) -> None:
    """Join the process group with gloo, and set what RecBole's ``_init_device`` would set for a GPU."""
    import torch

    torch.distributed.init_process_group(
        backend="gloo",
        rank=final["local_rank"] + final["offset"],
        world_size=final["world_size"],
        init_method=f"tcp://{final['ip']}:{final['port']}",
    )
    final.update(device=torch.device("cpu"), single_spec=False)
    if final["local_rank"] != 0:
        final.update(state="error", show_progress=False, verbose=False)


def use_gloo_without_cuda(configurator: ModuleType) -> bool:
    """Let ``Config._init_device`` start a distributed run on a machine without CUDA (or with ``gpu_id: ''``)."""
    import torch

    original = configurator.Config._init_device

    @functools.wraps(original)
    def _init_device(self: Any) -> None:
        final = self.final_config_dict
        if "local_rank" not in final:
            return original(self)
        gpus = final["gpu_id"]
        final["gpu_id"] = ",".join(map(str, gpus)) if isinstance(gpus, tuple) else str(gpus)
        os.environ["CUDA_VISIBLE_DEVICES"] = final["gpu_id"]  # before torch looks: afterwards it chooses nothing
        if final["gpu_id"] and torch.cuda.is_available():
            return original(self)
        return _init_cpu_process(final)

    configurator.Config._init_device = _init_device
    return True


def load_in_one_process(configurator: ModuleType) -> bool:
    """Let a checkpoint of several processes be read by one, and that of a GPU without one: its ``Config`` forgets the
    process group and the device that are gone."""
    import torch

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        vars(self).update(state)
        final = self.final_config_dict  # that of an older RecBole, or of a package on top of it, may lack a key
        alone = not (torch.distributed.is_available() and torch.distributed.is_initialized())
        if alone and not final.get("single_spec", True):
            final.update(single_spec=True, local_rank=0)
        if torch.device(final.get("device", "cpu")).type == "cuda" and not torch.cuda.is_available():
            final.update(device=torch.device("cpu"), gpu_id="", use_gpu=False)

    configurator.Config.__setstate__ = __setstate__
    return True


def _checkpoint_of_rank_0(trainer: Any) -> str:
    """Return the checkpoint path of global rank 0; other nodes, which write their own, add their offset to it."""
    import torch

    names = [trainer.saved_model_file]
    torch.distributed.broadcast_object_list(names, src=0)
    offset = trainer.config["offset"]
    stem, suffix = os.path.splitext(names[0])
    return f"{stem}-{offset}{suffix}" if offset else names[0]


def _patch_start(trainer: ModuleType) -> None:
    start = trainer.AbstractTrainer.__init__

    @functools.wraps(start)
    def __init__(self: Any, config: Any, model: Any) -> None:
        if config["single_spec"] or config["device"].type != "cpu":
            start(self, config, model)
            return
        self.config = config
        self.model = model  # SyncBatchNorm is for GPUs only
        self.distributed_model = trainer.DistributedDataParallel(model)

    trainer.AbstractTrainer.__init__ = __init__


def share_checkpoints(trainer: ModuleType) -> bool:
    """Let every rank of a distributed run use the one checkpoint that rank 0 writes."""
    import torch

    _patch_start(trainer)
    start, evaluate = trainer.Trainer.__init__, trainer.Trainer.evaluate

    @functools.wraps(start)
    def __init__(self: Any, config: Any, model: Any) -> None:
        start(self, config, model)
        if not config["single_spec"]:
            self.saved_model_file = _checkpoint_of_rank_0(self)

    @functools.wraps(evaluate)
    def evaluate_together(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.config["single_spec"]:
            torch.distributed.barrier()
        return evaluate(self, *args, **kwargs)

    trainer.Trainer.__init__ = __init__
    trainer.Trainer.evaluate = evaluate_together
    return True
