"""Names -> RecBole's look-ups: models with their trainers and datasets, property files, metrics.

One line an entry in ``models.MODELS`` and ``metrics.METRICS``; ``register_model`` and ``register_metric`` do the same
for a user's own. ``own_models`` registers those that a command names, ``own_source`` lets other processes do it again.
"""

from __future__ import annotations

from recbole_ktrec.register import loaders, metrics, models, properties, trainers, unknown, workers
from recbole_ktrec.register.metrics import METRICS, register_metric
from recbole_ktrec.register.models import MODELS, register_model

__all__ = ["METRICS", "MODELS", "register", "register_metric", "register_model"]

_registered = False


def register() -> None:
    """Make RecBole find the plugin's models, metrics and property files, once a process; imports none of them yet."""
    global _registered
    if not _registered:
        _registered = True
        models.install()
        trainers.install()
        properties.install()
        loaders.install()
        metrics.install()
        unknown.install()
        workers.install()
