"""The results that stand in an output folder: what another command or comparison wrote is not replaced unasked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError


def check_folder(output: Path, schema: str) -> None:
    """Raise ConfigError if ``output`` holds results of another command, which would be lost."""
    held = stored(output, "schema")
    if held not in (None, schema):
        raise ConfigError(f"[{output}] holds the results of a [{held}]: name another --output.")


def refuse_other(output: Path, kind: str, datasets: Sequence[str], share: float | None = None) -> None:
    """Raise ConfigError if ``output`` holds the report of another split, or of data sets that are not compared now."""
    grid = stored(output, "grid") or {}
    was, held = grid.get("split", kind), grid.get("share", share)
    if (was, held) != (kind, share):
        raise other_report(output, f"of the split [{was}]{'' if held is None else f' with share [{held}]'}")
    if lost := [name for name in grid.get("datasets", ()) if name not in datasets]:
        raise other_report(output, f"with {', '.join(f'[{name}]' for name in lost)}")


def stored(output: Path, part: str) -> Any:
    """Return a part of the ``results.json`` of ``output``, None where there is none that can be read."""
    try:
        return json.loads((output / "results.json").read_text(encoding="utf-8"))[part]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def other_report(output: Path, held: str) -> ConfigError:
    """Return the error that tells of the report that stands in ``output``."""
    return ConfigError(f"[{output}] holds a report {held}: name another --output, or replace it with --overwrite.")
