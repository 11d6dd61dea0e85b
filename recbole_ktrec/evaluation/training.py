"""Train one model as ``run_recbole`` does, with a watch on it, and check that it sees the same data as the others."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation import at_work
from recbole_ktrec.evaluation.harness import is_sequential, item_tokens, pair_ids, pair_tokens
from recbole_ktrec.evaluation.recorder import Recorder
from recbole_ktrec.evaluation.splits import PARTS, fingerprint, pair_fingerprint
from recbole_ktrec.evaluation.taken import mask_taken

#: RecBole gives each step of a history a row with what came before: the first one has none.
_NEEDS_FOUR = (
    " The first interaction of a user is history only for a sequential model, so each user needs four interactions: "
    "'--user_inter_num_interval=[4,inf)' for all rows."
)


@dataclass
class Trained:
    """A trained model with RecBole's objects around it, and what its training took."""

    config: Any
    loaders: tuple[Any, Any, Any]
    model: Any
    trainer: Any
    best_valid_score: float
    best_valid_result: dict[str, float]
    timing: dict[str, float]
    best_epoch: int
    epochs: int
    parameters: int

    @property
    def part(self) -> Any:
        """RecBole's training part."""
        return self.loaders[0]._dataset

    def file(self, suffix: str) -> Path:
        """Return the path of one of the files of the data set that the model runs on."""
        return Path(self.config["data_path"]) / f"{self.config['dataset']}.{suffix}"

    def evaluate(self, part: int, load: bool, recorder: Recorder | None = None) -> dict[str, float]:
        """Let RecBole evaluate the model on a part, see ``PARTS``, and return its metrics.

        Args:
            load: whether to take the weights of the best epoch first.
            recorder: what looks on.
        """
        loader, trainer = self.loaders[part], self.trainer
        looks_on = recorder.attached(trainer.eval_collector, self.part.uid_field) if recorder else nullcontext()
        with looks_on:
            found = trainer.evaluate(loader, load_best_model=load, show_progress=False)
        return {name: float(value) for name, value in found.items()}


