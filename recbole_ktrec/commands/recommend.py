"""Recommend with a trained model: the best items for some users, or for all, from a checkpoint of `ktrec run`.

What a user has taken already, held-out interactions included, is left out, and KTRec and KTEASE make the list from all
of it. With these two, users may be asked for who were not there in the training: one whom a filter left out
(user_inter_num_interval) gets a list made from what he took, one of whom nothing is known what is taken in general, of
late if the data have times. --history makes one list for somebody who took these items, the oldest first, whoever that
is.
The data set must lie where it lay in training. With --data-path DIR, lists are made from the files of DIR/NAME, the
data set as it is now: for its users, by all that they have taken until now, new items with a text included.
Scores order the items of one user; they are no probabilities.
--new-items lists, too, items of the .item file that the model does not know, by their text: those that came since, and
those that nobody took (those it knows if it was trained with load_col={inter: [...], item: [item_id]}). With
--new-items only there are no others in the lists. --only-items FILE lists none but those that the file names, one id a
line: what is in stock, or of one kind. --for-item asks the other way round: for the users in whose lists an item stands
highest, new or not.

  ktrec recommend --checkpoint saved/KTEASE-Nov-26-2026_10-00-00.pth --users 196 22
  ktrec recommend --checkpoint saved/KTRec-Nov-26-2026_10-00-00.pth --topk 20 --output lists.csv
  ktrec recommend --checkpoint saved/KTRec-Nov-26-2026_10-00-00.pth --history 242 302 377
  ktrec recommend --checkpoint saved/KTRec-Nov-26-2026_10-00-00.pth --data-path now --new-items --output lists.csv
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.atomic import check_separator
from recbole_ktrec.commands.asked import asked_for, check_histories, meant, take_held_out
from recbole_ktrec.commands.checkpoints import load, load_with_validation
from recbole_ktrec.commands.for_item import is_new, users_for
from recbole_ktrec.commands.later import Later
from recbole_ktrec.commands.listed import ListedItems, only_items, refuse_unread, tell_gone, tell_unscored, write
from recbole_ktrec.commands.options import user_path
from recbole_ktrec.commands.scored import Request, nobodys, ranked, score
from recbole_ktrec.commands.session import add_threads, set_threads
from recbole_ktrec.errors import ConfigError, DataError, counted, one_of
from recbole_ktrec.files import whole_file
from recbole_ktrec.register.arguments import no_command_line
from recbole_ktrec.register.own_models import register_own

#: Part of the Python interface (docs/recommending.md): ``load`` and ``load_with_validation`` too.
__all__ = [
    "Later", "add_arguments", "load", "load_with_validation", "main", "new_items", "recommend", "recommend_from",
    "score", "users_for",
]  # fmt: skip
if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems

_logger = logging.getLogger(__name__)
#: What the user of a given history is called.
_ANYBODY = "new user"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--checkpoint", type=user_path, required=True, metavar="FILE", help="what `ktrec run` saved")
    parser.add_argument(
        "--register", nargs="+", default=[], metavar="M=MODULE", help="a model of your own, as in `run`"
    )
    parser.add_argument("--users", nargs="+", metavar="U", help="ids of the .inter file, blanks between (default: all)")
    what = "one list for a user who took these items, the oldest first (KTRec, KTEASE)"
    parser.add_argument("--history", nargs="+", metavar="ITEM", help=what)
    what = "instead of lists, the K users in whose lists this item stands highest, with its rank there"
    parser.add_argument("--for-item", metavar="ITEM", help=what)
    what = "list items, too, that came after the training or that nobody took, by their text (KTRec, KTEASE); `only`: "
    what += "no others"
    parser.add_argument("--new-items", nargs="?", const="also", metavar="only", help=what)
    what = "list none but the items that FILE names, one id a line: those in stock, say"
    parser.add_argument("--only-items", type=user_path, metavar="FILE", help=what)
    what = "make lists from DIR/NAME, the data set as it is now, with what users did since (KTRec, KTEASE)"
    parser.add_argument("--data-path", type=user_path, metavar="DIR", help=what)
    parser.add_argument("--topk", type=int, default=10, metavar="K", help="length of each list (default: 10)")
    parser.add_argument("--output", type=user_path, metavar="FILE", help="a CSV file (default: printed)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")
    add_threads(parser)


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Load, score, and print or write the lists."""
    args = parser.parse_args(argv)
    _check(args)
    register_own(args.register)
    set_threads(args.threads)
    with no_command_line(), _told_plainly():
        served = _serve(args)
        rows, lists = served.lists(args)
        if args.output is None:
            write(sys.stdout, rows, served.data, served.items)
            return 0
        with whole_file(args.output) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            write(file, rows, served.data, served.items)
    print(_told(args, lists))
    return 0


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    """Print what a service logs as warnings as all else that the command tells."""
    logger, plain = logging.getLogger(__name__.rpartition(".")[0]), logging.StreamHandler(sys.stderr)
    before = logger.level, logger.propagate
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    logger.addHandler(plain)
    try:
        yield
    finally:
        logger.removeHandler(plain)
        logger.setLevel(before[0])
        logger.propagate = before[1]


