"""On a device with memory of its own, as a GPU has, models do what they do on the CPU."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from recbole.data import create_dataset
from torch.utils import backend_registration

from recbole_ktrec.model.unseen_items import UnseenItems
from tests import support
from tests.support import Settings

#: ``os._exit``: torch's thread for such a device outlives Python, which ends the process as a crash.
THERE = """
import json, os, sys, torch
from tests.second_device import second_device
torch.set_num_threads(1)
with second_device():
    from tests.model.test_device import all_scores
    print("SCORES", json.dumps([all_scores(*job) for job in json.loads(sys.argv[1])]), flush=True)
os._exit(0)
"""


def all_scores(name: str, settings: dict[str, Any]) -> list[float]:
    """Train a model; return its scores of all items and pairs, with later histories, and of items that came later."""
    trainer, model, (train, valid, _) = support.fitted(settings, name)
    measured = trainer.evaluate(valid, load_best_model=True)
    users = torch.arange(1, train.dataset.item_num, device=trainer.device)
    pairs = {model.USER_ID: users, model.ITEM_ID: users}
    found = [model.full_sort_predict({model.USER_ID: users}), model.predict(pairs)]
    model.fold_in(create_dataset(train.dataset.config))
    found.append(model.full_sort_predict({model.USER_ID: users}))
    if not settings.get("text_encoder_training"):
        found.append(torch.from_numpy(UnseenItems(model, train.dataset, None).scores(users.cpu().numpy())))
    return [*measured.values(), *(value for scores in found for value in scores.flatten().cpu().tolist())]


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"), reason="this torch has no such device"
)
def test_scores_are_those_of_the_cpu(walking: Settings, fresh_python: Callable[..., str]) -> None:
    # Dropout inside attention is drawn by other kernels there: without it, or with steps too small to tell.
    trained_encoder = {"text_encoder_training": "last_layers", "learning_rate": 1e-12}
    jobs = [
        ("KTEASE", walking()),
        ("KTRec", walking(closed_form=True, attention_dropout=0)),
        ("KTRec", walking(**trained_encoder, fusion="gate", user_text="history_document")),
    ]
    here = [all_scores(*job) for job in jobs]
    there = json.loads(fresh_python(THERE, json.dumps(jobs)).split("SCORES ")[1])
    for one, other in zip(here, there, strict=True):
        assert other == pytest.approx(one, abs=0.02)
