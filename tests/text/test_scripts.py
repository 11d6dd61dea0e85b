"""Texts in a script that the default encoder does not know are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recbole_ktrec.text import TextSettings, script_warning
from recbole_ktrec.text.scripts import other_letters


@pytest.mark.parametrize(
    ("texts", "share"),
    [
        ([], 0.0),
        ([None, "12 + 3"], 0.0),
        (["Señor Đặng, Łódź"], 0.0),
        (["新闻", "ab", None], 0.5),
        (["Война и мир"], 1.0),
        (["a"] * 2000 + ["新" * 4000], 0.0),
    ],
)
def test_the_share_of_other_letters(texts: list[str | None], share: float) -> None:
    assert other_letters(texts) == pytest.approx(share), "the first texts alone are looked at"


def test_the_default_encoder_alone_is_told_of() -> None:
    told = script_warning(["新闻 abc"], TextSettings())
    assert told.startswith("40% of the letters of the texts are not Latin") and "multilingual" in told
    assert script_warning(["新闻 abcdefg"], TextSettings()) == "", "22 %"
    assert script_warning(["新闻"], replace(TextSettings(), encoder="other")) == ""