@dataclass(frozen=True)
class _Served:
    """A model with the histories that lists are made from.

    Attributes:
        data: of the training, or as they are now.
        items: what their ``.item`` file says.
        unseen: items without a number that are listed, None for none.
        heard: those that speak for who took them, in the data as they are now.
        among: those that may be listed, None for all.
    """

    model: Any
    data: Any
    items: ListedItems
    unseen: UnseenItems | None
    heard: UnseenItems | None
    among: Collection[str] | None

    def lists(self, args: argparse.Namespace) -> tuple[Iterator[tuple[str, int, str, float]], int]:
        """Return the rows that are asked for, and of how many lists they are."""
        model, data, k, listed = self.model, self.data, args.topk, self._listed(args)
        if args.history:
            heard = self.heard
            if heard is None and self.unseen is None and not _why_not(model, data):
                refuse_unread(args.history, data, self.items)
            if heard is None and _only_named(model, data, args.history):
                heard = _unseen_if_any(model, data, None)
            return recommend_from(model, data, args.history, k, heard=heard, **listed), 1
        users = list(dict.fromkeys(args.users or map(str, data.field2id_token[data.uid_field][1:])))
        if args.for_item:
            return users_for(model, data, args.for_item, users, k, **listed), len(users)
        return recommend(model, data, users, k, **listed), len(users)

    def _listed(self, args: argparse.Namespace) -> dict[str, Any]:
        return {"unseen": self.unseen, "only_new": args.new_items == "only", "among": self.among}


def _serve(args: argparse.Namespace) -> _Served:
    """Load the model, and give it all that is known of the users; tell which items are not scored."""
    model, dataset, valid = load_with_validation(args.checkpoint)
    check_separator(dataset.config)
    later = None if args.data_path is None else Later.read(model, dataset, args.data_path)
    data, heard = (dataset, None) if later is None else (later, _unseen_if_any(model, later, valid))
    items, why_not = ListedItems.read(data), _why_not(model, data)
    wanted = args.new_items or (args.for_item is not None and is_new(args.for_item, data, items))
    unseen = (heard or new_items(model, data, valid)) if wanted else None
    tell_unscored(data, items, why_not, None if unseen is None else unseen.tokens)
    tell_gone(model, data, items)
    if args.new_items == "only" and not (unseen and unseen.tokens) and not nobodys(model, data).any():
        raise DataError(f"--new-items only: [{items.path}] names no item with a text that nobody took.")
    if later is None:
        take_held_out(model, dataset)
    else:
        later.give(model, heard)
    among = None if args.only_items is None else only_items(args.only_items, data, unseen, why_not)
    return _Served(model, data, items, unseen, heard, among)


def _check(args: argparse.Namespace) -> None:
    """Refuse options that cannot be, before anything is loaded."""
    if args.topk < 1:
        raise ConfigError(f"--topk [{args.topk}] must be at least 1.")
    if args.new_items is not None:
        one_of("--new-items", args.new_items, ("also", "only"))
    if args.users and args.history:
        raise ConfigError("--users are those of the data, --history is somebody else's: give one of them.")
    if args.for_item and args.history:
        raise ConfigError("--for-item asks for users of the data, --history is somebody else's: give one of them.")
    if args.only_items is not None and (args.only_items.is_dir() or not args.only_items.exists()):  # a pipe is good
        raise ConfigError(f"--only-items [{args.only_items}]: no such file.")
    if args.output is not None and args.output.exists() and not args.overwrite:
        raise ConfigError(f"[{args.output}] is there already: choose another --output, or say --overwrite.")


def _told(args: argparse.Namespace, lists: int) -> str:
    if args.for_item:
        return f"{counted(args.topk, 'user')} for [{args.for_item}], or as many as there are: {args.output}"
    return f"{counted(lists, 'list')} of {counted(args.topk, 'item')}, or of as many as there are: {args.output}"


def _why_not(model: Any, dataset: Any) -> str:
    """Return why the model does not score new items, or nothing if it does."""
    from recbole_ktrec.model.unseen_items import why_not

    return why_not(model, dataset.config)


