"""Multi-task training: the target and source data sets in one RecBole run.

Each source has a fusion model of its own, with its own IDs, biases and histories; towers, fusion weights, scorer (and
an encoder in training) are the target's. At each step of the target one source, in turn, adds its weighted gradient to
what is shared. Nothing of a source is in the checkpoint: the saved model is loaded without them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ktrec.errors import DataError
from recbole_ktrec.model import likeness
from recbole_ktrec.model.interactions import binary_interactions
from recbole_ktrec.model.source_data import copy_told, load_source
from recbole_ktrec.model.text_side import text_side
from recbole_ktrec.nn.conflict import without_conflict
from recbole_ktrec.nn.fusion_model import FusionModel
from recbole_ktrec.nn.history import Histories
from recbole_ktrec.nn.optimizers import SparseAndDense, sparse_parameters, without
from recbole_ktrec.text.randomness import seeded

#: What of a fusion model means the same in every domain.
SHARED = ("item_fusion", "history_fusion", "item_tower", "history_tower", "scorer")
_logger = logging.getLogger(__name__)


class SourceDomain(nn.Module):
    """One source data set with a fusion model that shares its towers with the target's.

    Args:
        name: of the data set.
        model: the target's KTRec.
        config, dataset: RecBole's, of the source.

    Raises:
        DataError: nobody took two items, so that none can be predicted from another.
    """

    def __init__(self, name: str, model: Any, config: Any, dataset: Any) -> None:
        super().__init__()
        self.name, self.objective = name, model.objective
        interactions = binary_interactions(dataset)
        self.histories = Histories(interactions)
        self.candidates = torch.from_numpy(np.flatnonzero(np.asarray(interactions.sum(axis=0)).ravel()))
        self.users = torch.from_numpy(np.flatnonzero(np.diff(interactions.indptr) >= 2))
        if not len(self.users):
            raise DataError(f"source_datasets: in [{dataset.dataset_path}] no user took two items.")
        encoder = None if model.live is None else model.live.encoder
        # Towers mean the same in every domain, so texts must lie in one space: that of the target.
        text = text_side(config, dataset, interactions, model.device, encoder, model.text_directions)
        self.live, self.text_hashes = text.live, text.hashes
        options = replace(model.net.options, attention=None)
        self.net = FusionModel(text.stored, interactions.shape[0], options, live=text.live_rows)
        for part in SHARED:
            setattr(self.net, part, getattr(model.net, part))

    def loss(self, count: int, device: torch.device) -> Tensor:
        """Return the loss of ``count`` random users: a scalar."""
        users = self.users[torch.randperm(len(self.users))[:count]].to(device)
        return self.objective(self.net, self.histories, self.candidates, users)


class JointTraining:
    """The sources of a run, and what they add to a step of the target.

    Args:
        model: the target's KTRec.
        config: RecBole's, of the target; its ``train_batch_size`` is also the number of a source's users in a step.
        learning_rate, weight_decay: for what is a source's own.
        dataset: RecBole's, of the target: a source that looks like a copy of it is warned of.

    Raises:
        DataError: a source is not there, or has nothing to learn from; the message names the folder.
    """

    def __init__(self, model: Any, config: Any, learning_rate: float, weight_decay: float, dataset: Any = None) -> None:
        self.settings, self.device = model.multi_task, model.device
        self.batch_size, self.seed = int(config["train_batch_size"]), int(config["seed"])
        self.model, self.steps = model, 0
        with seeded(self.seed, self.device):
            self.sources = [self._source(name, config, dataset) for name in self.settings.names]
        self.shared = shared_parameters(model)
        self.own = [without(source.parameters(), self.shared) for source in self.sources]
        self.optimizers = [
            _optimizer(source, own, learning_rate, weight_decay)
            for source, own in zip(self.sources, self.own, strict=True)
        ]
        self.losses: dict[str, list[float]] = {source.name: [] for source in self.sources}
        self.conflicts = 0

    def _source(self, name: str, config: Any, target: Any) -> SourceDomain:
        own, dataset = load_source(name, self.settings.data_path, config)
        source = SourceDomain(name, self.model, own, dataset)
        if target is not None:
            taken = likeness.of_dataset(dataset), source.text_hashes
            if told := copy_told(name, taken, (likeness.of_dataset(target), self.model.text_hashes)):
                _logger.warning(told)
        return source.to(self.device)

    def add_gradients(self) -> None:
        """Add the gradient of the next source to that of the target, and step what is the source's own."""
        turn = self.steps % len(self.sources)
        source, own = self.sources[turn], self.own[turn]
        source.train()
        self.steps += 1
        with seeded(self.seed + self.steps, self.device):  # the target draws what it would without sources
            loss = source.loss(self.batch_size, self.device)
        gradients = torch.autograd.grad(loss, [*self.shared, *own], allow_unused=True)
        self._add_shared(gradients[: len(self.shared)])
        for parameter, gradient in zip(own, gradients[len(self.shared) :], strict=True):
            parameter.grad = gradient
        self.optimizers[turn].step()
        self.losses[source.name].append(loss.item())

    def _add_shared(self, gradients: tuple[Tensor | None, ...]) -> None:
        pairs = zip(self.shared, gradients, strict=True)
        found = [(parameter, gradient) for parameter, gradient in pairs if gradient is not None]
        added = [gradient for _, gradient in found]
        target = [torch.zeros_like(p) if p.grad is None else p.grad for p, _ in found]
        if self.settings.pcgrad and found:
            added, conflict = without_conflict(added, target)
            self.conflicts += conflict
        if self.settings.weight:
            for (parameter, _), plain, gradient in zip(found, target, added, strict=True):
                parameter.grad = plain + self.settings.weight * gradient

    def summary(self) -> str:
        """Return a line for the log."""
        parts = [
            f"{name} {np.mean(losses[: _ends(losses)]):.4f} -> {np.mean(losses[-_ends(losses) :]):.4f}"
            for name, losses in self.losses.items()
            if losses
        ]
        share = f", conflict with the target in {self.conflicts / max(self.steps, 1):.0%}"
        return (
            f"Multi-task: {self.steps} steps on sources{share if self.settings.pcgrad else ''}; "
            f"mean loss of their first and last tenth: {', '.join(parts)}"
        )


