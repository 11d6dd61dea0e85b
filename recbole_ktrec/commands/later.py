"""A data set as it is after the training: what users did since, new users and new items among it."""

from __future__ import annotations

import copy
from collections import defaultdict
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.atomic import encoding_of, iter_atomic
from recbole_ktrec.commands.filtered import read_beside
from recbole_ktrec.errors import ConfigError, DataError, counted

if TYPE_CHECKING:
    from recbole_ktrec.model.interactions import TrainingInteractions

_logger = getLogger(__name__)


class Later:
    """The data set of a trained model as it is now, as far as lists are made from it.

    Users have the numbers of the longer data set, items those of the training; which items came since, the training
    has no number for. All settings of the training hold but for how often users and items must occur.

    It holds what the files said when they were read: they may be replaced while lists are made.

    Attributes:
        beside: see :func:`recbole_ktrec.commands.filtered.beside`.
        config: that of the training, with the other folder.
        dataset_path, dataset_name, uid_field, iid_field, field2id_token, field2token_id: as RecBole's data sets have.
    """

    def __init__(self, dataset: Any, whole: Any) -> None:
        self._whole, self.config = whole, whole.config
        self.dataset_path, self.dataset_name = whole.dataset_path, whole.dataset_name
        self.uid_field, self.iid_field = dataset.uid_field, dataset.iid_field
        users, items = self.uid_field, self.iid_field
        self.field2id_token = {users: whole.field2id_token[users], items: dataset.field2id_token[items]}
        self.field2token_id = {users: whole.field2token_id[users], items: dataset.field2token_id[items]}
        self._tokens = [str(token) for token in whole.field2id_token[self.iid_field]]
        known = self.field2token_id[self.iid_field]
        self._numbers = np.array([int(known.get(token, 0)) for token in self._tokens])
        self.beside = read_beside(self) if self.config["val_interval"] else self._of_new_items()

    def _of_new_items(self) -> dict[str, list[str]]:
        """Return who took which items without a number; no filter has left out users."""
        users, items = (np.asarray(self._whole.inter_feat[field]) for field in (self.uid_field, self.iid_field))
        names, found = self.field2id_token[self.uid_field], defaultdict[str, list[str]](list)
        for at in np.flatnonzero(self._numbers[items] == 0):
            found[str(names[users[at]])].append(self._tokens[items[at]])
        return dict(found)

    @classmethod
    def read(cls, model: Any, dataset: Any, folder: Path) -> Later:
        """Read the files of ``folder/NAME``, NAME being that of the data set of the training.

        Raises:
            ConfigError: the model has scores for the users of its training alone.
            DataError: there is no such data set, or its ``.inter`` file lacks rows or columns.
        """
        from recbole.data import create_dataset

        if not hasattr(model, "fold_in"):
            raise ConfigError(f"--data-path [{type(model).__name__}]: KTRec and KTEASE alone take histories in later.")
        path = folder / dataset.dataset_name
        _check(path / f"{dataset.dataset_name}.inter", dataset)
        config = copy.deepcopy(dataset.config)
        # What users took stays so where the .item or .user file no longer, or not yet, has a row of it.
        for key, value in {"data_path": str(path), "save_dataset": False, "benchmark_filename": None,
                           "user_inter_num_interval": None, "item_inter_num_interval": None,
                           "filter_inter_by_user_or_item": False}.items():  # fmt: skip
            config[key] = value
        whole = create_dataset(config)
        if 2 * whole.inter_num < dataset.inter_num:
            told = f"[{path}] has {counted(whole.inter_num, 'interaction')}, the training {dataset.inter_num:,}"
            _logger.warning(f"--data-path: {told}: it should hold all until now, users have no other history.")
        return cls(dataset, whole)

    def inter_matrix(self, form: str = "csr") -> sp.spmatrix:
        """Return who took what of the items that have a number, ``[n_users, n_items]``."""
        counts, n_items = self._whole.inter_matrix(form="csr"), len(self.field2id_token[self.iid_field])
        return (counts @ _places(self._numbers, self._numbers > 0, n_items)).asformat(form)

    def give(self, model: Any, unseen: Any = None) -> None:
        """Let ``model`` score the users by what they have taken by now; tell how many interactions say nothing.

        Lists that are made of it at the time, by other threads or from what :func:`recommend` returned, change with it:
        there take :meth:`given`.

        Args:
            unseen: the items that came since (:class:`recbole_ktrec.model.unseen_items.UnseenItems`), read if they are
                not given: they speak for who took them, as do items with a text that only this data set has taken.
        """
        model.take(self._heard(model, unseen))

    def given(self, model: Any, unseen: Any = None) -> Any:
        """Return a model that scores as ``model`` does after :meth:`give`, which stays as it is.

        It has the parameters of ``model``, not copies; it is for lists, not for training.
        """
        return model.with_histories(self._heard(model, unseen))

    def _heard(self, model: Any, unseen: Any) -> TrainingInteractions:
        """Return what users have taken as ``model`` reads it; tell how many interactions say nothing."""
        from recbole_ktrec.model.interactions import TrainingInteractions
        from recbole_ktrec.model.unseen_items import UnseenItems, why_not

        if unseen is None and not why_not(model, self.config):
            unseen = UnseenItems(model, self, None, now=False)
        known, read = speaking(model)[self._numbers], TrainingInteractions.of(self._whole)
        taken = model.read_again(self._whole, np.where(known, self._numbers, 0), read)
        place = {token: at for at, token in enumerate([] if unseen is None else unseen.tokens)}
        at = np.array([place.get(token, -1) for token in self._tokens])
        if unseen is not None:
            taken = unseen.hear(taken, sp.csr_matrix(read.matrix @ _places(at, at >= 0, len(place))))
        self._tell_lost(known, at >= 0, taken.beside is not None)
        return taken

    def given_to(self, model: Any) -> bool:
        """Return whether the histories of ``model`` are those of :meth:`give`, users that joined them since or not."""
        return model.taken.users is self.field2id_token[self.uid_field]

    def _tell_lost(self, known: np.ndarray, read: np.ndarray, speak: bool) -> None:
        """Say how many interactions are with items of no use: not ``known``, nor of those that are ``read`` and do."""
        from recbole_ktrec.model.interactions import positive

        taken, heard = np.asarray(self._whole.inter_feat[self.iid_field])[positive(self._whole)], known | (read & speak)
        lost = taken[~heard[taken]]
        if len(lost):
            told = f"{counted(len(lost), 'interaction')} with {counted(len(np.unique(lost)), 'item')}"
            why = "the model has neither a number nor a text of these."
            if read[lost].any():
                why = "the model has no number of these, and hears texts beside a closed form only."
            _logger.warning(f"{told} of [{self.dataset_path}] say nothing: {why}")


