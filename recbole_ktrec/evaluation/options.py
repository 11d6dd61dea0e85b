"""What to compare, and with which settings: the grid's property file and the user's options by model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import ConfigError, nearest, number
from recbole_ktrec.files import read_mapping, with_numbers
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.keys import all_keys, check_device
from recbole_ktrec.register.models import base_of, model_class
from recbole_ktrec.register.own_source import own_source
from recbole_ktrec.register.properties import model_files
from recbole_ktrec.register.unknown import known_models, meant
from recbole_ktrec.resources import resource_dir

FIRST_SEED = 2020
#: So many repetitions nobody wants: it is a seed, as in `--seeds 2020`.
_FEWEST_NOT_COUNTED = 1000
#: Kinds of ``user_text`` that are read as those of items are, by KTRec without these, too.
_OF_USERS = ("columns", "history_document")
#: Keys that a comparison sets itself, the same for every row, and where they are asked for.
OF_THE_GRID = {
    "seed": "--seeds", "eval_args": "--split", "benchmark_filename": "--split", "metrics": "--metrics",
    "topk": "--topk", "valid_metric": "--valid-metric", "dataset": "--dataset",
}  # fmt: skip
#: Keys of which interactions there are; the columns that a row loads beside them are its own affair.
OF_THE_DATA = frozenset(
    "data_path encoding field_separator seq_separator USER_ID_FIELD ITEM_ID_FIELD RATING_FIELD TIME_FIELD rm_dup_inter "
    "val_interval filter_inter_by_user_or_item user_inter_num_interval item_inter_num_interval".split()
)
#: Model -> the key and value with which it reads no item texts.
_WITHOUT_TEXTS = {"KTRec": ("fusion", "id"), "KTEASE": ("prior", "none")}
#: Model -> keys of how it reads those.
_OF_TEXTS = {"KTRec": ("whitening", "graph_layers"), "KTEASE": ("whitening", "lexical_weight", "prior_neighbours")}


@dataclass(frozen=True)
class Entry:
    """One row of the table.

    Attributes:
        label: its name there.
        model: the name that RecBole knows.
        config: its configuration keys, which go over those of the data set.
        defaults: of the grid, below those of the data set.
        ranges: what ``--tune`` may try, see :mod:`recbole_ktrec.evaluation.tuning`.
        source: of a user's own model, see :func:`recbole_ktrec.register.own_source.own_source`.
    """

    label: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)
    ranges: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] | None = None

    def settings(self, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the row runs with on a data set with settings of its own."""
        return {**self.defaults, **dataset, **self.config}


def reads_texts(model: str, settings: Mapping[str, Any]) -> bool:
    """Whether a row is of a model of the plugin, or a user's own, that reads item texts with its ``settings``."""
    key, value = _WITHOUT_TEXTS.get(_of_plugin(model), ("", None))
    return model in MODELS and not (key and settings.get(key) == value)


