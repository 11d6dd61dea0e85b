"""Trainer of KTRec: RecBole's own, with an optimiser for sparse and one for dense gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.data.dataloader import FullSortEvalDataLoader
from recbole.trainer import Trainer
from recbole.utils import EvaluatorType

from recbole_ktrec.errors import number
from recbole_ktrec.files import replacing
from recbole_ktrec.model.held_out import HeldOut, check_valid_metric, held_out
from recbole_ktrec.model.ktease_trainer import without_reg_weight
from recbole_ktrec.model.ktrec_prepare import leave_closed_out, solve_closed, take_transfer
from recbole_ktrec.model.ktrec_settle import calibrate, settle, weigh
from recbole_ktrec.model.multi_task import joint_training
from recbole_ktrec.nn.optimizers import SparseAndDense, sparse_parameters, without
from recbole_ktrec.nn.progress import progress_shown


def some_users(valid_data: Any, count: int | None, seed: int) -> Any:
    """Return validation data of ``count`` users (the same for the same seed), or all if there are no more.

    An epoch costs what the training holds, an evaluation users times items: in full it would take most of the time.

    Raises:
        ConfigError: ``count`` is no whole number of at least 1.
    """
    count = None if count is None else number("valid_users", count, least=1, whole=True)
    if count is None or not isinstance(valid_data, FullSortEvalDataLoader) or len(valid_data.uid_list) <= count:
        return valid_data
    chosen = np.random.default_rng(seed).permutation(valid_data.uid_list.numpy())[:count]
    dataset = valid_data._dataset
    kept = np.isin(dataset.inter_feat[dataset.uid_field].numpy(), chosen)
    part = dataset.copy(dataset.inter_feat[torch.from_numpy(kept)])
    return FullSortEvalDataLoader(valid_data.config, part, valid_data._sampler, shuffle=False)


class KTRecTrainer(Trainer):
    """As RecBole's trainer; ``learner: adam`` means Adam for dense and SparseAdam for sparse gradients."""

    _found: HeldOut | None = None

    def fit(self, train_data: Any, valid_data: Any = None, verbose: bool = True, saved: bool = True,
            show_progress: bool = False, callback_fn: Any = None) -> tuple[float, Any]:  # fmt: skip
        """Train as RecBole does, then settle on the best state what needs held-out data: blend and calibration."""
        check_valid_metric(self.config, valid_data)
        found = held_out(valid_data, int(self.config["seed"]), self.model.taken)
        if found is None and self.config["closed_form"] and not self.model.zero_shot:
            self.logger.warning("No validation data to weigh the closed form by: it is left out (closed_form: False).")
            leave_closed_out(self.model)
        with progress_shown(show_progress):
            take_transfer(self.model, found)
        if self.model.zero_shot:
            self.epochs = 0
        some = some_users(valid_data, self.config["valid_users"], int(self.config["seed"]))
        # Joint first: a source that cannot be read is told before the closed form takes its time.
        with joint_training(self, train_data.dataset), progress_shown(show_progress):
            if found is not None and not self.model.zero_shot:
                solve_closed(self.model, found)
                self._found = found
            with self.model.remembering():
                outcome = super().fit(train_data, some, verbose, saved, show_progress, callback_fn)
        if found is None:
            return outcome
        if self.model.zero_shot:
            return self._valid_epoch(valid_data, show_progress=show_progress)
        checkpoint = self._best_state() if saved else None
        self.model.eval()
        message = settle(self.model, found)
        if verbose:
            self.logger.info(message)
        if checkpoint is not None:
            self._store(checkpoint)
        self._found = None  # the weights stay as they are from here on
        # The trainer keeps its own best value, by which a further fit is judged: that of the users who judge epochs.
        return self._valid_epoch(valid_data, show_progress=show_progress) if some is not valid_data else outcome

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, Any]:
        """Validate as RecBole does, with the weights of both parts and the calibration that are best for this epoch."""
        if self._found is not None:
            self.model.eval()
            scores = weigh(self.model, self._found)
            if self.eval_type is EvaluatorType.VALUE:  # of probabilities, as those of the trained model will be
                calibrate(self.model, self._found, scores)
        found: tuple[float, Any] = super()._valid_epoch(valid_data, show_progress=show_progress)
        return found

    def _best_state(self) -> dict[str, Any]:
        """Load the best checkpoint into the model and return it."""
        if not self.config["single_spec"]:
            torch.distributed.barrier()
        checkpoint = torch.load(self.saved_model_file, map_location=self.device, weights_only=False)
        self.model.load_state_dict(checkpoint["state_dict"])
        self.model.load_other_parameter(checkpoint.get("other_parameter"))
        return checkpoint

    def _store(self, checkpoint: dict[str, Any]) -> None:
        """Write the checkpoint again with what was settled: beside it first, so that a killed run keeps the old one."""
        if not self.config["single_spec"] and self.config["local_rank"] != 0:
            return
        checkpoint["state_dict"] = self.model.state_dict()
        checkpoint["other_parameter"] = self.model.other_parameter()
        with replacing(Path(self.saved_model_file)) as partial:
            torch.save(checkpoint, partial, pickle_protocol=4)

    def _build_optimizer(self, **kwargs: Any) -> Any:
        sparse = sparse_parameters(self.model)
        if kwargs or not sparse or self.learner.lower() != "adam":
            with without_reg_weight(self.config):
                return super()._build_optimizer(**kwargs)
        dense = without(self.model.parameters(), sparse)
        return SparseAndDense(sparse, dense, self.learning_rate, self.weight_decay)
