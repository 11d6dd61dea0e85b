"""Which way a metric is better."""

from __future__ import annotations


def is_smaller_better(name: str) -> bool:
    """Whether a smaller value of metric ``name`` (``group/metric@k``) is better, by RecBole's register."""
    from recbole.evaluator import smaller_metrics

    return name.rpartition("/")[2].partition("@")[0].lower() in smaller_metrics
