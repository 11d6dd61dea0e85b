"""The card of an artifact, ``card.json``: read and checked, so that one that was edited by hand is refused by key."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import DataError
from recbole_ktrec.model import likeness
from recbole_ktrec.model.prior_shape import PriorShape

#: Goes up when a folder of before can no longer be read.
FORMAT = 2
CARD = "card.json"
#: Numbers of an entry of ``fusion``, and of a prior's shape.
FUSION = ("regularisation", "prior_weight", "neighbour_weight")
#: Samples of a source's interactions and texts, by which it is known again; cards of before have none.
SKETCHES = ("interactions_sketch", "texts_sketch")
_SHAPE = tuple(part.name for part in fields(PriorShape))


def artifact_folder(given: Any) -> Path:
    """Return the folder that the key ``pretrained`` of a configuration names."""
    return Path(str(given["pretrained"])).expanduser()


def read_card(folder: Path) -> dict[str, Any]:
    """Return the card of an artifact.

    Raises:
        DataError: it is missing, damaged or of another format; the message names it.
    """
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        written = card["format"]
    except OSError as error:
        raise DataError(f"[{path}] cannot be read: {error.strerror}; `ktrec pretrain --output` makes it.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"[{path}] is not the card of an artifact: {error}") from error
    if written != FORMAT:
        newer = isinstance(written, int) and written > FORMAT
        advice = "update recbole_ktrec" if newer else "make it again"
        raise DataError(f"[{path}] is of format [{written}], this version reads [{FORMAT}]: {advice}.")
    return card


def checked_card(folder: Path) -> dict[str, Any]:
    """Return the card of an artifact that a run is to take.

    Raises:
        DataError: as :func:`read_card`, or it lacks a key or has it wrong; the message names it.
    """
    path, card = folder / CARD, read_card(folder)
    _is(isinstance(card.get("encoder"), Mapping), path, "encoder")
    _numbers(path, card, "", ["whitening"])
    _is(isinstance(card.get("shape"), Mapping), path, "shape")
    _numbers(path, card["shape"], "shape.", _SHAPE)
    _is(set(card["shape"]) == set(_SHAPE), path, "shape")
    trained = card.get("language_model")
    _is(not trained or isinstance(trained, Mapping) and isinstance(trained.get("folder"), str), path, "language_model")
    _check_sources(path, card)
    for place, one in enumerate(_list(path, card, "fusion")):
        density = one.get("density")
        right = isinstance(density, list) and len(density) == 2 and all(_above_0(number) for number in density)
        _is(right, path, f"fusion[{place}].density")
        _numbers(path, one, f"fusion[{place}].", FUSION)
    return card


def _check_sources(path: Path, card: Mapping[str, Any]) -> None:
    sources, tried = _list(path, card, "sources"), _list(path, card, "tried")
    for place, one in enumerate(sources):
        _is(isinstance(one.get("name"), str), path, f"sources[{place}].name")
        _is(_above_0(one.get("history_length")), path, f"sources[{place}].history_length")
        for key in SKETCHES:
            _is(_sketch(one.get(key, "")), path, f"sources[{place}].{key}")
    _is(bool(tried), path, "tried")
    for place, one in enumerate(tried):
        _numbers(path, one, f"tried[{place}].", _SHAPE)
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


def _sketch(value: Any) -> bool:
    try:
        likeness.read(value)
    except (ValueError, TypeError):
        return False
    return True


def _above_0(value: Any) -> bool:
    return _number(value) and value > 0


def _is(right: bool, path: Path, key: str) -> None:
    if not right:
        raise DataError(f"[{path}] lacks or has a wrong [{key}]: run `ktrec pretrain` again.")
