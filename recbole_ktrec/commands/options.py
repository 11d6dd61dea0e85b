"""RecBole's settings as command line options: ``--key=value``, read as plain values and never evaluated as code."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Sequence
from logging import getLogger
from pathlib import Path
from typing import Any

import yaml

from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.files import read_mapping, with_numbers
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.keys import all_keys, plugin_keys, refuse_files
from recbole_ktrec.register.properties import model_files

#: Help of --seeds, see :func:`recbole_ktrec.evaluation.options.seeds_of`.
SEEDS = "one number below 1000 is how many (3, the default: 2020 2021 2022); more numbers, or one above, are the seeds"


def user_path(text: str) -> Path:
    """Return the path ``text``; a shell leaves the ``~`` of ``--output=~/x`` as it is."""
    return Path(text).expanduser()


def files_in(text: str) -> list[str]:
    """Return the files of ``--config_files``, which blanks part; a shell leaves each ``~`` as it is."""
    return [os.path.expanduser(file) for file in text.split()]


def read_value(text: str) -> Any:
    """Return what ``text`` means: a Python literal (``0.1``, ``[1, 2]``, ``None``), else YAML, else ``text`` itself."""
    if text == "~":
        return None
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    # A list or mapping has brackets here: "query: " is what E5 wants before a text, and no mapping.
    return value if isinstance(value, bool) or (isinstance(value, list | dict) and text.strip()[:1] in "[{") else text


def read_options(rest: Sequence[str]) -> dict[str, Any]:
    """Return ``{key: value}`` of the arguments ``--key=value``; keys have underscores, ``--data-path`` is data_path.

    Raises:
        ConfigError: an argument has another form, or a key stands there twice with different values.
    """
    options: dict[str, Any] = {}
    for argument in rest:
        key, equals, text = argument.removeprefix("--").partition("=")
        if not (argument.startswith("--") and key and equals):
            raise ConfigError(f"Argument [{argument}] is not of the form --key=value (one word, no blank around =).")
        key, value = key.replace("-", "_"), read_value(text)
        if options.get(key, value) != value:
            raise ConfigError(f"Key [{key}] stands there twice, with [{options[key]}] and [{value}].")
        options[key] = value
    return options


def check_options(options: dict[str, Any], model: str, filed: Iterable[str] = ()) -> list[str]:
    """Refuse a key that no property file knows; for a model that may read any key (built in, no file), only warn of it.

    Args:
        options: of the command line.
        filed: keys of configuration files; a registered model refuses unknown ones itself, and names where they stand.

    Returns:
        The warnings, to be told again when the training has pushed them away.

    Raises:
        ConfigError: the key is meant to name a file, or is unknown and ``model`` is a registered one.
    """
    refuse_files(options, "the command line")
    known = all_keys()
    unknown = {key: f"Unknown key [--{key}].{nearest(key, known)}" for key in options if key not in known}
    registered = model in MODELS
    if registered and model_files(model):
        if unknown:
            raise ConfigError(next(iter(unknown.values())))
        return []
    in_files = "Unknown key [{}] in a configuration file.{}"
    unknown.update({key: in_files.format(key, nearest(key, known)) for key in filed if key not in {*known, *options}})
    told = [f"{message} It is passed on to {model}." for message in unknown.values()]
    told += [
        f"[--{key}] is a key of recbole_ktrec: {model} does not read it."
        for key in options
        if not registered and key in plugin_keys()
    ]
    for message in told:
        getLogger().warning(message)
    return told


def read_config_files(files: Sequence[str]) -> dict[str, Any]:
    """Return what the YAML ``files`` say together, later ones first; a tag of Python's own is left to RecBole.

    Raises:
        ConfigError: a file is missing, empty, no YAML, no mapping of keys to values, or names further files.
    """
    said: dict[str, Any] = {}
    for file in files:
        try:
            content = read_mapping(Path(file), "Configuration file")
        except ConfigError as error:
            if isinstance(error.__cause__, yaml.constructor.ConstructorError):
                continue
            raise
        if not content:
            raise ConfigError(f"Configuration file [{file}] is empty.")
        refuse_files(content, f"configuration file [{file}]")
        said.update({key: with_numbers(value) for key, value in content.items()})
    return said
