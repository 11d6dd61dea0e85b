"""One rating without training: what a model lacks for it is named."""

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
