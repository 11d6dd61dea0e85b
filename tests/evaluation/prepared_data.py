"""Item files, and what a model of RecBole gets of a split that was prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recbole_ktrec.evaluation.harness import item_tokens, load_parts, make_config, pair_tokens
from recbole_ktrec.evaluation.prepare import Prepared
from recbole_ktrec.evaluation.source import Source
from recbole_ktrec.evaluation.splits import fingerprint, pair_fingerprint

Read = Callable[..., tuple[Source, dict[str, Any]]]


def features(folder: Path, tokens: list[str], name: str = "tiny") -> None:
    lines = ["item_id:token\ttitle:token_seq", *(f'{token}\ta "title" of {token}' for token in tokens)]
    (folder / f"{name}.item").write_text("\n".join(lines) + "\n")


def in_memory(prepared: Prepared, values: dict[str, Any]) -> dict[str, str]:
    """Fingerprints of what a model of RecBole gets."""
    merged = {**values, **prepared.settings, "data_path": prepared.data_path}
    dataset, parts = load_parts(make_config("Pop", prepared.dataset, merged))
    names = ("train", "valid", "test")
    found = {name: pair_fingerprint(*pair_tokens(part)) for name, part in zip(names, parts, strict=True)}
    return {**found, "candidates": fingerprint(item_tokens(dataset))}
