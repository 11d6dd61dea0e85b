"""Held-out interactions for choices that no gradient makes: blend weights and the calibration of probabilities."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from recbole_ktrec.errors import ConfigError, counted
from recbole_ktrec.model.interactions import TrainingInteractions, positive
from recbole_ktrec.nn.blend import HeldOutRows
from recbole_ktrec.nn.samples import Sample

_logger = logging.getLogger(__name__)
#: Users that are looked at: as many as give this many scores, within these bounds. More choose better, and slower.
_SCORES, _LEAST_USERS, _MOST_USERS = 40_000_000, 2000, 10_000
_DRAWS = 64


@dataclass(frozen=True)
class HeldOut:
    """Validation interactions of a sample of users.

    Attributes:
        users: internal ids, ``[m]``.
        row, item: the held-out interactions, ``[n]`` each; row counts ``users``.
        absent: items that may not have been there yet, bool ``[n_items]``, see :func:`held_out`; None if all were.
        again: whether all that was taken stays a candidate (``repeatable``).
        refused: what they rated below ``threshold`` in training, ``[m, n_items]``; None without one.
    """

    users: Tensor
    row: Tensor
    item: Tensor
    absent: np.ndarray | None = None
    again: bool = False
    refused: sp.csr_matrix | None = None

    def some(self, rows: slice) -> HeldOut:
        """Return those of some of the users."""
        start, stop, step = rows.indices(len(self.users))
        kept = (self.row >= start) & (self.row < stop) & ((self.row - start) % step == 0)
        refused = None if self.refused is None else self.refused[rows]
        row = (self.row[kept] - start) // step
        return replace(self, users=self.users[rows], row=row, item=self.item[kept], refused=refused)

    def sample(self, interactions: sp.csr_matrix, places: sp.csr_matrix | None) -> Sample:
        """Return them as the closed form reads them.

        Args:
            interactions: of the training, ``[n_users, n_items]``.
            places: of these from the end of each history, see :mod:`recbole_ktrec.nn.recency`, or None.
        """
        users, pairs = self.users.numpy(), (self.row.numpy(), self.item.numpy())
        ones, shape = np.ones(len(self.row), dtype=np.float32), (len(users), interactions.shape[1])
        positives, places = sp.csr_matrix((ones, pairs), shape), None if places is None else places[users]
        return Sample(
            interactions[users], positives, self.absent, places=places, again=self.again, refused=self.refused
        )

    def positives(self, n_items: int) -> Tensor:
        """Return them as a matrix: bool ``[m, n_items]``."""
        matrix = torch.zeros(len(self.users), n_items, dtype=torch.bool)
        matrix[self.row, self.item] = True
        return matrix

    def excluded(self, interactions: sp.csr_matrix) -> Tensor:
        """Return what is no candidate: bool ``[m, n_items]``.

        That is padding, absent items, what a user took in ``interactions`` and what he rated too low to count.

        As RecBole ranks, what a user took again is one, and everything is if all stays a candidate.
        """
        excluded = torch.zeros(len(self.users), interactions.shape[1], dtype=torch.bool)
        if not self.again:
            excluded |= torch.from_numpy(interactions[self.users.numpy()].toarray() > 0)
            if self.refused is not None:
                excluded |= torch.from_numpy(self.refused.toarray() > 0)
        excluded[self.row, self.item] = False
        excluded[:, 0] = True
        if self.absent is not None:
            excluded[:, torch.from_numpy(self.absent)] = True
        return excluded

    def asked(self, interactions: sp.csr_matrix) -> tuple[Tensor, Tensor]:
        """Return what is no candidate, see :meth:`excluded`, and what was taken: bool ``[m, n_items]`` each."""
        return self.excluded(interactions), self.positives(interactions.shape[1])

    def by_rows(self, interactions: sp.csr_matrix) -> HeldOutRows:
        """Return what gives :meth:`asked` of some of the users: of all it takes much memory."""
        return lambda rows: self.some(rows).asked(interactions)


def check_valid_metric(config: Any, valid_data: Any) -> None:
    """Refuse a validation metric that is not measured: RecBole looks for it after the closed form and an epoch.

    Raises:
        ConfigError: there are validation data, and ``metrics`` or ``topk`` leave out what ``valid_metric`` names.
    """
    from recbole.evaluator.register import metrics_dict

    if not valid_data or min(config["eval_step"], config["epochs"]) <= 0:  # then RecBole looks for none
        return
    name, _, cut = str(config["valid_metric"]).lower().partition("@")
    names, cuts = [str(one).lower() for one in config["metrics"]], [str(one) for one in config["topk"]]
    modules = [metrics_dict[one].__module__.partition(".")[0] for one in names if one in metrics_dict]
    if not {*modules} <= {"recbole", "recbole_ktrec"}:  # a user's own metric may call its values as it likes
        return
    if name not in names or (cut and cut not in cuts):
        raise ConfigError(
            f"valid_metric [{config['valid_metric']}] is none of what is measured, metrics {config['metrics']} with "
            f"topk {config['topk']}: name one of these."
        )


def held_out(valid_data: Any, seed: int, taken: TrainingInteractions | None = None) -> HeldOut | None:
    """Return validation interactions of a sample of users (the same for the same seed), or None if there are none.

    The sample has up to 2,000 users, of catalogues below 20,000 items more, up to 10,000.

    Where all validation interactions are later than those of training, an item that is in neither may come later still
    (it is in the catalogue because it is asked for in the test). Nobody could take it at the time of validation, so
    choices that have it as a candidate would learn that new items are wanted less than they will be.

    Args:
        taken: the training interactions; without them no item is taken for absent.
    """
    if valid_data is None:
        return None
    dataset, kept = valid_data._dataset, positive(valid_data._dataset)
    fields = dataset.uid_field, dataset.iid_field
    user, item = (dataset.inter_feat[field].cpu().numpy()[kept] for field in fields)
    users = np.unique(user)
    if not len(users):
        return None
    most = int(np.clip(_SCORES // dataset.item_num, _LEAST_USERS, _MOST_USERS))
    chosen = np.sort(np.random.default_rng(seed).permutation(users)[:most])
    some = np.isin(user, chosen)
    row = np.searchsorted(chosen, user[some])
    absent = None if taken is None else _absent(dataset, item, taken)
    again = bool(dataset.config["repeatable"])
    refused = None if taken is None or taken.refused is None else taken.refused[chosen]
    found = torch.from_numpy(chosen), torch.from_numpy(row), torch.from_numpy(item[some])
    return HeldOut(*found, absent, again, refused)


def _absent(dataset: Any, items: np.ndarray, taken: TrainingInteractions) -> np.ndarray | None:
    """Return which items are neither in training nor among ``items``, those held out; None where these are no later."""
    feat, time = dataset.inter_feat, dataset.time_field
    if taken.until is None or time not in feat.columns or float(feat[time].min()) < taken.until:
        return None
    absent = ~taken.known
    absent[items] = False
    if not absent[1:].any():
        return None
    _logger.info(
        f"{counted(int(absent[1:].sum()), 'item')} came after the validation data, perhaps: no candidates in choices"
    )
    return absent


def with_negatives(found: HeldOut, masked: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return (row, item, label): the positives and as many random items that the user does not know.

    Args:
        masked: bool ``[m, n_items]``, true where an item is no candidate for a user.
    """
    generator = torch.Generator().manual_seed(seed)
    known = masked | found.positives(masked.shape[1])
    # So many draws that a user who knows nine in ten items is left without a free one once in 800 times.
    noise = torch.rand(len(found.row), _DRAWS, generator=generator)
    drawn = (noise * masked.shape[1]).long().clamp(min=1)
    free = ~known[found.row.unsqueeze(1), drawn]
    usable = free.any(dim=1)
    negative = drawn[torch.arange(len(drawn)), free.int().argmax(dim=1)][usable]
    labels = torch.cat([torch.ones(len(found.row)), torch.zeros(int(usable.sum()))])
    return torch.cat([found.row, found.row[usable]]), torch.cat([found.item, negative]), labels
