"""Texts in a script that the default encoder does not know: it gives vectors all the same, which say little."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from recbole_ktrec.text.settings import DEFAULT_ENCODER, TextSettings

#: Texts that are looked at: the first ones.
_TEXTS = 2000
#: Share of letters of other scripts from which it is told: names and loan words are fewer.
_MANY = 0.3
_MULTILINGUAL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"


def other_letters(texts: Iterable[str | None]) -> float:
    """Return the share of letters that are not Latin, 0 without any."""
    first = "".join(itertools.islice((text for text in texts if text), _TEXTS))
    letters = [letter for letter in first if letter.isalpha()]
    return sum(not _latin(letter) for letter in letters) / max(len(letters), 1)


def script_warning(texts: Iterable[str | None], settings: TextSettings) -> str:
    """Return what to say where the default encoder, of English texts, reads another script; else nothing."""
    share = other_letters(texts) if settings.encoder == DEFAULT_ENCODER else 0.0
    if share < _MANY:
        return ""
    return (
        f"{share:.0%} of the letters of the texts are not Latin, and the default text_encoder was trained on English: "
        f"it makes little of them. A multilingual one will tell more, such as text_encoder: {_MULTILINGUAL}"
    )


def _latin(letter: str) -> bool:
    """Latin, its extensions A and B, and the additional one (Vietnamese)."""
    return letter <= "\u024f" or "\u1e00" <= letter <= "\u1eff"
