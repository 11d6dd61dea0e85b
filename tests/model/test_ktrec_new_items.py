"""Items of KTRec's catalogue that nobody took and nobody asks for: both parts have their say, one level for the sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from recbole.quick_start import load_data_and_model

from recbole_ktrec.model.held_out import HeldOut, held_out
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.model.ktrec_settle import weigh
from tests.support import Settings, fitted

Catalogue = Callable[..., tuple[KTRec, HeldOut]]
SETTLE = "recbole_ktrec.model.ktrec_settle"


@pytest.fixture
def catalogue(textual: Settings, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A function that trains KTRec, half of it closed form, with two new items; settings -> model, validation data."""
    with (workplace / "dataset" / "tiny" / "tiny.item").open("a", encoding="utf-8") as file:
        file.write("i98\tred robot space toy\ni99\tblue puzzle board toy\n")
    loaded = {"inter": ["user_id", "item_id"], "item": ["item_id", "title"]}

    def make(share: float = 0.5, **changes: Any) -> tuple[KTRec, HeldOut]:
        monkeypatch.setattr("recbole_ktrec.nn.blend.SHARES", (share,))
        settings = textual(load_col=loaded, closed_form=True, checkpoint_dir="kept", **changes)
        _, model, (_, valid, _) = fitted(settings, "KTRec")
        assert int(model.cold.sum()) == 2 and model.settled
        found = held_out(valid, 2020, model.taken)
        assert found is not None
        return model.eval(), found

    return make


def spread(scores: torch.Tensor, items: torch.Tensor) -> float:
    return float(scores[:, items].std())


def test_the_closed_form_has_the_part_in_new_items_that_it_has_in_known_ones(catalogue: Catalogue) -> None:
    model, found = catalogue()
    scores = weigh(model, found)
    assert model.cold_gain != 1
    neural, closed = model.neural(found.users).detach(), torch.from_numpy(model.closed_scores(found.users))
    masked, _ = found.asked(model.taken.matrix)
    known = [float(part[~(masked | model.cold)].std()) for part in (neural, closed)]
    assert spread(closed, model.cold) / spread(neural, model.cold) == pytest.approx(known[1] / known[0], rel=1e-4)
    assert torch.allclose(model.blend[0] * neural + model.blend[1] * closed, scores, atol=1e-5)


def test_pairs_and_a_loaded_model_have_the_same_scores(catalogue: Catalogue) -> None:
    model, _ = catalogue()
    users = torch.arange(1, model.n_users)
    scores = model.full_sort_predict({"user_id": users})
    (checkpoint,) = Path("kept").glob("*.pth")
    loaded = load_data_and_model(str(checkpoint))[1].eval()
    assert loaded.cold_gain == model.cold_gain != 1
    assert torch.equal(loaded.full_sort_predict({"user_id": users}), scores)
    new = model.cold.nonzero().flatten()
    pairs = {"user_id": torch.tensor([3, 3]), "item_id": new}
    expected = torch.sigmoid(model.calibration[0] * scores.view(len(users), -1)[2, new] + model.calibration[1])
    assert torch.allclose(model.predict(pairs), expected, atol=1e-5)


def test_the_closed_form_alone_keeps_its_own_level(catalogue: Catalogue) -> None:
    model, found = catalogue(share=1.0)
    scores = weigh(model, found)
    assert (model.cold_gain, model.cold_shift) == (1.0, 0.0)
    assert torch.allclose(model.full_sort_predict({"user_id": found.users}).view(scores.shape), scores, atol=1e-5)


def test_a_level_that_is_given_is_kept(catalogue: Catalogue) -> None:
    model, _ = catalogue(cold_scale=0.5)
    assert model.cold_gain == 1


def test_nothing_changes_where_new_items_are_asked_for_or_were_not_there_yet(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, found = catalogue()
    weigh(model, replace(found, absent=model.cold.numpy()))
    assert model.cold_gain == 1
    new = int(model.cold.nonzero()[0])
    asked = replace(found, item=torch.cat([torch.tensor([new]), found.item[1:]]))
    weigh(model, asked)
    assert model.cold_gain != 1, "one that asks chooses nothing"
    monkeypatch.setattr(f"{SETTLE}.FEWEST", 1)
    weigh(model, asked)
    assert model.cold_gain == 1


def test_one_new_item_and_one_user_have_no_spread_to_go_by(catalogue: Catalogue) -> None:
    model, found = catalogue()
    model.cold[int(model.cold.nonzero()[0])] = False
    scores = weigh(model, found.some(slice(0, 1)))
    assert model.cold_gain == 1 and scores.isfinite().all()


def test_where_all_ask_for_new_items_these_choose_the_weights(catalogue: Catalogue) -> None:
    model, found = catalogue()
    new = torch.full_like(found.item[:1], int(model.cold.nonzero()[0]))
    weigh(model, replace(found, users=found.users[:1], row=torch.tensor([0]), item=new))
    assert model.cold_gain == 1, "known items, which nobody asks for, would choose them"
