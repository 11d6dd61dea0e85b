"""Metrics by name: RecBole's four look-ups of metrics are shared, so they are extended in place."""

from __future__ import annotations

import importlib
from logging import getLogger
from types import ModuleType
from typing import Any

from recbole_ktrec.compat.hooks import after_import
from recbole_ktrec.errors import ConfigError

#: metric -> its module, imported right after ``recbole.evaluator``: it may import nothing else of RecBole at its top.
METRICS: dict[str, str] = {
    name: "recbole_ktrec.evaluation.metrics"
    for name in ("Accuracy", "CatalogueCoverage", "Novelty", "ScoreCoverage", "TextDiversity")
}


def register_metric(metric: type[Any]) -> type[Any]:
    """Make ``metrics: [<class name>]`` find ``metric``; usable as a class decorator.

    Args:
        metric: a subclass of ``recbole.evaluator.base_metric.AbstractMetric`` with RecBole's class attributes
            ``metric_need`` (what it is computed from), ``metric_type`` and, where less is better, ``smaller = True``.

    Raises:
        ConfigError: one of the attributes is missing.
    """
    from recbole.evaluator import register as host

    for attribute in ("metric_need", "metric_type", "smaller"):
        if not hasattr(metric, attribute):
            raise ConfigError(f"Metric [{metric.__name__}] has no attribute [{attribute}].")
    name = metric.__name__.lower()
    host.metrics_dict[name] = metric
    host.metric_information[name] = metric.metric_need
    host.metric_types[name] = metric.metric_type
    if metric.smaller is True and name not in host.smaller_metrics:
        host.smaller_metrics.append(name)
    return metric


def add_metrics(_evaluator: ModuleType | None = None) -> None:
    """Register the plugin's metrics, but none whose name a user has given to a metric of his own.

    Where their module itself brought RecBole's evaluator in they are not made yet: its last line calls this again.
    """
    from recbole.evaluator import register as host

    for name, module in METRICS.items():
        if (metric := getattr(importlib.import_module(module), name, None)) is None:
            continue
        there = host.metrics_dict.get(name.lower())
        if there is None or there.__module__ == module:
            register_metric(metric)
        else:
            getLogger().warning(f"Metric [{name}] is that of [{there.__module__}], not that of recbole_ktrec.")


def install() -> None:
    """Register the plugin's metrics as soon as RecBole's are there."""
    after_import("recbole.evaluator", add_metrics)
