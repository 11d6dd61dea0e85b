"""Give a trained model histories that it was not trained on, where it has a way to take them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

#: What a row of the report says when the model has no way: its scores for cold users rest on nothing.
UNABLE = "cannot take in a new user's history: scores of an untrained user"


def with_history(train: Any, users: np.ndarray, items: np.ndarray) -> Any:
    """Return a data set of the training interactions and those of ``users`` and ``items`` (ids, shape (n,) each)."""
    from recbole.data.interaction import Interaction, cat_interactions

    fields = (train.uid_field, train.iid_field)
    known = Interaction({name: train.inter_feat[name] for name in fields})
    given = Interaction({fields[0]: torch.as_tensor(users), fields[1]: torch.as_tensor(items)})
    return train.copy(cat_interactions([known, given]))


def with_later(train: Any, later: Any) -> Any:
    """Return a data set of the interactions of ``train`` and ``later``, with their times and all other columns."""
    from recbole.data.interaction import cat_interactions

    return train.copy(cat_interactions([train.inter_feat, later.inter_feat]))


def fold_in(model: Any, dataset: Any) -> str:
    """Let ``model`` know the interactions of ``dataset``, without training, and say how.

    A model of one's own takes part with a method ``fold_in(dataset)``, where ``dataset`` holds the training
    interactions and the new ones. RecBole's item-based, auto-encoder and graph models are helped from outside.

    Returns:
        A phrase for the report; :data:`UNABLE` when nothing was done.
    """
    for how, able, act in _WAYS:
        if able(model):
            act(model, dataset)
            return how
    return UNABLE


def _rows(model: Any, dataset: Any) -> None:
    model.interaction_matrix = dataset.inter_matrix(form="csr").astype(np.float32)


def _neighbours(model: Any, dataset: Any) -> None:
    _rows(model, dataset)
    model.pred_mat = model.interaction_matrix.dot(model.w).tolil()


def _histories(model: Any, dataset: Any) -> None:
    model.build_histroy_items(dataset)


def _graph(model: Any, dataset: Any) -> None:
    """New edges in the graph; the new users' own vectors, never trained, are set to zero."""
    trained = torch.as_tensor(np.unique(model.interaction_matrix.row), dtype=torch.long)
    fresh = torch.ones(model.n_users, dtype=torch.bool)
    fresh[trained] = False
    with torch.no_grad():
        model.user_embedding.weight[fresh.to(model.user_embedding.weight.device)] = 0.0
    model.interaction_matrix = dataset.inter_matrix(form="coo").astype(np.float32)
    model.norm_adj_matrix = model.get_norm_adj_mat().to(model.device)
    model.restore_user_e = model.restore_item_e = None


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda model: all(hasattr(model, name) for name in names)


_WAYS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any, Any], None]], ...] = (
    ("by the model itself", _has("fold_in"), lambda model, dataset: model.fold_in(dataset)),
    ("rows of the item-item matrix", _has("interaction_matrix", "item_similarity"), _rows),
    ("neighbours of the given items", lambda m: _has("w", "pred_mat")(m) and m.method == "item", _neighbours),
    ("input of the auto-encoder", _has("build_histroy_items", "history_item_id"), _histories),
    ("edges of the graph", _has("get_norm_adj_mat", "interaction_matrix", "user_embedding", "restore_user_e"), _graph),
)