def _ends(losses: list[float]) -> int:
    return max(1, len(losses) // 10)


def _optimizer(source: SourceDomain, own: list[nn.Parameter], lr: float, weight_decay: float) -> SparseAndDense:
    sparse = sparse_parameters(source)
    return SparseAndDense(sparse, without(own, sparse), lr, weight_decay)


def shared_parameters(model: Any) -> list[nn.Parameter]:
    """Return the trained parameters of ``model`` that sources train too, each once."""
    modules = [getattr(model.net, part) for part in SHARED]
    if model.live is not None:
        modules.append(model.live.encoder)
    found = {id(p): p for module in modules for p in module.parameters() if p.requires_grad}
    return list(found.values())


class _JointOptimizer:
    """The target's optimiser, whose step first takes in the gradient of a source."""

    def __init__(self, optimizer: Any, joint: JointTraining) -> None:
        self._optimizer, self._joint = optimizer, joint

    def step(self, closure: Any = None) -> None:
        self._joint.add_gradients()
        self._optimizer.step()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)


@contextlib.contextmanager
def joint_training(trainer: Any, dataset: Any = None) -> Iterator[None]:
    """Let ``trainer`` train the sources of its model along while the block runs; without sources, do nothing.

    Args:
        dataset: of the training part, see :class:`JointTraining`.
    """
    if not trainer.model.multi_task.names:
        yield
        return
    joint = JointTraining(trainer.model, trainer.config, trainer.learning_rate, trainer.weight_decay, dataset)
    plain, trainer.optimizer = trainer.optimizer, _JointOptimizer(trainer.optimizer, joint)
    try:
        yield
    finally:
        trainer.optimizer = plain
    trainer.logger.info(joint.summary())