def _of_plugin(model: str) -> str:
    """Return the model of the plugin that one is derived from, itself otherwise: it reads the same keys."""
    base = base_of(model_class(model)) if model in MODELS else None
    return model if base is None else _of_plugin(base)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping, numbers such as 1e-3 included.

    Raises:
        ConfigError: the file is missing, is no YAML, or holds no mapping.
    """
    return {str(key): with_numbers(value) for key, value in read_mapping(path).items()}


def seeds_of(asked: int | Iterable[int]) -> list[int]:
    """Return the seeds: for a number n the n from 2020 on, for a list, or a number from 1000 on, itself."""
    if isinstance(asked, int) and asked >= _FEWEST_NOT_COUNTED:
        asked = [asked]
    if isinstance(asked, int):
        number("seeds", asked, least=1, whole=True)
        asked = range(FIRST_SEED, FIRST_SEED + asked)
    seeds = [int(seed) for seed in asked]
    if not seeds or len(set(seeds)) < len(seeds) or not 0 <= min(seeds) <= max(seeds) < 2**32:
        raise ConfigError(f"seeds {seeds} must be one or more different numbers from 0 to 2^32 - 1.")
    return seeds


def entries(labels: Iterable[str], grid: Mapping[str, Any], options: Mapping[str, Any]) -> list[Entry]:
    """Return the rows of the table.

    Args:
        labels: names of models, or of sections of ``options`` or variants of ``grid`` that name a ``model``.
        grid: from :func:`recbole_ktrec.evaluation.grid_file.read_grid`.
        options: label -> configuration keys; ``all`` is for every model, ``tune`` in a section gives its ranges.

    Raises:
        ConfigError: an unknown model, a section that no label asks for, a key that looks mistyped or is ``device``.
    """
    labels = list(dict.fromkeys(labels))
    for section in options:
        if section != "all" and section not in labels:
            hint = nearest(section, labels) or _model_meant(section)
            raise ConfigError(f"The options have a section [{section}] that --models does not name.{hint}")
    return [_entry(label, grid, options) for label in labels]


def _model_meant(section: str) -> str:
    """Return which model a section that is no row may be meant for."""
    models = known_models()
    hint = "" if section in models else meant(section, models)
    return f"{hint} --models must name it, too." if hint else ""


def check_section(label: str, own: Any) -> None:
    """Refuse a section of options that is no mapping, or that sets what every row has in common.

    Raises:
        ConfigError: the message names the section and the key.
    """
    if own is not None and not isinstance(own, Mapping):
        raise ConfigError(f"Options of [{label}] must be a mapping of keys to values, and are [{own}].")
    for key in ("tune", "model"):
        if label == "all" and key in (own or {}):
            raise ConfigError(f"Options of [all]: [{key}] belongs to the section of a row.")
    tune = (own or {}).get("tune")
    if tune is not None and not isinstance(tune, Mapping):
        raise ConfigError(f"Options of [{label}]: tune must be a mapping of keys to ranges, and is [{tune}].")
    _check_common(f"[{label}]", own or {}, label == "all")
    _check_common(f"[{label}], tune", tune or {}, False)


def _check_common(where: str, keys: Iterable[str], of_all: bool) -> None:
    """Refuse what the comparison sets itself and, of a single row, what says which data there are."""
    for key in keys:
        if key in OF_THE_GRID:
            option = OF_THE_GRID[key]
            raise ConfigError(f"Options of {where}: [{key}] is the same for every row, so give {option}.")
        if key in OF_THE_DATA and not of_all:
            told = "is of the data, which are the same for every row, so give it in [all]"
            raise ConfigError(f"Options of {where}: [{key}] {told}.")


def check_labels(values: Mapping[str, Any], columns: Iterable[str]) -> None:
    """Refuse a column of labels, for the reason of :func:`check_threshold`, unless a filter leaves the taken ones.

    Args:
        columns: of the interactions that are loaded.

    Raises:
        ConfigError: there is such a column; the message holds the filter.
    """
    label = values.get("LABEL_FIELD") or "label"
    if label in columns and label not in (values.get("val_interval") or {}):
        raise ConfigError(
            f"Column [{label}] holds labels: KTRec and KTEASE would learn from what is labelled above 0 alone, other "
            f'models from all rows, and the test asks for all rows. Give val_interval: {{{label}: "(0,inf)"}}, which '
            "leaves the same rows to every model, leave the column out of load_col, or name another LABEL_FIELD."
        )


def check_threshold(values: Mapping[str, Any]) -> None:
    """Refuse ``threshold`` in a comparison: KTRec and KTEASE learn from what is liked, most built-ins from all rows.

    RecBole's ranking test asks for all rows, too.

    Raises:
        ConfigError: it is set; the message holds the filter that says the same to every model.
    """
    if (given := values.get("threshold")) is None:
        return
    pairs = given.items() if isinstance(given, Mapping) else [("rating", 4)]
    interval = ", ".join(f'{field}: "[{least},inf)"' for field, least in pairs)
    raise ConfigError(
        f"threshold [{given}]: KTRec and KTEASE would learn from what is liked alone, other models from all rows, and "
        f"the test asks for all rows. Give val_interval: {{{interval}}} instead, which leaves the same rows to every "
        "model (threshold: ~ goes over that of a property file)."
    )


def _entry(label: str, grid: Mapping[str, Any], options: Mapping[str, Any]) -> Entry:
    given, variant = options.get(label) or {}, (grid.get("variants") or {}).get(label) or {}
    other = given.get("model", variant.get("model")) != variant.get("model")  # a row of its own by the same name
    own = dict(given) if other else {**variant, **given}
    model = str(own.pop("model", label))
    models = known_models()
    if model not in models:
        rows = grid.get("variants") or () if model == label else ()  # a variant is a row, and no model of another one
        hint = meant(model, [*models, *rows]) or f" One of your own: --register {model}=MODULE."
        raise ConfigError(f"RecBole has no model [{model}].{hint}")
    ranges = own.pop("tune", None)
    mine = list(own)
    own = {**(options.get("all") or {}), **own}
    ranges = _own_ranges(model, own) if ranges is None else ranges
    check_keys(label, model, [*mine, *ranges], options.get("all") or {})
    chosen = {key for path in _model_files(model) for key in read_yaml(path)}
    shared = {key: value for key, value in (grid.get("all") or {}).items() if key not in chosen}
    defaults = {**shared, **((grid.get("models") or {}).get(model) or {})}
    check_device({**defaults, **own}.get("device"))
    return Entry(label, model, _made_to_rank(model, own), dict(ranges), defaults, own_source(model))


def _own_ranges(model: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ranges of a model's file, or of that of its base: not of what makes the row, nor of how texts are read
    where none are, for such trials are all the same."""
    base = _of_plugin(model)
    path = resource_dir("properties") / "tuning" / f"{base}.yaml"
    ranges = read_yaml(path) if path.is_file() else {}
    idle = () if reads_texts(model, config) or config.get("user_text") in _OF_USERS else _OF_TEXTS.get(base, ())
    return {key: value for key, value in ranges.items() if key not in config and key not in idle}


