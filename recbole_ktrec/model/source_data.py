"""Source data sets of a multi-task run: read through RecBole, each with the property files of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.files import check_data_folder, check_interactions
from recbole_ktrec.model import likeness, same_data
from recbole_ktrec.register.arguments import no_command_line, quoted
from recbole_ktrec.text import TextSettings

#: Text keys that say how the files of one data set are read; all others must be the target's.
_OF_ONE_DATA_SET = ("text_fields", "text_template", "text_missing")
_ALSO_THE_TARGETS = ("use_gpu", "gpu_id", "seed", "reproducibility", "state", "whitening", "graph_layers", "fusion",
                     "embedding_size", "shuffle_texts")  # fmt: skip


def load_source(name: str, data_path: str, target: Any) -> tuple[Any, Any]:
    """Return RecBole's configuration and data set (all of its interactions) of a source.

    Args:
        name: of the data set.
        data_path: the folder that holds its folder.
        target: the configuration of the run, which gives the encoder and the form of the model.

    Raises:
        DataError: the files are not there, or RecBole cannot read them; the message names the folder and the nearest
            name, or says why.
        ConfigError: they are the run's own, under another name or as a split of them.
    """
    from recbole.config import Config
    from recbole.data import create_dataset

    keys = [key for key in TextSettings.keys() if key not in _OF_ONE_DATA_SET]
    values = {key: target[key] for key in (*keys, *_ALSO_THE_TARGETS)}
    values["data_path"] = data_path
    with no_command_line():
        config = Config(model=target["model"], dataset=name, config_dict=quoted(values))
    config["device"] = target["device"]
    folder, title = Path(config["data_path"]), f"source_datasets [{name}]"
    check_data_folder(folder, title, f"Give source_data_path, where {name}/{name}.inter is.")
    if not config["benchmark_filename"]:
        check_interactions(folder, name, title)
    _refuse_own_data(name, config, target)
    _want_columns(config)
    try:
        return config, create_dataset(config)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{title}: RecBole cannot read it with the settings of [{name}]: {error}") from error


def _want_columns(config: Any) -> None:
    """Load the ids and the column of ``threshold``, whose names RecBole's default ``load_col`` need not hold."""
    columns = (config["load_col"] or {}).get("inter")
    if columns and columns != "*":
        wanted = [config["USER_ID_FIELD"], config["ITEM_ID_FIELD"], *(config["threshold"] or ())]
        config["load_col"] = {**config["load_col"], "inter": list(dict.fromkeys([*columns, *wanted]))}


def _refuse_own_data(name: str, config: Any, target: Any) -> None:
    own, other = same_data.inter_sha256(target), same_data.inter_sha256(config)
    if (own is not None and own == other) or same_data.names(config) & same_data.names(target):
        raise ConfigError(
            f"source_datasets: [{name}] holds the interactions of [{target['dataset']}], the data set of this run; as "
            "a source it would be trained on its own validation and test interactions."
        )


def copy_told(name: str, taken: tuple[np.ndarray, np.ndarray], asked: tuple[np.ndarray, np.ndarray]) -> str:
    """Return a warning of a source that holds interactions or texts of the target, whatever its name and order, or
    nothing.

    Args:
        taken, asked: hashes of the interactions and of the item texts (:mod:`recbole_ktrec.model.likeness`) of the
            source and of the target.
    """
    pairs, texts = (likeness.part_in(mine, likeness.sketch(its)) for mine, its in zip(asked, taken, strict=True))
    if pairs >= likeness.SAME_INTERACTIONS:
        what = f"{pairs:.0%} of the interactions of this run are in [{name}]: KTRec"
    elif texts >= likeness.SAME_TEXTS:
        what = f"{texts:.0%} of the item texts of this run are in [{name}]: if these are the same data, KTRec"
    else:
        return ""
    return f"source_datasets: about {what} learns from the held-out interactions, and what it gives here says too much."
