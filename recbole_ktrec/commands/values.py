"""Values that RecBole would take silently, or fail on far from where they were given."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, number
from recbole_ktrec.files import read_mapping

_INTERVAL = re.compile(r"\s*[\[(][^,;]+,[^,;]+[\])]\s*(;\s*[\[(][^,;]+,[^,;]+[\])]\s*)*")


@functools.cache
def _defaults() -> dict[str, Any]:
    import recbole

    return read_mapping(Path(recbole.__file__).parent / "properties" / "overall.yaml", "RecBole's defaults")


def check_values(said: Mapping[str, Any]) -> None:
    """Check the values that files and command line give to RecBole's keys.

    Raises:
        ConfigError: a number is none, an interval has no brackets, or ``load_col`` leaves out what is needed.
    """
    for key, default in _defaults().items():
        if key in said and isinstance(default, int | float) and not isinstance(default, bool):
            least = 0 if isinstance(default, int) and key != "gpu_id" else None
            number(key, _read(said[key]), least=least, whole=isinstance(default, int))
    for key in ("user_inter_num_interval", "item_inter_num_interval"):
        value = said.get(key)
        if value is not None and not _INTERVAL.fullmatch(str(value)):
            raise ConfigError(f"{key} [{value}] is no interval such as [5,inf) or [2,10];[20,inf).")
    _check_columns(said)


def _read(value: Any) -> Any:
    """Return the number of a text such as ``1e-3``, which RecBole's own reader of YAML takes for one."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _check_columns(said: Mapping[str, Any]) -> None:
    loaded = (said.get("load_col") or {}).get("inter")
    if not isinstance(loaded, list):
        return
    needed = {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id"}
    if (said.get("eval_args") or {}).get("order") == "TO":
        needed["TIME_FIELD"] = "timestamp"
    for key, default in needed.items():
        name = said.get(key) or default
        if name not in loaded:
            why = "eval_args: {order: TO} sorts by it" if key == "TIME_FIELD" else "no model does without it"
            raise ConfigError(f"load_col: [inter] {loaded} leaves out [{name}], the {key}: {why}.")