def _made_to_rank(model: str, config: dict[str, Any]) -> dict[str, Any]:
    """Add what a kind of model needs to take part in a ranking of all items.

    RecBole gives closed-form models one epoch: with ``eval_step`` above 1 they would be neither validated nor saved. It
    trains context-aware models on thresholded ratings; here they learn from the same interactions as all others. It
    refuses negatives, of which its defaults draw one, for sequential models whose loss is over all items.
    """
    from recbole.utils import ModelType, get_model

    kind = get_model(model).type
    if kind == ModelType.TRADITIONAL:
        return {**config, "eval_step": 1}
    if kind == ModelType.CONTEXT:
        return {"threshold": None, "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1}, **config}
    if kind == ModelType.SEQUENTIAL and config.get("loss_type", own_settings(model).get("loss_type")) == "CE":
        return {"train_neg_sample_args": None, **config}
    return config


def check_keys(label: str, model: str, keys: Iterable[str], shared: Mapping[str, Any] | None = None) -> None:
    """Refuse a key that nobody reads but that looks like one (RecBole takes any key, and says nothing).

    Args:
        label, model: of the row.
        keys: of the row alone.
        shared: what goes to every row.
    """
    known, shared = _known_keys(model), shared or {}
    for key in (*keys, *shared):
        if key in known or not (hint := nearest(key, known)):
            continue
        if key in shared:
            hint = "" if key in all_keys() else hint  # another row may read it
            raise ConfigError(
                f"[{key}] goes to every row, and nothing in [{label}] reads it.{hint} --options FILE sets it for one "
                f"row, such as ROW: {{{key}: {shared[key]}}}."
            )
        unsaid = model in MODELS and not model_files(model)
        remedy = f" If [{model}] does, name it in {model}.yaml beside its module, with its default." if unsaid else ""
        raise ConfigError(f"Options of [{label}]: nothing reads [{key}].{hint}{remedy}")


def _model_files(model: str) -> list[Path]:
    """The property files of ``model`` itself, RecBole's or those of a registered model."""
    paths = [host_properties() / "model" / f"{model}.yaml", *(model_files(model) if model in MODELS else [])]
    return [path for path in paths if path.is_file()]


def own_settings(model: str) -> dict[str, Any]:
    """Return what the property files of ``model`` itself set, below what a row is given; {} of an unknown one."""
    return {key: value for path in _model_files(model) for key, value in read_yaml(path).items()}


def _known_keys(model: str) -> set[str]:
    from recbole.utils import argument_list

    files = [host_properties() / "overall.yaml", host_properties() / "dataset" / "sample.yaml"]
    files += [resource_dir("properties") / "text.yaml", *_model_files(model)]
    keys = {key for path in files for key in read_yaml(path)}
    return keys.union(*(value for value in vars(argument_list).values() if isinstance(value, list)))
