"""Everything that is measured on one trained model: RecBole's metrics, groups, lists, right answers, per user."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recbole_ktrec.atomic import encoding_of
from recbole_ktrec.errors import ConfigError, KTRecError
from recbole_ktrec.evaluation import lists
from recbole_ktrec.evaluation.answers import Calibration, mean_by_user, right_answers
from recbole_ktrec.evaluation.asked import Asked, Questions, of_parts, read_interactions
from recbole_ktrec.evaluation.collected import content_items, text_vectors
from recbole_ktrec.evaluation.foldin import UNABLE, fold_in, interactions_of, with_interactions
from recbole_ktrec.evaluation.groups import item_groups, user_groups
from recbole_ktrec.evaluation.harness import is_sequential, item_tokens, mask_known, pair_tokens, user_tokens
from recbole_ktrec.evaluation.recorder import PairScores, Recorder, group_result, means, named
from recbole_ktrec.evaluation.splits import HISTORY, PARTS, TEST, VALID
from recbole_ktrec.evaluation.taken import taken_in
from recbole_ktrec.evaluation.training import Trained, train_counts

#: Groups that are also ranked among their own items only.
INSIDE = ("warm", "cold", "head", "middle", "tail")
#: The group of a test whose histories hold the validation interactions.
VALIDATION_KNOWN = "validation known"
_PREDICT_CHUNK = 4096
_logger = logging.getLogger(__name__)


class Measurement:
    """Measures one trained model.

    Args:
        trained: the model and RecBole's objects around it.
        seed: seed of the drawn negatives.
        rating_threshold: a rating from here on is a yes; None: the median of the training ratings.
        with_text: measure text diversity where the data set has item text.
        texts: the ``text_*`` keys to do so with; None: those of the model's configuration.
    """

    def __init__(
        self, trained: Trained, seed: int, rating_threshold: float | None = None, with_text: bool = True,
        texts: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.trained, self.config = trained, trained.config
        self.rating_threshold, self.with_text, self.texts = rating_threshold, with_text, texts
        part = trained.part
        self.users, self.items = user_tokens(part), item_tokens(part)
        self.user_counts, self.item_counts = train_counts(trained)
        self.known_counts = self.user_counts
        written = bool(self.config["benchmark_filename"])
        self.interactions = read_interactions(
            Path(self.config["data_path"]), self.config["dataset"], (part.uid_field, part.iid_field),
            self.config["RATING_FIELD"], encoding_of(self.config), written,
        )  # fmt: skip
        if not written:  # else filtered as they were written
            taken = sum(taken_in(loader._dataset, self.config) for loader in trained.loaders)
            self.interactions = of_parts(self.interactions, self.users, self.items, taken)
        self.questions = Questions(self.interactions, self.users, self.items, seed)
        self.groups = item_groups(self.item_counts, np.concatenate([[""], self.items]))

    def run(
        self, history: Mapping[str, np.ndarray] | None = None, successive: bool = False
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Evaluate on test and valid; return the result and the per-user arrays.

        Args:
            history: interactions that are given at test time only, see
                :func:`recbole_ktrec.evaluation.foldin.interactions_of`.
            successive: validation interactions come between those of training and test, so measure, too, what is
                found when they are known.
        """
        result: dict[str, Any] = {}
        if history is None:
            test, asked = self._evaluate(TEST, load=True, result=result)
            valid, valid_asked = self._evaluate(VALID, load=False)
        else:
            valid, valid_asked = self._evaluate(VALID, load=True)
            result["fold_in"] = self._give_history(history)
            test, asked = self._evaluate(TEST, load=False, result=result)
        arrays = self._groups(test, result)
        result |= self._lists(test)
        arrays |= self._answers(result, valid, valid_asked, test, asked)
        if successive:
            result["groups"] |= self._validation_known(result["groups"]["all"])
        return result, arrays

    def _validation_known(self, before: dict[str, Any]) -> dict[str, Any]:
        """Return the test metrics with the validation interactions in the histories: a group, none if unable.

        Sequential models of RecBole read them anyway, so theirs are those of ``before``.
        """
        train, valid, test = self.trained.loaders
        if not hasattr(test, "uid2history_item"):
            return {VALIDATION_KNOWN: before}
        dataset = train._dataset
        later = {name: valid._dataset.inter_feat[name] for name in dataset.inter_feat.columns}
        if fold_in(self.trained.model, with_interactions(dataset, later)) == UNABLE:
            return {}
        recorder, trainer = Recorder(max(self.config["topk"]), {}), self.trained.trainer
        with recorder.attached(trainer.eval_collector, dataset.uid_field):  # RecBole's values are rounded
            trainer.evaluate(test, load_best_model=False, show_progress=False)
        metrics = means(dict(recorder.values(self.config))["all"])
        return {VALIDATION_KNOWN: {"rows": before["rows"], "metrics": metrics}}

    def _evaluate(self, part: int, load: bool, result: dict[str, Any] | None = None) -> tuple[Recorder, Asked]:
        loader = self.trained.loaders[part]
        asked = self.questions.ask(*pair_tokens(loader._dataset), part)
        recorder = Recorder(
            max(self.config["topk"]), self.groups if part == TEST else {}, INSIDE if part == TEST else (),
            PairScores(asked.users, asked.items),
        )  # fmt: skip
        with recorder.attached(self.trained.trainer.eval_collector, loader._dataset.uid_field):
            values = self.trained.trainer.evaluate(loader, load_best_model=load, show_progress=False)
        if result is not None:
            result["test"] = {name: float(value) for name, value in values.items()}
        return recorder, asked

    def _give_history(self, history: Mapping[str, np.ndarray]) -> str:
        loader, train = self.trained.loaders[TEST], self.trained.part
        if not hasattr(loader, "uid2history_item"):
            raise ConfigError(f"[{self.config['model']}] is a sequential model: it has no cold_user split.")
        user, item = history[train.uid_field], history[train.iid_field]
        mask_known(loader, user, item)
        self.known_counts = self.user_counts + np.bincount(user, minlength=len(self.user_counts))
        return fold_in(self.trained.model, with_interactions(train, history))

    def _groups(self, recorder: Recorder, result: dict[str, Any]) -> dict[str, np.ndarray]:
        users = np.concatenate(recorder.users)
        arrays: dict[str, np.ndarray] = {"users": self.users[users - 1]}
        result["groups"] = {}
        for name, values in recorder.values(self.config):
            result["groups"][name] = group_result(values)
            arrays |= named(name, values)
            if name == "all":
                self._check_agreement(result)
                for group, mask in user_groups(self.user_counts[users], self.known_counts[users]).items():
                    part = {metric: np.where(mask, value, np.nan) for metric, value in values.items()}
                    result["groups"][group] = {"rows": int(mask.sum()), "metrics": means(part)}
                    if group.endswith("users"):
                        arrays |= named(group, part)
        return arrays

    def _check_agreement(self, result: dict[str, Any]) -> None:
        """The recorded values must be those that RecBole's evaluator computed, to its last decimal place."""
        tolerance = 10.0 ** -self.config["metric_decimal_place"]
        for name, value in result["groups"]["all"]["metrics"].items():
            if name in result["test"] and abs(result["test"][name] - value) > tolerance:
                raise KTRecError(
                    f"Recorded [{name}] = {value}, RecBole says {result['test'][name]}: report this as a bug."
                )

    def _lists(self, recorder: Recorder) -> dict[str, Any]:
        top, n_items = torch.cat(recorder.items).numpy(), len(self.items)
        found: dict[str, float | None] = {}
        vectors, trained = self._vectors(), taken_in(self.trained.part, self.config)
        takers = np.bincount(trained.nonzero()[1], minlength=n_items + 1)  # in training, whoever took it again is one
        for k in self.config["topk"]:
            found[f"catalogue_coverage@{k}"] = lists.catalogue_coverage(top[:, :k], n_items)
            n_users = int((self.user_counts > 0).sum())
            found[f"novelty@{k}"] = float(lists.novelty(top[:, :k], takers, n_users).mean())
            diversity = np.nan if vectors is None else lists.mean_text_diversity(top[:, :k], vectors)
            found[f"text_diversity@{k}"] = None if np.isnan(diversity) else diversity
        assert recorder.range is not None
        low, high = recorder.range.numpy()
        informed = (self.item_counts > 0) | content_items(self.trained.model, n_items + 1)
        found["score_coverage"] = lists.score_coverage(low[1:], high[1:], informed[1:])
        return {"lists": found}

    def _vectors(self) -> np.ndarray | None:
        path = Path(self.config["data_path"]) / f"{self.config['dataset']}.item"
        if not self.with_text or not path.is_file():
            return None
        try:
            return text_vectors(self.config, self.trained.part, self.texts)
        except KTRecError as error:
            _logger.warning("No text diversity: %s", error)
            return None

    def _answers(
        self, result: dict[str, Any], valid: Recorder, valid_asked: Asked, test: Recorder, asked: Asked
    ) -> dict[str, np.ndarray]:
        assert valid.pairs is not None and test.pairs is not None
        before, after = valid.pairs.scores, test.pairs.scores
        right = right_answers(Calibration(before, valid_asked.labels).probability(after), asked.labels)
        accuracy: dict[str, Any] = {"calibrated": float(right.mean()), "pairs": len(right)}
        raw = self._predicted(asked)
        accuracy["raw"] = None if raw is None else float(right_answers(raw, asked.labels).mean())
        accuracy["ratings"] = self._rating_accuracy(before, valid_asked, after, asked)
        result["accuracy"] = accuracy
        users = np.unique(asked.users)
        place = np.searchsorted(users, asked.users)
        by_user = mean_by_user(place, right, len(users)).astype(np.float32)
        pairs = np.bincount(place, minlength=len(users)).astype(np.int32)
        return {"answer_users": self.users[users - 1], "answers/accuracy": by_user, "answers/pairs": pairs}

    def _predicted(self, asked: Asked) -> np.ndarray | None:
        """The model's own R(u, i), or None where it is no number in [0, 1]."""
        from recbole.data.interaction import Interaction

        part, values = self.trained.part, []
        if is_sequential(self.config):
            return None
        self.trained.model.eval()
        order = np.argsort(asked.users, kind="stable")  # a model that computes whole rows computes each once
        with torch.no_grad():
            for start in range(0, len(order), _PREDICT_CHUNK):
                chunk = order[start : start + _PREDICT_CHUNK]
                pairs = {part.uid_field: asked.users[chunk], part.iid_field: asked.items[chunk]}
                batch = part.join(Interaction({name: torch.as_tensor(ids) for name, ids in pairs.items()}))
                values.append(self.trained.model.predict(batch.to(self.config["device"])).double().cpu().numpy())
        scores = np.empty(len(order))
        scores[order] = np.concatenate(values)
        return scores if scores.min() >= 0 and scores.max() <= 1 else None

    def _rating_accuracy(
        self, before: np.ndarray, valid: Asked, after: np.ndarray, test: Asked
    ) -> dict[str, Any] | None:
        """Right answers over the rated test interactions: is the rating at least the threshold?"""
        fit, score = ~np.isnan(valid.ratings), ~np.isnan(test.ratings)
        threshold = self.rating_threshold
        if threshold is None:
            threshold = self.questions.median_rating(valid, test)
        labels = (valid.ratings[fit] >= threshold).astype(float)
        if len(np.unique(labels)) < 2 or not score.any():
            return None
        probability = Calibration(before[fit], labels).probability(after[score])
        truth = (test.ratings[score] >= threshold).astype(float)
        right = right_answers(probability, truth)
        majority = float(max(truth.mean(), 1 - truth.mean()))
        return {"threshold": threshold, "accuracy": float(right.mean()), "majority": majority, "pairs": len(right)}


def read_history(folder: Path, train: Any) -> dict[str, np.ndarray] | None:
    """The ``history`` part of a written split, or None where it has none.

    Args:
        train: RecBole's training part.
    """
    path = folder / f"{train.dataset_name}.{PARTS[HISTORY]}.inter"
    return interactions_of(path, train) if path.is_file() else None