def speaking(model: Any) -> np.ndarray:
    """Return which items say something of who took them: those with interactions in the training or a text."""
    return np.asarray(model.trained_on.known | model.content_items().cpu().numpy())


def _check(path: Path, dataset: Any) -> None:
    """Refuse an ``.inter`` file that is not there, is empty or lacks what says who took what."""
    if not path.is_file():
        parts = dataset.config["benchmark_filename"]
        whole = f" The training's came in parts ({', '.join(parts)}), this is one." if parts else ""
        raise DataError(f"--data-path: [{path}] does not exist.{whole}{_meant(path)}")
    columns = [dataset.uid_field, dataset.iid_field, *(dataset.config["threshold"] or ())]
    if next(iter_atomic(path, columns, encoding_of(dataset.config)), None) is None:
        raise DataError(f"--data-path: [{path}] has no interactions.")


def _meant(path: Path) -> str:
    """Return what to do where the folder given is one with an ``.inter`` file, not the one around it; else nothing."""
    folder = path.parent.parent
    if (folder / path.name).is_file() and folder.resolve().name == path.stem:
        return f" [{folder}] is the data set itself: name the folder around it, --data-path {folder.resolve().parent}."
    if found := sorted(folder.glob("*.inter")):
        return f" There is [{found[0]}]: data sets keep their name, convert into [{path.parent}]."
    return ""


def _places(columns: np.ndarray, kept: np.ndarray, count: int) -> sp.csr_matrix:
    """Return the matrix that moves column k to ``columns[k]`` where it is ``kept``: ``[len(columns), count]``."""
    rows = np.flatnonzero(kept)
    return sp.csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns[rows])), (len(columns), count))
