"""One job, one process: train one model on one split with one seed, measure it, write the result, go.

``python -m recbole_ktrec.evaluation.job SPEC.json`` is what the runner starts; the result file appears whole or not.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.compat.host_errors import explained
from recbole_ktrec.errors import ConfigError, KTRecError
from recbole_ktrec.evaluation import at_work, parent
from recbole_ktrec.files import write_whole

#: The tail of a traceback that a failed job keeps.
_TRACE_CHARACTERS = 4000
#: Keys whose value is, or may be, the path of something.
PATH_KEYS = ("pretrained", "text_encoder", "source_data_path", "text_cache_dir")


def run_spec(spec: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and measure what ``spec`` says (see :mod:`recbole_ktrec.evaluation.grid`).

    Returns:
        The result, and per-user arrays (empty for a tuning trial, which is judged on validation alone).
    """
    from recbole_ktrec.evaluation.training import train

    trained = train(_config(spec), spec["prepared"]["fingerprints"])
    result: dict[str, Any] = {
        "valid": {name: float(value) for name, value in trained.best_valid_result.items()},
        "valid_score": trained.best_valid_score,
        "best_epoch": trained.best_epoch,
        "epochs": trained.epochs,
        "parameters": trained.parameters,
    }
    timing, memory = trained.timing, parent.peak_memory()
    arrays: dict[str, np.ndarray] = {}
    at_work.say("measuring")
    if spec["phase"] == "transfer":
        from recbole_ktrec.evaluation import transfer_measure

        found, arrays = transfer_measure.measure(trained)
        result |= found
    if spec["phase"] == "final":
        from recbole_ktrec.evaluation import measuring
        from recbole_ktrec.evaluation.transfer_measure import choice_of

        started = time.perf_counter()
        found, arrays = measuring.measure(trained, spec)
        result |= found
        if not math.isnan(share := getattr(trained.model, "closed_share", math.nan)):
            result["closed_share"] = share
        if choice := choice_of(trained.model):
            result["choice"] = choice
        timing["measure_seconds"] = time.perf_counter() - started
    return {**result, "timing": timing, "memory": {"peak_bytes": memory}}, arrays


def _config(spec: Mapping[str, Any]) -> Any:
    """Return RecBole's configuration of the job; ConfigError where RecBole cannot read the split or the graph."""
    from recbole_ktrec.evaluation.harness import is_sequential, make_config
    from recbole_ktrec.register.keys import check_graph

    prepared = spec["prepared"]
    values = {**spec["config"], "checkpoint_dir": "checkpoints", "show_progress": False}
    if prepared["data_path"]:
        values["data_path"] = prepared["data_path"]
    config = make_config(spec["model"], prepared["dataset"], values)
    if is_sequential(config) and config["benchmark_filename"]:
        kind = prepared["spec"]["kind"]
        raise ConfigError(f"[{spec['model']}] is a sequential model: RecBole cannot read the split {kind} for one.")
    check_graph(spec["model"], config["load_col"])
    return config


def absolute_paths(config: Mapping[str, Any], origin: Path) -> dict[str, Any]:
    """Return ``config`` with those strings made absolute that are paths of something seen from ``origin``.

    A word without a slash is one only where the key asks for a path.
    """

    def is_path(key: str, value: object) -> bool:
        named = isinstance(value, str) and bool(value) and (os.sep in value or key in PATH_KEYS)
        # A cache need not be there yet: the job makes it, and not where it works, which is cleared away.
        made = key == "text_cache_dir" and not str(value).startswith("~")
        return named and (made or (origin / str(value)).exists())

    return {key: str(origin / value) if is_path(key, value) else value for key, value in config.items()}


def main(spec_file: str) -> int:
    """Run the job of ``spec_file``; return 0 when a result, good or bad, was written."""
    spec = json.loads(Path(spec_file).read_text(encoding="utf-8"))
    parent.die_with_parent(spec["parent"])
    parent.offer_to_oom_killer()
    parent.limit_memory(spec["memory_limit"])
    target = Path(spec["result"])
    for part in {"config", "texts"} & set(spec):
        spec[part] = absolute_paths(spec[part], Path(spec.get("origin", ".")))
    os.chdir(spec["scratch"])  # RecBole writes log/, log_tensorboard/ and checkpoints where it stands
    started = time.perf_counter()
    try:
        import torch

        import recbole_ktrec  # noqa: F401  registers the plugin's models and metrics

        torch.set_num_threads(1)
        if "source" in spec:
            from recbole_ktrec.register.own_source import restore

            restore(spec["source"])
        result, arrays = run_spec(spec)
        result["status"] = "done"
    except Exception as error:  # whatever a model raises is a row of the report
        result, arrays = _failure(error), {}
    result.setdefault("timing", {})
    result["timing"] |= {"wall_seconds": time.perf_counter() - started, "cpu_seconds": time.process_time()}
    result.setdefault("memory", {"peak_bytes": parent.peak_memory()})
    write_result(target, result, arrays)
    return 0


def _failure(error: Exception) -> dict[str, Any]:
    kind = "" if isinstance(error, KTRecError) else f"{type(error).__name__}: "
    trace = "".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:]
    return {"status": "failed", "error": (explained(error) or f"{kind}{error}")[:1000], "traceback": trace}


def write_result(target: Path, result: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``target`` (JSON), after its arrays beside it (.npz): whoever sees the JSON finds the arrays too."""
    if arrays:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **dict(arrays))  # type: ignore[arg-type]
        write_whole(target.with_suffix(".npz"), buffer.getvalue())
    write_whole(target, json.dumps(result, indent=1, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
