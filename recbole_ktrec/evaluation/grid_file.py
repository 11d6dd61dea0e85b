"""The property file of the grid, ``--config FILE``: its keys, and what each may hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.evaluation.options import check_keys, read_yaml
from recbole_ktrec.register.keys import all_keys
from recbole_ktrec.register.unknown import known_models, meant
from recbole_ktrec.resources import resource_dir


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fits, value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_mapping(value: Any) -> bool:
    return value is None or isinstance(value, Mapping)


def _is_mapping_of_mappings(value: Any) -> bool:
    return _is_mapping(value) and all(map(_is_mapping, (value or {}).values()))


#: key -> what it must be, and whether a value is that.
_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "seeds": ("a whole number or a list of them", lambda value: _is_whole(value) or _is_list(value, _is_whole)),
    "topk": ("a list of whole numbers", lambda value: _is_list(value, _is_whole)),
    "metrics": ("a list of names", lambda value: _is_list(value, _is_text)),
    "valid_metric": ("a metric with the length of its list, NDCG@10", _is_text),
    "rating_threshold": ("a number or ~", lambda value: value is None or isinstance(value, float) or _is_whole(value)),
    "text_diversity": ("True or False", lambda value: isinstance(value, bool)),
    "rows": ("a list of names", lambda value: _is_list(value, _is_text)),
    "variants": ("a mapping of rows to their keys", _is_mapping_of_mappings),
    "all": ("a mapping of keys to values", _is_mapping),
    "models": ("a mapping of models to their keys", _is_mapping_of_mappings),
}  # fmt: skip


def read_grid(path: Path | None) -> dict[str, Any]:
    """Read the grid's property file, over what the plugin's ``properties/benchmark.yaml`` says.

    Raises:
        ConfigError: a key or model that nobody knows, or a value of another kind; the message names the file and both.
    """
    defaults = read_yaml(resource_dir("properties") / "benchmark.yaml")
    if path is None:
        return defaults
    grid = read_yaml(path)
    for key, value in grid.items():
        if key not in _KEYS:
            raise ConfigError(f"[{path}] has an unknown key [{key}].{nearest(key, _KEYS)}")
        wanted, fits = _KEYS[key]
        if not fits(value):
            raise ConfigError(f"[{path}]: {key} must be {wanted}, and is [{value}].")
    _check_names(path, grid)
    variants = {**defaults["variants"], **(grid.get("variants") or {})}  # rows name them, those of the defaults too
    return {**defaults, **grid, "variants": variants}


def _check_names(path: Path, grid: Mapping[str, Any]) -> None:
    models, known = known_models(), all_keys()
    for key in grid.get("all") or {}:
        if key not in known and (hint := nearest(key, known)):
            raise ConfigError(f"[{path}], all: nothing reads [{key}].{hint}")
    for model, own in (grid.get("models") or {}).items():
        _check_row(f"[{path}], models", model, model, own or {}, models)
    for row, own in (grid.get("variants") or {}).items():
        values = {"model": row, **(own or {})}
        _check_row(f"[{path}], variants", row, values.pop("model"), values.keys() - {"tune"}, models)


def _check_row(where: str, row: str, model: Any, keys: Iterable[str], models: Iterable[str]) -> None:
    if model not in models:
        raise ConfigError(f"{where}: RecBole has no model [{model}].{meant(str(model), models)}")
    check_keys(row, model, keys)
