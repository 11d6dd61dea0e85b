"""What a job of the transfer curve measures: ranking metrics of every test user, all histories being given."""

from __future__ import annotations

from typing import Any

import numpy as np

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.evaluation.foldin import fold_in, interactions_of, with_interactions
from recbole_ktrec.evaluation.harness import item_tokens, mask_known, user_tokens
from recbole_ktrec.evaluation.recorder import Recorder, group_result, named
from recbole_ktrec.evaluation.split_files import LISTED
from recbole_ktrec.evaluation.splits import TEST, VALID
from recbole_ktrec.evaluation.training import Trained
from recbole_ktrec.evaluation.transfer_split import COLD, HISTORY, MASKED


def measure(trained: Trained) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Evaluate the best epoch of ``trained`` on test.

    Returns:
        ``test`` (RecBole's values), ``groups``, ``choice`` (what the guard took and why) and, by user, the arrays
        ``users`` and ``<group>/<metric>``, NaN where the group has none of the user's test items.
    """
    from recbole.utils import ModelType

    model, train = trained.model, trained.part
    if model.type != ModelType.TRADITIONAL:  # a closed form has one epoch, so it is in memory
        trained.evaluate(VALID, load=True)
    given = {part: interactions_of(trained.file(f"{part}.inter"), train) for part in (HISTORY, MASKED)}
    for part in given.values():
        mask_known(trained.loaders[TEST], part[train.uid_field], part[train.iid_field])
    result: dict[str, Any] = {}
    if len(given[HISTORY][train.uid_field]):
        result["fold_in"] = fold_in(model, with_interactions(train, given[HISTORY]))
    result["choice"] = choice_of(model)  # zero-shot goes by the length of the histories, given ones included
    recorder = Recorder(max(trained.config["topk"]), _groups(trained), (COLD,))
    result["test"] = trained.evaluate(TEST, load=False, recorder=recorder)
    groups, arrays = _by_group(trained, recorder)
    return {**result, "groups": groups}, arrays


def _groups(trained: Trained) -> dict[str, np.ndarray]:
    """Items that no training interaction has even at share 100: the same group at every share."""
    cold = [row[0] for row in iter_atomic(trained.file(COLD), [LISTED])]
    mask = np.append(False, np.isin(item_tokens(trained.part), np.array(cold, dtype=str)))
    return {COLD: mask} if mask.any() else {}


def choice_of(model: Any) -> dict[str, Any]:
    """Return what a model has taken of an artifact and why, nothing without one."""
    parts = [model, getattr(model, "closed", None)]
    found = [part.transfer_choice for part in parts if getattr(part, "transfer_choice", None)]
    return found[0] if found else {}


def _by_group(trained: Trained, recorder: Recorder) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    users = np.concatenate(recorder.users)
    arrays: dict[str, np.ndarray] = {"users": user_tokens(trained.part)[users - 1]}
    groups: dict[str, Any] = {}
    for name, values in recorder.values(trained.config):
        groups[name] = group_result(values)
        arrays |= named(name, values)
    return groups, arrays
