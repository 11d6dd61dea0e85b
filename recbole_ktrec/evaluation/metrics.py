"""Metrics for RecBole's ``metrics`` setting: Accuracy, CatalogueCoverage, ScoreCoverage, Novelty, TextDiversity.

RecBole's collector gathers what a metric names in ``metric_need``; for the needs that it does not know, this module
teaches it, and only where such a metric is asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from recbole.evaluator.base_metric import AbstractMetric, LossMetric
from recbole.evaluator.collector import Collector
from recbole.utils import EvaluatorType

from recbole_ktrec.evaluation.collected import content_items, item_users, text_vectors
from recbole_ktrec.evaluation.harness import pair_ids
from recbole_ktrec.evaluation.lists import catalogue_coverage, mean_text_diversity, novelty, score_coverage
from recbole_ktrec.evaluation.recorder import score_range
from recbole_ktrec.register.metrics import add_metrics


def _of_all_processes(own: torch.Tensor) -> list[torch.Tensor]:
    """Return what each process of ``nproc`` has collected, the same everywhere; ``own`` alone with one."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return [own]
    found: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(found, own)
    return found


class Accuracy(LossMetric):
    r"""Share of right answers at R >= .5.

    .. math:: \mathrm{Accuracy} = \frac{1}{N} \sum_{(u, i)} [(\hat{r}_{ui} \ge .5) = r_{ui}]

    Over held-out positives and as many sampled negatives with ``mode: uni1``, over thresholded ratings with
    ``mode: labeled`` and ``threshold``. It takes the model's ``predict`` for a probability.
    """

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """Return ``{"accuracy": share}``."""
        return self.output_metric("accuracy", dataobject)

    def metric_info(self, preds: np.ndarray, trues: np.ndarray) -> float:
        """``preds`` (n,) in [0, 1], ``trues`` (n,) 0 or 1."""
        return float(((preds >= 0.5) == (trues > 0)).mean())


class _ListMetric(AbstractMetric):
    """A metric over the recommended items, for each k of ``topk``."""

    metric_type = EvaluatorType.RANKING
    metric_need: list[str] = ["rec.lists"]

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.topk = config["topk"]

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """Return ``{"<metric>@<k>": value}``."""
        items = self.lists(dataobject.get("rec.lists")).numpy()
        name = type(self).__name__.lower()
        return {f"{name}@{k}": round(self.value(items[:, :k], dataobject), self.decimal_place) for k in self.topk}

    def lists(self, items: torch.Tensor) -> torch.Tensor:
        """Return the lists to measure (n_lists, k_max), -1 in empty places; each process has its own users'."""
        return items

    def value(self, items: np.ndarray, dataobject: Any) -> float:
        """Return the metric of ``items`` (n_lists, k)."""
        raise NotImplementedError


class CatalogueCoverage(_ListMetric):
    r"""Share of the catalogue that appears in any list.

    .. math:: \mathrm{CatalogueCoverage@K} = \frac{|\bigcup_u \hat{R}_K(u)|}{|I|}

    RecBole's ItemCoverage divides by one item more, the padding.
    """

    metric_need = ["rec.lists", "data.num_items"]

    def lists(self, items: torch.Tensor) -> torch.Tensor:
        """RecBole takes the mean of the processes' values, and a union has none: each one counts all lists."""
        return torch.cat(_of_all_processes(items))

    def value(self, items: np.ndarray, dataobject: Any) -> float:
        """See :func:`recbole_ktrec.evaluation.lists.catalogue_coverage`."""
        return catalogue_coverage(items, dataobject.get("data.num_items") - 1)


class Novelty(_ListMetric):
    r"""Mean self-information of the recommended items in bits.

    .. math:: \mathrm{Novelty@K} = -\frac{1}{|U| K} \sum_u \sum_{i \in \hat{R}_K(u)} \log_2 p(i)
    """

    metric_need = ["rec.lists", "data.item_users", "data.count_users"]

    def value(self, items: np.ndarray, dataobject: Any) -> float:
        """See :func:`recbole_ktrec.evaluation.lists.novelty`."""
        return float(novelty(items, dataobject.get("data.item_users"), len(dataobject.get("data.count_users"))).mean())


