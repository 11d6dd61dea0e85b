"""What held-out interactions are of: a sample of users, and items that were there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from recbole.data.interaction import Interaction

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.model.held_out import HeldOut, held_out
from recbole_ktrec.model.interactions import TrainingInteractions
from recbole_ktrec.model.ktease import KTEASE
from tests.support import build, fitted

#: Two users; item 0 is padding, items 1 and 2 were taken in training, 3 is held out, 4 and 5 are asked for later.
TAKEN = sp.csr_matrix(np.array([[0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0]], dtype=np.float32))


def valid_data(times: list[float] | None, items: tuple[int, int] = (3, 3), again: bool = False) -> Any:
    feat = {"user_id": torch.tensor([1, 2]), "item_id": torch.tensor(items)}
    feat |= {} if times is None else {"timestamp": torch.tensor(times)}
    keys = {"threshold": None, "repeatable": again}
    dataset = SimpleNamespace(
        inter_feat=Interaction(feat),
        item_num=6,
        uid_field="user_id",
        iid_field="item_id",
        time_field="timestamp",
        label_field="label",
        config=keys,
    )
    return SimpleNamespace(_dataset=dataset)


def found(times: list[float] | None, until: float | None) -> HeldOut:
    made = held_out(valid_data(times), 1, TrainingInteractions(TAKEN, None, until=until))
    assert made is not None
    return made


def test_items_of_later_are_no_candidates_where_validation_is_later_than_training() -> None:
    later = found([7.0, 9.0], until=7.0)
    assert later.absent is not None and np.flatnonzero(later.absent).tolist() == [0, 4, 5]
    assert later.excluded(TAKEN).int().tolist() == [[1, 1, 0, 0, 1, 1], [1, 1, 1, 0, 1, 1]]


@pytest.mark.parametrize(("times", "until"), [([6.0, 9.0], 7.0), ([7.0, 9.0], None), (None, 7.0)])
def test_all_items_are_candidates_where_times_say_nothing(times: list[float] | None, until: float | None) -> None:
    """Training goes on after the first validation interaction; no clock; times that are not loaded."""
    made = found(times, until)
    assert made.absent is None
    assert made.excluded(TAKEN).int().tolist() == [[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]


def test_some_users_may_be_evenly_spread() -> None:
    refused = sp.csr_matrix(np.eye(5, 6, dtype=np.float32))
    row, item = torch.tensor([0, 1, 2, 3, 3, 4]), torch.tensor([1, 2, 3, 4, 5, 1])
    some = HeldOut(torch.tensor([2, 4, 5, 7, 9]), row, item, refused=refused).some(slice(1, None, 2))
    assert (some.users.tolist(), some.row.tolist(), some.item.tolist()) == ([4, 7], [0, 1, 1], [2, 4, 5])
    assert some.refused is not None and some.refused.indices.tolist() == [1, 3]


def test_nothing_is_absent_where_every_item_was_seen() -> None:
    everything = TAKEN.toarray()
    everything[2, 4:] = 1
    made = held_out(
        valid_data([8.0, 9.0]),
        1,
        TrainingInteractions(sp.csr_matrix(everything), None, until=7.0),
    )
    assert made is not None and made.absent is None


@pytest.mark.parametrize(("again", "excluded"), [(False, [1, 0, 1, 0, 0, 0]), (True, [1, 0, 0, 0, 0, 0])])
def test_what_is_taken_again_is_a_candidate_as_recbole_ranks_it(again: bool, excluded: list[int]) -> None:
    """The second user took items 1 and 2, and item 1 once more; ``repeatable`` leaves everything a candidate."""
    made = held_out(valid_data(None, (3, 1), again), 1, TrainingInteractions(TAKEN, None))
    assert made is not None
    assert made.excluded(TAKEN)[1].int().tolist() == excluded
    sample = made.sample(TAKEN, None)
    assert sample.known[1].int().tolist() == excluded
    assert sample.ndcg(np.array([[0, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 0]], dtype=np.float32)) == 1.0


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_what_threshold_labels_as_disliked_is_nothing_taken(textual: Callable[..., dict[str, Any]], name: str) -> None:
    columns = {"inter": ["user_id", "item_id", "rating", "timestamp"]}
    labels = {"load_col": columns, "threshold": {"rating": 4}, "train_neg_sample_args": None}
    settings = textual(**labels, eval_args={"mode": "labeled"}, metrics=["AUC"], valid_metric="AUC")
    _, model, (train, valid, _) = build(settings, name)
    feat = train.dataset.inter_feat
    liked = feat["label"].numpy() == 1
    users, items = feat["user_id"].numpy(), feat["item_id"].numpy()
    assert 0 < liked.sum() < len(liked) and model.taken.matrix.nnz == model.taken.places.nnz == liked.sum()
    assert (
        model.taken.matrix[users[liked], items[liked]].all()
        and not model.taken.matrix[users[~liked], items[~liked]].any()
    )
    made = held_out(valid, 1, model.taken)
    assert made is not None and len(made.row) == int((valid._dataset.inter_feat["label"] == 1).sum())


@pytest.mark.parametrize(("own", "labelled"), [({"LABEL_FIELD": "liked"}, True), ({}, False)])
def test_a_column_of_labels_is_read_as_threshold_is(
    textual: Callable[..., dict[str, Any]], workplace: Path, own: dict[str, str], labelled: bool
) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    marked = [f"{header}\tliked:float", *(f"{row}\t{place % 3 and 1}" for place, row in enumerate(rows))]
    path.write_text("\n".join(marked) + "\n", encoding="utf-8")
    columns = {"load_col": {"inter": ["user_id", "item_id", "liked"]}}
    _, model, (train, _, _) = build(textual(**columns, **own), "KTEASE")
    kept = int((train.dataset.inter_feat["liked"] > 0).sum())
    assert 0 < kept < len(train.dataset) and model.taken.matrix.nnz == (kept if labelled else len(train.dataset))


def test_labels_that_are_tokens_are_refused(textual: Callable[..., dict[str, Any]], workplace: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    marked = [f"{header}\tlabel:token", *(f"{row}\t{place % 2}" for place, row in enumerate(rows))]
    path.write_text("\n".join(marked) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"labels \[label\] are tokens.*Write \[label:float\] in the header"):
        build(textual(load_col={"inter": ["user_id", "item_id", "label"]}), "KTEASE")


def test_labels_that_call_nothing_taken_are_refused(textual: Callable[..., dict[str, Any]], workplace: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{header}\tlabel:float", *(f"{row}\t0" for row in rows)]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"\[tiny\]: column \[label\] calls none of the 192 training int"):
        build(textual(load_col={"inter": ["user_id", "item_id", "label"]}), "KTEASE")


def test_a_threshold_that_leaves_nothing_is_refused(textual: Callable[..., dict[str, Any]]) -> None:
    labels = {"load_col": {"inter": ["user_id", "item_id", "rating"]}, "threshold": {"rating": 99}}
    with pytest.raises(DataError, match=r"threshold \{'rating': 99\} leaves none of the \d+ training interactions"):
        build(textual(**labels), "KTEASE")


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
def test_what_is_disliked_in_training_is_no_candidate_of_choices_as_recbole_ranks(
    textual: Callable[..., dict[str, Any]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[HeldOut] = []
    monkeypatch.setattr(KTEASE, "solve", lambda self, made, run=KTEASE.solve: (asked.append(made), run(self, made))[1])
    columns = {"inter": ["user_id", "item_id", "rating"]}
    settings = textual(epochs=1, closed_form=True) | {
        "load_col": columns,
        "threshold": {"rating": 4},
        "train_neg_sample_args": None,
    }
    _, model, (_, valid, _) = fitted(settings, name, saved=False)
    made, matrix = asked[0], model.taken.matrix
    assert made.refused is not None and made.refused.nnz > 0
    sample = made.sample(matrix, None)
    excluded = made.excluded(matrix)
    wanted = made.positives(matrix.shape[1])
    rows = valid.uid2history_item
    for place, user in enumerate(made.users.tolist()):
        masked = set(rows[user].tolist()) | {0}
        mine = {int(item) for item in torch.nonzero(excluded[place]).ravel()}
        liked = {int(item) for item in torch.nonzero(wanted[place]).ravel()}
        assert mine - liked == masked - liked
        assert {int(item) for item in sample.candidates[sample.known[place].numpy()]} - liked == masked - liked


@pytest.mark.parametrize("name", ["KTEASE", "KTRec"])
@pytest.mark.parametrize(
    ("wanted", "metrics"), [("NDCG@7", ["NDCG"]), ("MRR@5", ["NDCG", "Recall"]), ("AUC", ["NDCG"])]
)
def test_a_validation_metric_that_is_not_measured_is_refused_before_the_fit(
    settings: Callable[..., dict[str, Any]], name: str, wanted: str, metrics: list[str]
) -> None:
    asked = settings(prior="none", fusion="id", valid_metric=wanted, metrics=metrics)
    with pytest.raises(ConfigError, match=rf"valid_metric \[{wanted}\] is none of what is measured.*topk \[5\]"):
        fitted(asked, name, saved=False)
    without = {"split": {"RS": [0.9, 0, 0.1]}, "group_by": "user", "order": "RO", "mode": "full"}
    fitted({**asked, "eval_args": without}, name, saved=False)  # nothing is validated
    fitted({**asked, "eval_step": 0}, name, saved=False)
    fitted({**asked, "epochs": 0}, name, saved=False)
