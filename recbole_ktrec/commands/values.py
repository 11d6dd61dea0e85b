"""Values that RecBole would take silently, or fail on far from where they were given."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from recbole_ktrec.commands.session import has_gpu
from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import ConfigError, nearest, number
from recbole_ktrec.files import read_mapping
from recbole_ktrec.register.keys import check_device, check_graph, check_parts, check_protocol

#: What RecBole measures of context-aware models, whose own file says so.
_OF_CONTEXT = ("AUC", "LogLoss")
#: Sequential models that RecBole measures as it does those of context.
_NOT_RANKING = ("DIN", "DIEN")
_NOT_NEGATIVE = ("epochs", "seed", "learning_rate", "weight_decay")
#: What a command that splits and measures in its own way does not read.
_OF_THE_COMMAND = ("eval_args", "benchmark_filename", "metrics", "topk", "valid_metric")


@functools.cache
def _defaults() -> dict[str, Any]:
    return read_mapping(host_properties() / "overall.yaml", "RecBole's defaults")


def check_values(said: Mapping[str, Any], model: str = "KTRec") -> None:
    """Check the values that files and command line give to RecBole's keys.

    Args:
        said: key -> value.
        model: what runs; RecBole measures those that are not made to rank by other metrics.

    Raises:
        ConfigError: a number or an interval is none, ``device`` is given, ``load_col`` leaves out what is needed,
            ``metrics`` names what is none, ``eval_args`` has a key that RecBole does not read, or a split lacks a part.
    """
    for key, default in _defaults().items():
        if key in said and isinstance(default, int | float) and not isinstance(default, bool):
            least = 0 if key in _NOT_NEGATIVE else 1 if key.endswith("batch_size") else None
            number(key, _read(said[key]), least=least, whole=isinstance(default, int))
    for key in ("user_inter_num_interval", "item_inter_num_interval"):
        if said.get(key) is not None:
            _check_interval(key, str(said[key]))
    check_device(said.get("device"))
    check_protocol(said.get("eval_args"))
    check_parts(said.get("benchmark_filename"))
    _check_columns(said)
    check_graph(model, said.get("load_col"))
    _check_metrics(said.get("metrics"))
    _check_valid_metric(said, model)
    _check_labels(said, model)


def doubts(said: Mapping[str, Any]) -> list[str]:
    """Return warnings of what RecBole does other than the values that files and command line give make one think."""
    found = _blind(said)
    if said.get("threshold") and _modes(said)[1] == "full":
        found.append(
            f"threshold [{said['threshold']}]: RecBole's test asks for all rows, liked or not. val_interval: "
            '{rating: "[4,inf)"}, say, leaves out the others; mode: labeled asks which are liked.'
        )
    return found


def long_lists(model: str, said: Mapping[str, Any]) -> list[str]:
    """Return a hint where a sequential model would read RecBole's fifty items a row on a CPU.

    It took hours where it was measured (``benchmarks/options.yaml``).
    """
    from recbole.utils import ModelType, get_model

    if has_gpu(said) or "MAX_ITEM_LIST_LENGTH" in said or get_model(model).type != ModelType.SEQUENTIAL:
        return []
    return [
        f"{model} reads up to 50 items before each interaction (MAX_ITEM_LIST_LENGTH), and its time grows with that: "
        "on a CPU it may be hours. MAX_ITEM_LIST_LENGTH 20 is what this project's own comparisons give SASRec."
    ]


def _blind(said: Mapping[str, Any]) -> list[str]:
    """Return a warning of a GPU that is asked for of a torch without; whether there is one is for RecBole to ask."""
    import torch

    key = "gpu_id" if str(said.get("gpu_id", "")).strip() else "use_gpu" if said.get("use_gpu") else ""
    if not key or said.get("use_gpu") is False or torch.version.cuda or torch.version.hip:
        return []
    return [f"{key} [{said[key]}]: this torch ({torch.__version__}) is built for CPUs only, so the CPU is used."]


def check_data_values(said: Mapping[str, Any]) -> None:
    """Check as :func:`check_values` does, but for what a command that splits and measures itself leaves aside.

    Raises:
        ConfigError: as there, and as :func:`check_plain`.
    """
    check_values({key: value for key, value in said.items() if key not in _OF_THE_COMMAND})
    check_plain(said)


def check_plain(said: Mapping[str, Any]) -> None:
    """Refuse values that JSON lacks: jobs are told theirs in it, and results are written in it.

    Raises:
        ConfigError: there is one; the message names the key.
    """
    for key, value in said.items():
        try:
            json.dumps(value)
        except TypeError as error:
            kinds = "numbers, words, lists and mappings"
            raise ConfigError(f"{key} [{value}] holds more than {kinds}, a date, say: put it in quotes.") from error


def _read(value: Any) -> Any:
    """Return the number of a text such as ``1e-3``, which RecBole's own reader of YAML takes for one."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _check_interval(key: str, value: str) -> None:
    """Refuse what RecBole would leave out with a word in the log."""
    for part in value.split(";"):
        ends = re.fullmatch(r"\s*[\[(]([^,]+),([^,]+)[\])]\s*", part)
        low, high = (_read(end) for end in ends.groups()) if ends else ("", "")
        if isinstance(low, str) or isinstance(high, str) or low > high:
            raise ConfigError(f"{key} [{value}] is no interval such as [5,inf) or [2,10];[20,inf).")