def _only_named(model: Any, dataset: Any, history: Sequence[str]) -> bool:
    """Return whether a history holds items of which the model knows no more than that they are there."""
    numbers = [number for item in history if (number := dataset.field2token_id[dataset.iid_field].get(item))]
    return hasattr(model, "take") and not model.trained_on.known[numbers].all()


def _unseen_if_any(model: Any, later: Any, valid: Any) -> UnseenItems | None:
    """Return the items that came since, None where the model does not score them: they say nothing then."""
    return None if _why_not(model, later) else new_items(model, later, valid, now=False)


def new_items(model: Any, dataset: Any, valid: Any = None, now: bool = True) -> UnseenItems:
    """Return the items of the ``.item`` file of ``dataset`` that the model has no number for, as it scores their texts.

    Args:
        dataset: of the training, or a :class:`Later`.
        valid: RecBole's loader of the validation part (:func:`load_with_validation`), whose interactions say how high
            new items stand among known ones; without it that is taken from the training.
        now: whether texts are compared at once, or when a score or a history first needs it.

    Raises:
        ConfigError: the model scores no new items.
    """
    from recbole_ktrec.model.held_out import held_out
    from recbole_ktrec.model.unseen_items import UnseenItems

    found = held_out(valid, int(dataset.config["seed"]), getattr(model, "trained_on", None))
    return UnseenItems(model, dataset, found, now)


def recommend(
    model: Any, dataset: Any, users: Sequence[str], k: int, unseen: UnseenItems | None = None, only_new: bool = False,
    among: Collection[str] | None = None,
) -> Iterator[tuple[str, int, str, float]]:  # fmt: skip
    """Return (user, rank from 1 on, item, score), one after the other: the best ``k`` items of each of ``users``.

    Args:
        unseen: items that the model has no number for, to be listed too.
        only_new: list no others than those and the model's own that nobody took, as far as it has texts of them.
        among: ids of the items that may be listed, None for all; of ids that nobody knows nothing is said.

    Raises:
        DataError: a user is unknown, and the model has no scores for such a one; no list has been made then.
    """
    return ranked(asked_for(model, dataset, users, unseen, only_new, among), k)


def recommend_from(
    model: Any, dataset: Any, history: Sequence[str], k: int, unseen: UnseenItems | None = None, only_new: bool = False,
    heard: UnseenItems | None = None, among: Collection[str] | None = None,
) -> Iterator[tuple[str, int, str, float]]:  # fmt: skip
    """Return (``new user``, rank from 1 on, item, score) of the best ``k`` items for one who took those of ``history``.

    Args:
        history: ids of the files, the oldest first; of repeats the last counts.
        unseen, only_new, among: see :func:`recommend`.
        heard: items without a number that may be in the history but are not listed; those of ``unseen`` are both.

    Raises:
        ConfigError: the model has scores for the users of its training alone.
        DataError: an item is unknown.
    """
    if not hasattr(model, "take"):
        raise ConfigError(f"--history [{type(model).__name__}]: KTRec and KTEASE alone score a history that is given.")
    check_histories(model, dataset)
    speaking, known = unseen or heard, dataset.field2token_id[dataset.iid_field]
    later = {item: place for place, item in enumerate([] if speaking is None else speaking.tokens)}
    for item in history:
        if not known.get(item) and item not in later:
            why = "the model knows no such item, or nobody took it"
            raise DataError(f"--history [{item}]: {why}.{meant(item, known)}")
    taken = list(dict.fromkeys(reversed(history)))[::-1]
    items, nobody, number = [known[item] for item in taken if item not in later], np.array([0]), np.array([1])
    joined = model.taken.some(nobody).joined([np.array(items, dtype=np.int64)])  # alone: others' histories are much
    new = [item for item in taken if item in later]
    if speaking is not None:
        joined = speaking.hear(joined, _row(joined.matrix.shape[0], len(later), [later[item] for item in new]))
        if new and joined.beside is None:
            said = ", ".join(f"[{item}]" for item in new)
            _logger.warning(f"--history {said}: new, not listed, and says nothing of the user here.")
    if joined.unknown(number).any():
        raise DataError("--history: the model knows none of these items, so nothing of the user.")
    rows = {_ANYBODY: items if unseen is None else [*items, *(len(known) + later[item] for item in new)]}
    given = model.with_histories(joined)
    return ranked(Request(given, dataset, [_ANYBODY], number, nobody, rows, unseen, only_new, among), k)


def _row(rows: int, columns: int, marked: Sequence[int]) -> sp.csr_matrix:
    """Return a matrix of zeros but for some columns of its last row."""
    return sp.csr_matrix((np.ones(len(marked), np.float32), ([rows - 1] * len(marked), marked)), (rows, columns))
