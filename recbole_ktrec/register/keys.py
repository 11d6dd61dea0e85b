"""Configuration keys of registered models: one that nobody reads is refused, with the nearest known name.

RecBole itself takes any key and reads a missing one as None, so a mistyped key silently keeps its default.
"""

from __future__ import annotations

import difflib
import functools
import re
import sys
from collections.abc import Iterable, Mapping
from logging import getLogger
from pathlib import Path
from typing import Any

from recbole_ktrec import resources
from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import ConfigError, counted, nearest, one_of
from recbole_ktrec.register.models import MODELS

#: Keys that RecBole's shared code reads without naming them in a property file or an argument list (a test holds that).
READ_BY_RECBOLE = frozenset(
    # the run and its processes
    "model dataset config_files nproc world_size ip port offset local_rank device single_spec verbose encoding "
    "MODEL_TYPE MODEL_INPUT_TYPE loss_type eval_type valid_neg_sample_args test_neg_sample_args "
    # the trainer
    "reg_weight neg_sampling training_neg_sample_num tail_ratio double_tower "
    # transforms of batches, and the names of the fields that they make
    "mask_ratio ft_ratio eta beta MASK_INDEX MASK_ITEM_SEQ POS_ITEMS NEG_ITEMS INVERSE_ITEM_SEQ "
    "CROP_ITEM_SEQ CROP_ITEM_SEQ_LEN REORDER_ITEM_SEQ".split()
)
#: Names that look as if a file could be given by them: RecBole takes its files by an argument alone, never by a key.
_OF_FILES = ("config", "config_file", "config_files", "config_file_list")
#: What RecBole reads of ``eval_args``.
_OF_PROTOCOL = ("split", "group_by", "order", "mode")
#: Parts that RecBole's trainer takes of a split.
_PARTS = 3
#: An option of another program on the command line counts as a mistyped key if it is at least this similar to one.
_TYPO = 0.8


def own_keys(config: Any) -> set[str]:
    """Return every key that is read for ``config.model``; its property files have been read into ``config``."""
    listed = {key for group in config.parameters.values() for key in group}
    return set(config.internal_config_dict) | listed | READ_BY_RECBOLE


def all_keys() -> set[str]:
    """Return every key that RecBole or any model reads, without a configuration at hand."""
    from recbole.utils import argument_list

    lists = (values for name, values in vars(argument_list).items() if name.endswith("_arguments"))
    return {key for values in lists for key in values} | named_keys()


def _keys_in(path: Path) -> frozenset[str]:
    return frozenset(re.findall(r"^(\w+)\s*:", path.read_text(encoding="utf-8"), re.MULTILINE))


@functools.cache
def _named() -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys that RecBole's property files name, and those that the plugin's do."""

    def keys(folder: Path) -> frozenset[str]:
        return frozenset().union(*map(_keys_in, folder.rglob("*.yaml")))

    return keys(host_properties()), keys(resources.resource_dir("properties"))


def refuse_unnamed(given: Iterable[str], before: str = "", where: str = "") -> None:
    """Raise ConfigError for a key that no property file names.

    Args:
        before, where: what the message says before and after it.
    """
    known = named_keys()
    for key in given:
        if key not in known:
            raise ConfigError(f"Unknown key [{before}{key}]{where}.{nearest(key, known)}")


def keys_of_other_models() -> frozenset[str]:
    """Return the keys of all property files, RecBole's, the plugin's and those of a user's own models: a file may serve
    several models at once."""
    own = (entry.property_file for entry in MODELS.values() if entry.property_file is not None)
    return frozenset.union(*_named(), *map(_keys_in, own))


def named_keys() -> frozenset[str]:
    """Return what is known as a key without RecBole being started: those of all property files, and READ_BY_RECBOLE."""
    return keys_of_other_models() | READ_BY_RECBOLE


def plugin_keys() -> frozenset[str]:
    """Return the keys that the property files of the plugin name and none of RecBole's does."""
    of_recbole, own = _named()
    return own - of_recbole


def check(config: Any, any_key: bool = False) -> None:
    """Refuse keys of files, dict and command line that nobody reads; a key of another model only gets a warning.

    RecBole takes every ``--name=value`` of ``sys.argv``, whatever program runs it (``pytest --cov=x``). So there an
    unknown key is refused only if it looks mistyped; any other belongs to that program and is left out.

    Args:
        any_key: no file says what the model reads, so an unknown key only gets a warning.

    Raises:
        ConfigError: a key is unknown, or given where another is read; the message names it, where it stands, and the
            nearest known name.
    """
    refuse_files(config.file_config_dict, "a configuration file")
    refuse_files(config.variable_config_dict, "the configuration dict")
    check_device(config.external_config_dict.get("device"))
    check_protocol({**config.internal_config_dict, **config.external_config_dict}.get("eval_args"))
    # Those of a data set's own file may be of a source, which is read whole.
    check_parts(config.external_config_dict.get("benchmark_filename"))
    known = own_keys(config)
    for given, where in (
        (config.file_config_dict, "a configuration file"), (config.variable_config_dict, "the configuration dict"),
    ):  # fmt: skip
        (_warn if any_key else _refuse)(given, known, where, config.model)
    for key in [key for key in config.cmd_config_dict if key not in known | keys_of_other_models()]:
        if difflib.get_close_matches(key.lower(), map(str.lower, known), 1, _TYPO):
            _refuse({key: None}, known, "the command line", config.model)
        getLogger().warning(f"[--{key}] of [{Path(sys.argv[0]).name}] is no configuration key and is left out.")
        del config.cmd_config_dict[key]
        config.external_config_dict.pop(key, None)


