"""A prompt before or around each text, and what is cut of a text that is too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recbole_ktrec.errors import ConfigError

_PLACE = "{text}"


def with_prompt(text: str, prompt: str) -> str:
    """Put ``prompt`` before ``text``, or ``text`` where the prompt says ``{text}``."""
    return prompt.replace(_PLACE, text) if _PLACE in prompt else prompt + text


def tokenize(tokenizer: Any, texts: Sequence[str], prompt: str, limit: int) -> list[list[int]]:
    """Return the token ids of ``texts`` in ``prompt``, special tokens included, at most ``limit`` a text.

    Long texts lose their end. What the prompt says after them stays: the vector is often read from there.

    Raises:
        ConfigError: such a prompt leaves no room for a text.
    """
    tokenizer.truncation_side = "right"
    options = {"padding": False, "return_attention_mask": False, "return_token_type_ids": False}
    # Half of a surrogate pair, as cut JSON escapes leave it, is no Unicode that a tokenizer takes.
    given = [with_prompt(text, prompt).encode("utf-8", "replace").decode() for text in texts]
    end = prompt.rpartition(_PLACE)[2].strip() if _PLACE in prompt else ""
    # Words at the beginning of a text may have other tokens than after a blank.
    parts = [with_prompt("", prompt), end, f" {end}"]
    alone, *last = tokenizer(parts, truncation=False, verbose=False, **options)["input_ids"]
    if len(alone) >= limit:
        raise ConfigError(
            f"text_prompt [{prompt}] has [{len(alone)}] tokens (special ones included) and leaves no room for a text: "
            f"raise text_max_length [{limit}] or shorten it."
        )
    if not end:
        return tokenizer(given, truncation=True, max_length=limit, **options)["input_ids"]
    whole = tokenizer(given, truncation=False, verbose=False, **options)["input_ids"]  # else it warns of their length
    return [ids if len(ids) <= limit else _cut(ids, last, limit) for ids in whole]


def _cut(ids: list[int], ends: Sequence[list[int]], limit: int) -> list[int]:
    """Return ``limit`` of ``ids``, as much as they have in common with the end of one of ``ends`` among them."""
    kept = max(_in_common(ids, end) for end in ends)
    return ids[: limit - kept] + ids[len(ids) - kept :]


def _in_common(ids: list[int], end: list[int]) -> int:
    pairs = enumerate(zip(reversed(ids), reversed(end), strict=False))
    return next((place for place, (one, other) in pairs if one != other), len(end))
