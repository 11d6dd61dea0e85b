"""The steps of ``run_recbole`` as functions: configuration, data, parts as tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from recbole_ktrec.compat.host_errors import remedy
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.arguments import no_command_line, quoted

if TYPE_CHECKING:
    from recbole.config import Config
    from recbole.data.dataset import Dataset


def make_config(model: str, dataset: str, values: Mapping[str, Any]) -> Config:
    """Return RecBole's ``Config`` of ``model`` on ``dataset``: its property files, then ``values``.

    Raises:
        ConfigError: RecBole does not know the model, or refuses a value.
    """
    from recbole.config import Config

    with no_command_line():
        try:
            return Config(model=model, dataset=dataset, config_dict=quoted(values))
        except (ValueError, KeyError, NotImplementedError, RuntimeError, TypeError, AttributeError) as error:
            advice = remedy(str(error))
            raise ConfigError(f"RecBole cannot configure [{model}] on [{dataset}]: {error}{advice}") from error


def data_config(dataset: str, values: Mapping[str, Any]) -> Config:
    """Return a ``Config`` to read ``dataset`` with: of a model that wants nothing, how others are trained left out."""
    return make_config("Pop", dataset, {key: values[key] for key in values if key != "train_neg_sample_args"})


def load_parts(config: Config) -> tuple[Dataset, list[Dataset]]:
    """Return the data set and its train, valid and test parts, exactly as ``run_recbole`` makes them."""
    from recbole.data import create_dataset
    from recbole.utils import init_seed

    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    return dataset, list(dataset.build())


def is_sequential(config: Config) -> bool:
    """Return whether RecBole trains the model on steps of histories."""
    return str(config["MODEL_TYPE"]).endswith("SEQUENTIAL")


def item_tokens(dataset: Dataset) -> np.ndarray:
    """Tokens of the candidate items in the order of their ids, padding left out; shape (n_items - 1,)."""
    return np.asarray(dataset.field2id_token[dataset.iid_field][1:], dtype=str)


def user_tokens(dataset: Dataset) -> np.ndarray:
    """Tokens of the users in the order of their ids, padding left out; shape (n_users - 1,)."""
    return np.asarray(dataset.field2id_token[dataset.uid_field][1:], dtype=str)


def pair_ids(part: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """User and item ids of the interactions of a part, shape (n,) each."""
    return part.inter_feat[part.uid_field].numpy(), part.inter_feat[part.iid_field].numpy()


def pair_tokens(part: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """User and item tokens of the interactions of a part, shape (n,) each."""
    users, items = pair_ids(part)
    return user_tokens(part)[users - 1], item_tokens(part)[items - 1]


def mask_known(loader: Any, users: np.ndarray, items: np.ndarray) -> None:
    """Take known items out of the candidates of a full-ranking ``loader``, as RecBole does with those of its own parts.

    Args:
        users, items: ids, shape (n,) each. An item that the user is also tested on stays: data may have repeats.
    """
    for one, own in pd.Series(items).groupby(users):
        given = np.setdiff1d(own.to_numpy(), loader.uid2positive_item[one].numpy())
        loader.uid2history_item[one] = torch.cat([loader.uid2history_item[one], torch.from_numpy(given)])
