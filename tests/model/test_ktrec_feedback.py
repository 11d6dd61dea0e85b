"""One rating without training: what a model lacks for it is named, and what cannot be given is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from recbole_ktrec.errors import ConfigError
from tests import support
from tests.support import Settings


@pytest.mark.parametrize(
    ("changes", "closed_alone", "message"),
    [
        ({}, False, "needs user_embedding=True (here no user has a vector to move): train"),
        ({"user_embedding": True, "scorer": "mlp"}, False, "needs scorer=dot (here it is mlp): train"),
        ({"user_embedding": True}, True, "needs closed_form=False (here the closed form alone makes the scores): tra"),
        ({}, True, "has a vector to move) and closed_form=False (here the closed form alone"),
    ],
)
def test_feedback_names_what_it_lacks_alone(
    textual: Settings, changes: dict[str, Any], closed_alone: bool, message: str
) -> None:
    _, model, _ = support.build(textual(closed_form=True, **changes), "KTRec")
    model.blend.copy_(torch.tensor([0.0, 1.0] if closed_alone else [1.0, 0.0]))
    with pytest.raises(ConfigError, match=re.escape(message)):
        model.feedback(1, 2, 0.9)


def test_feedback_that_cannot_be_given_is_refused(textual: Settings) -> None:
    _, model, _ = support.fitted(textual(user_embedding=True, epochs=1), "KTRec")
    before = model.net.user_id.weight.clone()
    for value, message in (
        (1.5, "needs a value in"),
        (float("nan"), "needs a value in"),
        (1 - 1e-9, "cannot be moved so far"),
    ):
        with pytest.raises(ConfigError, match=message):
            model.feedback(1, 2, value)
    assert torch.equal(model.net.user_id.weight, before)


def test_feedback_where_nothing_is_known_is_refused(textual: Settings) -> None:
    _, model, _ = support.fitted(textual(user_embedding=True, epochs=1), "KTRec")
    known = model.user_vectors
    model.user_vectors = lambda users: torch.zeros_like(known(users))
    with pytest.raises(ConfigError, match=r"nothing is known of user \[1\]: no history, so there is no vector"):
        model.feedback(1, 2, 0.5)
    model.user_vectors = known
    vectors, bias = model.catalogue()
    vectors[2] = 0
    with pytest.raises(ConfigError, match=r"nothing is known of item \[2\]: neither a text nor training"):
        model.feedback(1, 2, 0.5)
