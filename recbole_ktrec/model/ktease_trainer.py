"""Trainer of KTEASE: RecBole's own for models without epochs, with a fit before it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from recbole.trainer import TraditionalTrainer

from recbole_ktrec.model.held_out import check_valid_metric, held_out
from recbole_ktrec.nn.progress import progress_shown


@contextlib.contextmanager
def without_reg_weight(config: Any) -> Iterator[None]:
    """Hide ``reg_weight`` (of the closed form, perhaps ``auto``) from RecBole's trainer, which multiplies it by
    ``weight_decay`` to warn of a double regularisation."""
    kept, config["reg_weight"] = config["reg_weight"], None
    try:
        yield
    finally:
        config["reg_weight"] = kept


class KTEASETrainer(TraditionalTrainer):
    """Fit once; numbers that are left to the data are chosen on the validation interactions."""

    def fit(self, train_data: Any, valid_data: Any = None, verbose: bool = True, saved: bool = True,
            show_progress: bool = False, callback_fn: Any = None) -> tuple[float, Any]:  # fmt: skip
        """Fit the model, then evaluate and save as RecBole does."""
        self._warn_of_what_is_not_trained()
        check_valid_metric(self.config, valid_data)
        found = held_out(valid_data, int(self.config["seed"]), self.model.taken)
        with progress_shown(show_progress):
            self.model.fit(found)
        return super().fit(train_data, valid_data, verbose, saved, show_progress, callback_fn)

    def _warn_of_what_is_not_trained(self) -> None:
        if self.config["source_datasets"]:
            self.logger.warning("source_datasets is read by KTRec alone: KTEASE is fitted to this data set.")
        if (training := self.config["text_encoder_training"]) not in (None, "frozen"):
            self.logger.warning(
                f"text_encoder_training [{training}] is read by KTRec and ktrec pretrain alone: KTEASE takes the "
                "encoder as it is."
            )

    def _build_optimizer(self, **kwargs: Any) -> Any:
        with without_reg_weight(self.config):
            return super()._build_optimizer(**kwargs)

    def _train_epoch(self, train_data: Any, epoch_idx: int, loss_func: Any = None,
                     show_progress: bool = False) -> float:  # fmt: skip
        """Return a loss of 0: the model is fitted already."""
        return 0.0
