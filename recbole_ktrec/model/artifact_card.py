"""What the card of an artifact must hold, so that one that was edited by hand is refused by file and key."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import DataError


def check_card(path: Path, card: Mapping[str, Any], shape: Collection[str], fusion: Collection[str]) -> None:
    """Refuse a card that lacks what a run reads of it, or has it wrong.

    Args:
        shape, fusion: the numbers of a prior's shape, and of an entry of ``fusion``.

    Raises:
        DataError: the message names the file and the key.
    """
    _is(isinstance(card.get("encoder"), Mapping), path, "encoder")
    _numbers(path, card, "", ["whitening"])
    _is(isinstance(card.get("shape"), Mapping), path, "shape")
    _numbers(path, card["shape"], "shape.", shape)
    _is(set(card["shape"]) == set(shape), path, "shape")
    trained = card.get("language_model")
    _is(not trained or isinstance(trained, Mapping) and isinstance(trained.get("folder"), str), path, "language_model")
    _sources(path, card, shape)
    for place, one in enumerate(_list(path, card, "fusion")):
        density = one.get("density")
        right = isinstance(density, list) and len(density) == 2 and all(_above_0(number) for number in density)
        _is(right, path, f"fusion[{place}].density")
        _numbers(path, one, f"fusion[{place}].", fusion)


def _sources(path: Path, card: Mapping[str, Any], shape: Collection[str]) -> None:
    sources, tried = _list(path, card, "sources"), _list(path, card, "tried")
    for place, one in enumerate(sources):
        _is(isinstance(one.get("name"), str), path, f"sources[{place}].name")
        _is(_above_0(one.get("history_length")), path, f"sources[{place}].history_length")
    _is(bool(tried), path, "tried")
    for place, one in enumerate(tried):
        _numbers(path, one, f"tried[{place}].", shape)
        ratios = one.get("ratios")
        _is(isinstance(ratios, Mapping), path, f"tried[{place}].ratios")
        wanted = [source["name"] for source in sources if source["name"] in tried[0]["ratios"]]
        _is(bool(wanted), path, f"tried[{place}].ratios")
        _numbers(path, one["ratios"], f"tried[{place}].ratios.", wanted)


def _list(path: Path, card: Mapping[str, Any], key: str) -> list[Any]:
    value = card.get(key)
    _is(isinstance(value, list) and all(isinstance(one, Mapping) for one in value), path, key)
    return list(card[key])


def _numbers(path: Path, part: Mapping[str, Any], where: str, keys: Collection[str]) -> None:
    for key in keys:
        _is(_number(part.get(key)), path, f"{where}{key}")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _above_0(value: Any) -> bool:
    return _number(value) and value > 0


def _is(right: bool, path: Path, key: str) -> None:
    if not right:
        raise DataError(f"[{path}] lacks or has a wrong [{key}]: run `ktrec pretrain` again.")
