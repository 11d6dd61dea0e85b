"""The keys of multi-task training, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recbole_ktrec.errors import ConfigError, number, one_of
from recbole_ktrec.model import same_data

CONFLICTS = ("pcgrad", "none")


@dataclass(frozen=True)
class MultiTaskSettings:
    """``source_datasets`` and what belongs to them.

    Attributes:
        names: the source data sets; empty for none.
        data_path: their folder.
        weight: of a source's gradient on shared parameters.
        pcgrad: whether conflicts are taken out.
    """

    names: tuple[str, ...]
    data_path: str
    weight: float
    pcgrad: bool

    @classmethod
    def read(cls, config: Any) -> MultiTaskSettings:
        """Read the keys from RecBole's configuration.

        Raises:
            ConfigError: a value cannot be used; the message names the key.
        """
        weight, conflict = read_numbers(config)
        path = config["source_data_path"] or config.external_config_dict.get("data_path")
        path = path or config.internal_config_dict["data_path"]
        return cls(_names(config), str(path), weight, conflict == "pcgrad")


def read_numbers(config: Any) -> tuple[float, str]:
    """Return ``source_weight`` and ``gradient_conflict``.

    Raises:
        ConfigError: a value cannot be used; the message names the key.
    """
    conflict = one_of("gradient_conflict", config["gradient_conflict"], CONFLICTS)
    return number("source_weight", config["source_weight"], least=0), conflict


def _names(config: Any) -> tuple[str, ...]:
    given = config["source_datasets"]
    names = [given] if isinstance(given, str) else given or []
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"source_datasets [{given}] is not a list of names of data sets.")
    if names and same_data.names(config) & set(names):
        raise ConfigError(
            f"source_datasets: [{config['dataset']}] is the data set of this run; as a source it would be trained on "
            "its own validation and test interactions."
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"source_datasets {list(names)} has a name twice.")
    if names and config["fusion"] == "id":
        raise ConfigError("source_datasets need a fusion that reads text: with fusion [id] nothing is shared.")
    return tuple(names)
