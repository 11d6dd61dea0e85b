"""Knowledge from other data sets: the keys that ask for it, and the guard that takes it only if it pays."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ktrec.errors import ConfigError, DataError, number, one_of, switch
from recbole_ktrec.model import likeness, same_data
from recbole_ktrec.model.artifact import Artifact, load
from recbole_ktrec.model.artifact_card import artifact_folder, read_card
from recbole_ktrec.nn.tuning import beyond_standard_error, standard_error

TRANSFERS = ("zero_shot", "frozen", "adapter", "full")
#: What competes, the plainest first.
VARIANTS = ("untrained", "scratch", "transferred")
#: Standard errors by which they must be ahead. The metric of the target is learned from the very users that are asked.
PROOF = {"scratch": 2.0, "transferred": 1.0}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TransferSettings:
    """The keys ``pretrained`` and ``transfer*``, checked.

    Attributes:
        artifact: what ``pretrained`` names.
        how: one of ``TRANSFERS``.
        guard: whether the variants compete.
        prior_count: interactions that the sources' statistics stand for with ``full``.
    """

    artifact: Artifact
    how: str
    guard: bool
    prior_count: float

    @classmethod
    def read(cls, config: Any) -> TransferSettings | None:
        """Return the settings, or None where nothing is transferred.

        Raises:
            ConfigError: a value cannot be used.
            DataError: the artifact cannot be read.
        """
        how, guard, count = read_keys(config)
        if config["pretrained"] is None:
            return None
        artifact = load(artifact_folder(config))
        if warning := leakage(artifact, config):
            _logger.warning(warning)
        return cls(artifact, how, guard, count)

    def warn_of_copies(self, config: Any, dataset: Any, texts: np.ndarray) -> None:
        """Warn of a source that holds interactions or texts of ``dataset``, RecBole's, whatever its name and order.

        Args:
            texts: hashes of its item texts, which are read already.
        """
        if leakage(self.artifact, config):
            return  # it is told already
        pairs = likeness.of_dataset(dataset)
        if source := self.artifact.learned_from((), pairs=pairs):
            _logger.warning(leakage_warning(self.artifact.folder, source))
        elif same := self.artifact.same_texts(texts):
            _logger.warning(copy_warning(self.artifact.folder, *same))

    @property
    def zero_shot(self) -> bool:
        """Whether nothing is learned from the target."""
        return self.how == "zero_shot"

    def refuse_other(self, weights_sha256: str | None) -> None:
        """Refuse an artifact with other weights than those of the digest, None for not known.

        Raises:
            DataError: they differ.
        """
        if weights_sha256 not in (None, self.artifact.card["weights_sha256"]):
            raise other_artifact(self.artifact.folder)


def read_keys(config: Any) -> tuple[str, bool, float]:
    """Return ``transfer``, ``transfer_guard`` and ``transfer_prior_count``; what ``pretrained`` names has a card.

    Raises:
        ConfigError: a value cannot be used.
        DataError: ``pretrained`` is not the folder of an artifact.
    """
    how = one_of("transfer", config["transfer"], TRANSFERS)
    guard = switch("transfer_guard", config["transfer_guard"])
    count = number("transfer_prior_count", config["transfer_prior_count"], above=0)
    if config["pretrained"] is not None:
        read_card(artifact_folder(config))
    elif how in ("adapter", "full"):
        raise ConfigError(f"transfer [{how}] needs pretrained: the folder that `ktrec pretrain` wrote.")
    return how, guard, count


def other_artifact(folder: Path | None) -> DataError:
    """Return the error of a checkpoint that was made with another artifact than ``folder`` now holds."""
    return DataError(
        f"pretrained: [{folder}] is another artifact than the one that the checkpoint was trained with: "
        "make it again from the same sources and settings, or train again."
    )


def leakage(artifact: Artifact, config: Any) -> str:
    """Return the warning that the run's own data are among the sources, or nothing.

    Args:
        config: with the run's ``dataset`` and the folder of its files, ``data_path``.
    """
    source = artifact.learned_from(same_data.names(config), same_data.inter_sha256(config))
    return leakage_warning(artifact.folder, source) if source else ""


def leakage_warning(folder: Path | None, source: str) -> str:
    """Return the warning that an artifact knows the answers."""
    return (
        f"The artifact [{folder}] was learned from [{source}], this run's own data, held-out interactions included: "
        "what it gives here is no measure of transfer."
    )


def copy_warning(folder: Path | None, source: str, share: float) -> str:
    """Return the warning that an artifact may know the answers, by other ids."""
    return (
        f"{share:.0%} of the item texts here are among those of [{source}], a source of the artifact [{folder}]: if "
        "that is this run's own data with other ids, it has the held-out interactions, and what it gives here is no "
        "measure of transfer."
    )


def pick(values: Mapping[str, np.ndarray]) -> str:
    """Return the plainest variant, or one that beats what is plainer by as many standard errors as ``PROOF`` says.

    Args:
        values: NDCG@10 of the same held-out users with each variant, ``[n_users]``; paired differences count.
    """
    used, *others = [name for name in VARIANTS if name in values]
    for name in others:
        if beyond_standard_error(values[name] - values[used], errors=PROOF[name]):
            used = name
    return used


def reasons(values: Mapping[str, np.ndarray]) -> str:
    """Return by how much each variant is ahead of the one that stood before it, and what is asked for."""
    (first, *others), told = [name for name in VARIANTS if name in values], list[str]()
    for at, name in enumerate(others):
        standing = pick({one: values[one] for one in (first, *others[:at])})
        gain, errors = values[name] - values[standing], PROOF[name]
        if not gain.any():
            told.append(f"{shown(name)} is no different from {shown(standing)}")
            continue
        asked = f"{errors:g} standard error{'s' * (errors > 1)}, {errors * standard_error(gain):.4f}"
        told.append(f"{shown(name)} is {gain.mean():+.4f} from {shown(standing)}, more than {asked}, is asked for")
    return "; ".join(told)


def means(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the mean of each variant, as it is logged and stored."""
    return {name: float(value.mean()) for name, value in values.items()}


def listed(scores: Mapping[str, float]) -> str:
    """Return the means for a log, or nothing where there are none."""
    return ": " * bool(scores) + ", ".join(f"{shown(name)} {score:.4f}" for name, score in scores.items())


def shown(variant: str) -> str:
    """Return how a log calls a variant: `ktrec transfer-report` calls another one scratch, the untrained."""
    return "learned here alone" if variant == "scratch" else variant