def _check_labels(said: Mapping[str, Any], model: str) -> None:
    """Refuse to ask for labels that nothing makes; models of context have a threshold for ml-100k from RecBole."""
    from recbole.utils import ModelType, get_model

    columns, label = said.get("load_col", {}), said.get("LABEL_FIELD", "label")
    loaded = columns.get("inter", []) if isinstance(columns, Mapping) else None
    if "labeled" not in _modes(said) or said.get("threshold") or not isinstance(loaded, list) or label in loaded:
        return
    if get_model(model).type not in (ModelType.CONTEXT, ModelType.DECISIONTREE):
        raise ConfigError(
            f"eval_args: {{mode: labeled}} asks for the column [{label}], which is not there: threshold: {{rating: 4}} "
            "makes it of the ratings, or name it in load_col."
        )


def _modes(said: Mapping[str, Any]) -> list[Any]:
    """Return the modes of validation and test, in this order."""
    protocol = said.get("eval_args")
    mode = protocol.get("mode", "full") if isinstance(protocol, Mapping) else "full"
    return [mode.get(part, "full") if isinstance(mode, Mapping) else mode for part in ("valid", "test")]


def _by_default(model: str, metrics: list[str]) -> bool:
    """Return whether RecBole's own valid_metric holds for ``model``, and ``metrics`` are known (it names others)."""
    from recbole.evaluator.register import metrics_dict
    from recbole.utils import ModelType, get_model

    ranks = model not in _NOT_RANKING and get_model(model).type not in (ModelType.CONTEXT, ModelType.DECISIONTREE)
    return ranks and all(one.lower() in metrics_dict for one in metrics)


def _check_metrics(given: Any) -> None:
    """Refuse names that RecBole knows no metric by, with the nearest: it names none."""
    known = _known_metrics()
    for name in [] if given is None else given if isinstance(given, list | tuple) else [given]:
        if str(name).lower() not in known:
            raise ConfigError(f"metrics: RecBole has no metric [{name}].{nearest(str(name), known.values())}")


def _known_metrics() -> dict[str, str]:
    """Return the names of RecBole's metrics and of those that were registered, by their lower case."""
    from recbole.evaluator.register import metrics_dict

    return {name: str(one.__name__) for name, one in metrics_dict.items()}


def _not_measured(wanted: str) -> str:
    """Return, of a validation metric like none of those measured, which one it may be and what else it needs."""
    name, known = wanted.partition("@")[0], _known_metrics()
    hint = "" if name.lower() in known else nearest(name, known.values())
    return f"{hint} metrics must name it, too." if hint or name.lower() in known else ""


def _check_valid_metric(said: Mapping[str, Any], model: str) -> None:
    """Refuse one that RecBole would look for in vain after the first epoch."""
    if not {"valid_metric", "metrics", "topk"} & set(said):
        return
    metrics = said.get("metrics", _defaults()["metrics"])
    cuts = said.get("topk", _defaults()["topk"])
    names = [str(one) for one in (metrics if isinstance(metrics, list | tuple) else [metrics])]
    made = [f"{one}@{cut}" for one in names for cut in (cuts if isinstance(cuts, list | tuple) else [cuts])]
    taken = [*made, *names, *(() if "metrics" in said else _OF_CONTEXT)]
    if "valid_metric" not in said and not _by_default(model, names):
        return
    wanted = str(said.get("valid_metric", _defaults()["valid_metric"]))
    if wanted.lower() not in [one.lower() for one in taken]:
        raise ConfigError(
            f"valid_metric [{wanted}] is none of what is measured, metrics {names} with topk {cuts}."
            f"{nearest(wanted, made) or _not_measured(wanted)}"
        )


def _check_columns(said: Mapping[str, Any]) -> None:
    columns, protocol = said.get("load_col"), said.get("eval_args")
    if columns is not None and not isinstance(columns, Mapping):
        raise ConfigError(f"load_col [{columns}] is no mapping such as {{inter: [user_id, item_id]}}.")
    for part, names in (columns or {}).items():
        if names != "*" and not isinstance(names, list | tuple):  # RecBole takes the letters of a word for columns
            raise ConfigError(f"load_col: [{part}] is [{names}], and must be a list of columns or '*'.")
    loaded = columns.get("inter") if isinstance(columns, Mapping) else None
    if not isinstance(loaded, list):
        return
    needed = {"USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id"}
    if isinstance(protocol, Mapping) and protocol.get("order") == "TO" and not said.get("benchmark_filename"):
        needed["TIME_FIELD"] = "timestamp"
    for key, default in needed.items():
        name = said.get(key, default)
        if name is not None and name not in loaded:
            why = "eval_args: {order: TO} sorts by it" if key == "TIME_FIELD" else f"{key} names the column of the ids"
            raise ConfigError(f"load_col: [inter] {loaded} leaves out [{name}], the {key}: {why}.")
