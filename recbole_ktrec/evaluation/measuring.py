"""Everything that is measured on one trained model: RecBole's metrics, groups, lists, right answers, per user."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from recbole_ktrec.atomic import encoding_of
from recbole_ktrec.errors import ConfigError, KTRecError
from recbole_ktrec.evaluation import lists
from recbole_ktrec.evaluation.answers import Calibration, right_answers
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


@dataclass(frozen=True)
class _Evaluated:
    """What the evaluation of a part says.

    Attributes:
        metrics: RecBole's.
        recorder: what looked on.
        asked: the pairs whose answers are judged.
        scores: of these pairs, shape (n,).
    """

    metrics: dict[str, float]
    recorder: Recorder
    asked: Asked
    scores: np.ndarray


def measure(trained: Trained, spec: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Evaluate the best epoch of ``trained`` on test and valid, see :func:`recbole_ktrec.evaluation.grid.make_job`.

    Returns:
        The result, and the per-user arrays.
    """
    return _Measurement(trained, spec).run()


class _Measurement:
    """Measures one trained model as the ``spec`` of its job says."""

    def __init__(self, trained: Trained, spec: Mapping[str, Any]) -> None:
        self.trained, self.config, self.spec = trained, trained.config, spec
        part = trained.part
        self.users, self.items = user_tokens(part), item_tokens(part)
        self.user_counts, self.item_counts = train_counts(trained)
        self.known_counts = self.user_counts
        self.questions = Questions(self._interactions(), self.users, self.items, spec["seed"])
        self.groups = item_groups(self.item_counts, np.concatenate([[""], self.items]))

    def _interactions(self) -> pd.DataFrame:
        """Return the interactions of all parts, with their ratings, which RecBole need not have loaded."""
        part, written = self.trained.part, bool(self.config["benchmark_filename"])
        if written:
            paths = [path for name in PARTS if (path := self.trained.file(f"{name}.inter")).is_file()]
        else:  # beside it there may be parts of somebody else's split, which are left aside
            paths = [self.trained.file("inter")]
        fields = part.uid_field, part.iid_field
        found = read_interactions(paths, fields, self.config["RATING_FIELD"], encoding_of(self.config))
        if written:  # filtered as they were written
            return found
        taken = sum(taken_in(loader._dataset, self.config) for loader in self.trained.loaders)
        return of_parts(found, self.users, self.items, taken)

    def run(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what :func:`measure` does."""
        result: dict[str, Any] = {}
        history = self.trained.file(f"{PARTS[HISTORY]}.inter")
        if history.is_file():  # given at test time only, so what is asked before is not to know it
            valid = self._evaluate(VALID, load=True)
            result["fold_in"] = self._give_history(interactions_of(history, self.trained.part))
            test = self._evaluate(TEST, load=False)
        else:
            test, valid = self._evaluate(TEST, load=True), self._evaluate(VALID, load=False)
        result["test"] = test.metrics
        result["groups"], arrays = self._groups(test)
        result["lists"] = self._lists(test.recorder)
        result["accuracy"], answers = self._answers(valid, test)
        if self.spec["prepared"]["spec"]["kind"] == "leave_one_out":  # validation comes between training and test
            result["groups"] |= self._validation_known(result["groups"]["all"])
        return result, arrays | answers

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
        recorder = Recorder(max(self.config["topk"]), {})
        self.trained.evaluate(TEST, load=False, recorder=recorder)  # what it returns is rounded
        metrics = means(dict(recorder.values(self.config))["all"])
        return {VALIDATION_KNOWN: {"rows": before["rows"], "metrics": metrics}}

    def _evaluate(self, part: int, load: bool) -> _Evaluated:
        asked = self.questions.ask(*pair_tokens(self.trained.loaders[part]._dataset), part)
        pairs, k = PairScores(asked.users, asked.items), max(self.config["topk"])
        groups, inside = (self.groups, INSIDE) if part == TEST else ({}, ())
        recorder = Recorder(k, groups, inside, pairs, equals=part == TEST)
        return _Evaluated(self.trained.evaluate(part, load, recorder), recorder, asked, pairs.scores)

    def _give_history(self, history: Mapping[str, np.ndarray]) -> str:
        loader, train = self.trained.loaders[TEST], self.trained.part
        if not hasattr(loader, "uid2history_item"):
            raise ConfigError(f"[{self.config['model']}] is a sequential model: it has no cold_user split.")
        user, item = history[train.uid_field], history[train.iid_field]
        mask_known(loader, user, item)
        self.known_counts = self.user_counts + np.bincount(user, minlength=len(self.user_counts))
        return fold_in(self.trained.model, with_interactions(train, history))

    def _groups(self, test: _Evaluated) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the ranking metrics by group of items and of users, and by user."""
        users = np.concatenate(test.recorder.users)
        arrays: dict[str, np.ndarray] = {"users": self.users[users - 1]}
        groups: dict[str, Any] = {}
        for name, values in test.recorder.values(self.config):
            groups[name] = group_result(values)
            arrays |= named(name, values)
            if name == "all":
                _check_agreement(groups[name]["metrics"], test.metrics, self.config["metric_decimal_place"])
                for group, mask in user_groups(self.user_counts[users], self.known_counts[users]).items():
                    part = {metric: np.where(mask, value, np.nan) for metric, value in values.items()}
                    groups[group] = {"rows": int(mask.sum()), "metrics": means(part)}
                    if group.endswith("users"):
                        arrays |= named(group, part)
        return groups, arrays

    def _lists(self, recorder: Recorder) -> dict[str, float | None]:
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
        return found

    def _vectors(self) -> np.ndarray | None:
        if not self.spec["text_diversity"] or not self.trained.file("item").is_file():
            return None
        try:
            return text_vectors(self.config, self.trained.part, self.spec.get("texts"))
        except KTRecError as error:
            _logger.warning("No text diversity: %s", error)
            return None

    def _answers(self, valid: _Evaluated, test: _Evaluated) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the share of right answers about the pairs of ``test``, calibrated on those of ``valid``; by user."""
        asked = test.asked
        right = right_answers(Calibration(valid.scores, valid.asked.labels).probability(test.scores), asked.labels)
        raw = self._predicted(asked)
        accuracy: dict[str, Any] = {"calibrated": float(right.mean()), "pairs": len(right)}
        accuracy["raw"] = None if raw is None else float(right_answers(raw, asked.labels).mean())
        accuracy["ratings"] = self._rating_accuracy(valid, test)
        users, place, pairs = np.unique(asked.users, return_inverse=True, return_counts=True)
        by_user = (np.bincount(place, weights=right) / pairs).astype(np.float32)
        found = {"answers/accuracy": by_user, "answers/pairs": pairs.astype(np.int32)}
        return accuracy, {"answer_users": self.users[users - 1], **found}

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

    def _rating_accuracy(self, valid: _Evaluated, test: _Evaluated) -> dict[str, Any] | None:
        """Right answers over the rated test interactions: is the rating at least the threshold?"""
        fit, score = ~np.isnan(valid.asked.ratings), ~np.isnan(test.asked.ratings)
        threshold = self.spec["rating_threshold"]
        if threshold is None:
            threshold = self.questions.median_rating(valid.asked, test.asked)
        labels = (valid.asked.ratings[fit] >= threshold).astype(float)
        if len(np.unique(labels)) < 2 or not score.any():
            return None
        probability = Calibration(valid.scores[fit], labels).probability(test.scores[score])
        truth = (test.asked.ratings[score] >= threshold).astype(float)
        right = right_answers(probability, truth)
        majority = float(max(truth.mean(), 1 - truth.mean()))
        return {"threshold": threshold, "accuracy": float(right.mean()), "majority": majority, "pairs": len(right)}


def _check_agreement(recorded: Mapping[str, float], recbole: Mapping[str, float], decimals: int) -> None:
    """The recorded values must be those that RecBole's evaluator computed, to its last decimal place."""
    for name, value in recorded.items():
        if name in recbole and abs(recbole[name] - value) > 10.0**-decimals:
            raise KTRecError(f"Recorded [{name}] = {value}, RecBole says {recbole[name]}: report this as a bug.")
