"""Give a trained model histories that it was not trained on, where it has a way to take them in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.compat.exact_times import EXACT
from recbole_ktrec.errors import counted
from recbole_ktrec.evaluation.harness import item_tokens, user_tokens

_logger = logging.getLogger(__name__)
#: What a row of the report says when the model has no way: its scores for cold users rest on nothing.
UNABLE = "cannot take in a new user's history: scores of an untrained user"


def interactions_of(path: Path, train: Any) -> dict[str, np.ndarray]:
    """Read a written part that RecBole does not: arrays ``[n]`` by field.

    Args:
        path: the ``.inter`` file.
        train: RecBole's training part, whose ids are taken. Interactions with an item that it does not know are left
            out and logged; where it has times, or labels by ``threshold``, so has the result.
    """
    known = [{token: i + 1 for i, token in enumerate(tokens)} for tokens in (user_tokens(train), item_tokens(train))]
    numeric = _numeric(train)
    written = list(iter_atomic(path, [train.uid_field, train.iid_field, *numeric]))
    rows = [row for row in written if row[1] in known[1]]
    if len(rows) < len(written):
        left = f"{len(written) - len(rows):,} of {counted(len(written), 'interaction')}"
        _logger.warning(f"[{path}]: left out, with items that training does not know: {left}.")
    ids = np.array([(known[0][row[0]], known[1][row[1]]) for row in rows], dtype=np.int64).reshape(-1, 2)
    columns = {name: _numbers([row[2 + place] for row in rows]) for place, name in enumerate(numeric)}
    return {train.uid_field: ids[:, 0], train.iid_field: ids[:, 1], **_as_loaded(columns, train)}


def _threshold(train: Any) -> dict[str, float]:
    """Return column -> least value of what counts as taken, empty where RecBole has made no labels."""
    return dict(train.config["threshold"] or {}) if train.label_field in train.inter_feat.columns else {}


def _numeric(train: Any) -> list[str]:
    """Return the columns of numbers that tell when, and whether, an item was taken."""
    timed = [train.time_field] if train.time_field in train.inter_feat.columns else []
    return list(dict.fromkeys([*timed, *_threshold(train)]))


def _numbers(cells: list[str]) -> np.ndarray:
    """Return cells as numbers ``[n]``; empty ones get the mean, as RecBole fills them."""
    values = np.array([float(cell or "nan") for cell in cells])
    gaps = np.isnan(values)
    values[gaps] = values[~gaps].mean() if (~gaps).any() else 0.0
    return values


def _as_loaded(columns: Mapping[str, np.ndarray], train: Any) -> dict[str, np.ndarray]:
    """Return the fields that RecBole would have made of ``columns``."""
    fields = {name: values for name, values in columns.items() if name in train.inter_feat.columns}
    for name, least in _threshold(train).items():
        fields[train.label_field] = columns[name] >= least
    return fields


def with_interactions(train: Any, given: Mapping[str, Any]) -> Any:
    """Return a data set of the interactions of ``train`` and those ``given``: arrays ``[n]`` by field."""
    from recbole.data.interaction import Interaction, cat_interactions

    if train.time_field in given:
        given = {EXACT: given[train.time_field], **given}
    known = {name: _column(train, name) for name in given}
    more = {name: torch.as_tensor(values).to(known[name].dtype) for name, values in given.items()}
    return train.copy(cat_interactions([Interaction(known), Interaction(more)]))


def _column(train: Any, name: str) -> torch.Tensor:
    interactions = train.inter_feat
    if name == EXACT and EXACT not in interactions.columns:  # those of ``train`` are exact as they are
        return interactions[train.time_field].double()
    return interactions[name]


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
