"""Prompts around texts, and how long texts are cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.text import TextSettings, encode
from recbole_ktrec.text.encoder import TextEncoder


@pytest.mark.parametrize(
    ("prompt", "limit"), [("", 1), ("", 2), ("toy train board ", 5), ("toy train board game for kids ", 5)]
)
def test_a_length_that_leaves_no_room_for_a_text_is_refused(settings: TextSettings, prompt: str, limit: int) -> None:
    tight = replace(settings, prompt=prompt, max_length=limit)
    with pytest.raises(ConfigError, match=rf"text_prompt \[{prompt}\] has .* raise text_max_length \[{limit}\]"):
        encode(["red robot", "blue doll"], tight)
    rows = TextEncoder.load(replace(tight, max_length=9)).tokenize(["red robot", "blue doll"])
    assert rows[0] != rows[1]