class TextDiversity(_ListMetric):
    r"""One minus the mean cosine between the texts of a list's items.

    .. math:: \mathrm{TextDiversity@K} = \frac{1}{|U|} \sum_u (1 - \frac{2}{K(K-1)} \sum_{i<j} \cos(t_i, t_j))

    The vectors come from the ``.item`` file through the ``text_*`` settings. A list needs two items or more.
    """

    metric_need = ["rec.lists", "data.text_vectors"]

    def value(self, items: np.ndarray, dataobject: Any) -> float:
        """See :func:`recbole_ktrec.evaluation.lists.text_diversity`."""
        return mean_text_diversity(items, dataobject.get("data.text_vectors"))


class ScoreCoverage(AbstractMetric):
    r"""Share of the catalogue for which the model can give a personal score at all.

    .. math::
       \mathrm{ScoreCoverage} =
       \frac{|\{i \in I_\mathrm{informed} : \exists u, v: \hat{r}_{ui} \ne \hat{r}_{vi}\}|}{|I|}

    Informed are the items with training interactions, and those whose content the model reads (its method
    ``content_items``, a mask over items).
    """

    metric_type = EvaluatorType.RANKING
    metric_need = ["rec.score_range", "rec.informed"]

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """Return ``{"scorecoverage": share}``."""
        ranges = torch.stack(_of_all_processes(dataobject.get("rec.score_range")))
        low, high = ranges[:, 0].amin(dim=0).numpy(), ranges[:, 1].amax(dim=0).numpy()
        informed = dataobject.get("rec.informed")
        return {"scorecoverage": round(score_coverage(low[1:], high[1:], informed[1:]), self.decimal_place)}


def _after(name: str, step: Callable[..., None]) -> None:
    """Let ``step`` run after the collector's method ``name``, with the same arguments."""
    original = getattr(Collector, name)

    @functools.wraps(original)
    def both(self: Any, *args: Any) -> Any:
        returned = original(self, *args)
        step(self, *args)
        return returned

    setattr(Collector, name, both)


def _collect_data(self: Any, train_data: Any) -> None:
    if self.register.need("data.text_vectors"):
        self.data_struct.set("data.text_vectors", text_vectors(self.config, train_data._dataset))
    if self.register.need("data.item_users"):
        part = train_data._dataset
        self.data_struct.set("data.item_users", item_users(*pair_ids(part), part.item_num))
    if self.register.need("rec.informed"):
        part = train_data._dataset
        self.trained_items = np.bincount(pair_ids(part)[1], minlength=part.item_num) > 0


def _collect_lists(self: Any, scores: torch.Tensor, *_: Any) -> None:
    """Collect what RecBole's ``rec.items`` would be, without the items that fill up a list shorter than k."""
    if self.register.need("rec.lists"):
        best = torch.topk(scores, max(self.topk), dim=-1)
        self.data_struct.update_tensor("rec.lists", best.indices.masked_fill(best.values == -torch.inf, -1))


def _collect_range(self: Any, scores: torch.Tensor, *_: Any) -> None:
    if self.register.need("rec.score_range"):
        before = self.data_struct["rec.score_range"] if "rec.score_range" in self.data_struct else None
        self.data_struct.set("rec.score_range", score_range(scores, before))


def _collect_informed(self: Any, model: Any) -> None:
    if self.register.need("rec.informed"):
        self.data_struct.set("rec.informed", self.trained_items | content_items(model, len(self.trained_items)))


def _forget(self: Any) -> None:
    for key in ("rec.score_range", "rec.lists"):
        if key in self.data_struct:
            del self.data_struct[key]


_after("data_collect", _collect_data)
_after("eval_batch_collect", _collect_lists)
_after("eval_batch_collect", _collect_range)
_after("model_collect", _collect_informed)
_after("get_data_struct", _forget)


add_metrics()