class _Watch:
    """Notes the time of each epoch and the epoch of the best validation score."""

    def __init__(self, trainer: Any) -> None:
        self.trainer, self.start = trainer, time.perf_counter()
        self.epochs, self.best_epoch, self.judged, self.best_at, self.training = 0, 0, -1, 0.0, 0.0
        for name in ("_train_epoch", "_valid_epoch"):
            if hasattr(trainer, name):
                setattr(trainer, name, self._timed(name, getattr(trainer, name)))

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights are kept: the best, or the last where nothing was validated (``eval_step: 0``)."""
        return self.epochs if self.judged < 0 else self.best_epoch

    def _timed(self, name: str, original: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            before = time.perf_counter()
            result = original(*args, **kwargs)
            if name == "_train_epoch":
                self.training += time.perf_counter() - before
                self.epochs += 1
            else:
                self._judge(result[0])
            return result

        return timed

    def _judge(self, score: float) -> None:
        step = getattr(self.trainer, "eval_step", 1)
        if self.judged == self.epochs or step <= 0 or self.epochs % step:  # KTRec's validates again after the last one
            return
        self.judged = self.epochs
        best, bigger = self.trainer.best_valid_score, self.trainer.valid_metric_bigger
        # RecBole's early_stopping keeps the later one of equals.
        if (score >= best) if bigger else (score <= best):
            self.best_epoch, self.best_at = self.epochs, time.perf_counter() - self.start


# Long because it is run_recbole's steps in their order, with the time taken between them.
def train(config: Any, fingerprints: Mapping[str, str]) -> Trained:
    """Follow the steps of ``run_recbole`` up to its evaluation on test.

    Args:
        config: RecBole's configuration.
        fingerprints: what the parts and the candidate items must be, see ``Prepared``.

    Raises:
        DataError: this model's data set differs from what the other models of the comparison get.
    """
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_logger, init_seed

    started = time.perf_counter()
    init_seed(config["seed"], config["reproducibility"])
    init_logger(config)
    getLogger().info(config)
    at_work.say("reading the data")
    loaders = data_preparation(config, create_dataset(config))
    check_same(config, loaders, fingerprints)
    mask_taken(config, loaders)
    loaded = time.perf_counter()
    at_work.say("building the model")
    init_seed(config["seed"] + config["local_rank"], config["reproducibility"])
    model = get_model(config["model"])(config, loaders[0]._dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    built = time.perf_counter()
    at_work.say("training")
    watch = _Watch(trainer)
    score, result = trainer.fit(loaders[0], loaders[1], saved=True, show_progress=False)
    fitted = time.perf_counter()
    timing = {
        "data_seconds": loaded - started,
        "build_seconds": built - loaded,
        "fit_seconds": fitted - built,
        "train_seconds": watch.training,
        # A closed-form model is trained while it is built, so time to the best model counts from there.
        "seconds_to_best": built - loaded + (watch.best_at or watch.training),
    }
    weights = sum(p.numel() for p in model.parameters())
    # RecBole gives None where nothing was validated.
    return Trained(
        config, loaders, model, trainer, float(score), dict(result or {}), timing,
        watch.kept_epoch, watch.epochs, int(weights),
    )  # fmt: skip


def check_same(config: Any, loaders: tuple[Any, Any, Any], fingerprints: Mapping[str, str]) -> None:
    """Refuse to compare a model that would rank other items, or learn from or be asked about other interactions."""
    train_part = loaders[0]._dataset
    if fingerprint(item_tokens(train_part)) != fingerprints["candidates"]:
        _refuse_damaged(config, fingerprints)
        raise DataError(
            f"[{config['model']}] would rank [{train_part.item_num - 1}] items that are not those of the other models: "
            "its settings load a file with further items, or drop some (load_col, additional_feat_suffix, filters)."
        )
    for code, loader in enumerate(loaders):
        name = PARTS[code]
        if name == "train" and is_sequential(config):
            continue  # its rows are a user's steps: the first of them is context only
        if pair_fingerprint(*pair_tokens(loader._dataset)) != fingerprints[name]:
            _refuse_damaged(config, fingerprints)
            why = _NEEDS_FOUR if is_sequential(config) else ""
            raise DataError(
                f"[{config['model']}] has another [{name}] part than the other models: check its settings.{why}"
            )


def _refuse_damaged(config: Any, fingerprints: Mapping[str, str]) -> None:
    """Raise DataError if a part of a written split is not what was written: no model's settings are at fault then."""
    folder, ids = Path(config["data_path"]), (config["USER_ID_FIELD"], config["ITEM_ID_FIELD"])
    for part in config["benchmark_filename"] or ():
        path = folder / f"{config['dataset']}.{part}.inter"
        try:
            rows = list(iter_atomic(path, ids))
            whole = pair_fingerprint([user for user, _ in rows], [item for _, item in rows]) == fingerprints[part]
        except DataError:  # a row is cut off, say
            whole = False
        if not whole:
            raise DataError(f"[{path}] is not as the split was written: remove the folder [{folder}] and start again.")


def train_counts(trained: Trained) -> tuple[np.ndarray, np.ndarray]:
    """Training interactions by user id and by item id, shapes (n_users,), (n_items,), the same for every model."""
    part = trained.part
    pairs = [pair_ids(part)]
    if is_sequential(trained.config):
        pairs.append(_first_of_histories(trained.loaders, trained.config["LIST_SUFFIX"]))
    users, items = (np.concatenate(ids) for ids in zip(*pairs, strict=True))
    return np.bincount(users, minlength=part.user_num), np.bincount(items, minlength=part.item_num)


def _first_of_histories(loaders: tuple[Any, Any, Any], suffix: str) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of the interactions that are context only: each stands before its user's first row of all parts.

    With MAX_ITEM_LIST_LENGTH 1 other histories are as long as that of the first row.
    """
    parts = [loader._dataset for loader in loaders]
    fields = parts[0].uid_field, parts[0].iid_field + suffix
    users, before = (np.concatenate([part.inter_feat[name].numpy() for part in parts]) for name in fields)
    found, first = np.unique(users, return_index=True)
    return found, before[first, 0]