def refuse_files(given: Iterable[str], where: str) -> None:
    """Refuse a key that is meant to name configuration files, which nobody would read.

    Raises:
        ConfigError: the message says how files are given.
    """
    for key in _OF_FILES:
        if key in given:
            told = "--config_files=A.yaml (ktrec) or config_file_list=[...] of run_recbole and Config (Python)"
            raise ConfigError(f"[{key}] in {where}: no file is read by it. Give files with {told}.")


def check_beside(path: Path, given: Iterable[str], known: Iterable[str] = ()) -> None:
    """Refuse a key that nobody reads in the property file beside the data, which serves every model.

    Args:
        known: keys of the model that runs, where it is one of a user's own.

    Raises:
        ConfigError: a key is unknown; the message names it, the file, and the nearest known name.
    """
    refuse_files(given, f"property file [{path}]")
    read = all_keys() | set(known)
    for key in given:
        if key not in read:
            raise ConfigError(f"Unknown key [{key}] in property file [{path}].{nearest(str(key), read)}")


def check_protocol(protocol: object) -> None:
    """Refuse a key of ``eval_args`` that RecBole does not read, and a split that leaves it without a part.

    Raises:
        ConfigError: the message names the key, the known ones and the nearest of them, or the split.
    """
    for key in protocol if isinstance(protocol, Mapping) else ():
        one_of("eval_args: the key", key, _OF_PROTOCOL)
    split = protocol.get("split") if isinstance(protocol, Mapping) else None
    shares = split.get("RS") if isinstance(split, Mapping) else None
    if isinstance(shares, list) and len(shares) != _PARTS:
        raise ConfigError(
            f"eval_args: split {{RS: {shares}}} has {counted(len(shares), 'share')}: RecBole wants {_PARTS}, for "
            "training, validation and test, such as [0.8, 0.1, 0.1]."
        )


def check_parts(names: object) -> None:
    """Refuse files of a split that leave it without a part.

    Raises:
        ConfigError: ``benchmark_filename`` names more or fewer than three; the message says how a part is left empty.
    """
    if isinstance(names, list) and names and len(names) != _PARTS:
        raise ConfigError(
            f"benchmark_filename {names} names {counted(len(names), 'file')}: RecBole wants {_PARTS}, for training, "
            "validation and test. One that holds its header alone is an empty part."
        )


def _warn(given: Mapping[str, Any], known: set[str], where: str, model: str) -> None:
    for key in [key for key in given if key not in known | keys_of_other_models()]:
        hint = nearest(str(key), known)
        getLogger().warning(f"[{key}] in {where} is in no property file: it is passed on to {model}.{hint}")


def _refuse(given: Mapping[str, Any], known: set[str], where: str, model: str) -> None:
    for key in [key for key in given if key not in known]:
        if key in keys_of_other_models():
            getLogger().warning(f"[{key}] in {where} is a key of other models, {model} does not read it.")
            continue
        hint = nearest(str(key), known) or nearest(str(key), keys_of_other_models())
        raise ConfigError(f"Unknown key [{key}] in {where}: neither RecBole nor {model} reads it.{hint}")


def check_device(device: object) -> None:
    """Refuse what RecBole replaces without a word.

    Raises:
        ConfigError: ``device`` is given; the message says what to give instead.
    """
    if device is None:
        return
    import torch

    blind = (
        "" if torch.version.cuda or torch.version.hip else f" This torch ({torch.__version__}) is built for CPUs only."
    )
    raise ConfigError(
        f"device [{device}]: RecBole sets it by gpu_id. --gpu_id=0 is the first GPU, --gpu_id='' the CPU.{blind}"
    )


def check_graph(model: str, columns: object) -> None:
    """Refuse ``load_col`` that leaves a knowledge model of RecBole without its graph: it would fail on a bare None.

    Args:
        columns: what ``load_col`` is; None loads every file.

    Raises:
        ConfigError: the message names what is missing, and the columns by RecBole's default names.
    """
    from recbole.utils import ModelType, get_model

    if not isinstance(columns, Mapping) or get_model(model).type != ModelType.KNOWLEDGE:
        return
    if missing := [part for part in ("kg", "link") if part not in columns]:
        raise ConfigError(
            f"[{model}] reads a knowledge graph, the files .kg and .link, and load_col leaves out "
            f"[{', '.join(missing)}]: name them for it, as in "
            "load_col: {inter: [user_id, item_id], kg: [head_id, relation_id, tail_id], link: [item_id, entity_id]}."
        )
