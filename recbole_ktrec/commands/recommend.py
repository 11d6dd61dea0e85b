"""Recommend with a trained model: the best items for some users, or for all, from a checkpoint of `ktrec run`.

What a user has taken already, held-out interactions included, is left out. With KTRec and KTEASE users may be asked for
who were not there in the training: one whom a filter left out (user_inter_num_interval) gets a list made from what he
took, one of whom nothing is known what is taken in general, of late if the data have times. --history makes one list
for somebody who took these items, the oldest first, whoever that is.
The data set must lie where it lay in training. Scores order the items of one user; they are no probabilities.
--new-items lists, too, items of the .item file that the model does not know, by their text: those that came since, and
those that nobody took (those it knows if it was trained with load_col={inter: [...], item: [item_id]}). With
--new-items only there are no others in the lists. --for-item asks the other way round: for the users in whose lists an
item stands highest, new or not.

  ktrec recommend --checkpoint saved/KTEASE-Nov-26-2026_10-00-00.pth --users 196 22
  ktrec recommend --checkpoint saved/KTRec-Nov-26-2026_10-00-00.pth --topk 20 --output lists.csv
  ktrec recommend --checkpoint saved/KTRec-Nov-26-2026_10-00-00.pth --history 242 302 377
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recbole_ktrec.atomic import check_separator
from recbole_ktrec.commands.checkpoints import load, load_with_validation
from recbole_ktrec.commands.filtered import histories, rows_of
from recbole_ktrec.commands.listed import ListedItems, tell_unscored, write
from recbole_ktrec.commands.options import user_path
from recbole_ktrec.commands.scored import Request, names_of, nobodys, score
from recbole_ktrec.commands.session import set_threads
from recbole_ktrec.errors import ConfigError, DataError, counted, nearest, one_of
from recbole_ktrec.files import whole_file
from recbole_ktrec.register.arguments import no_command_line

#: Part of the Python interface (README): ``load`` too.
__all__ = ["add_arguments", "load", "main", "recommend", "recommend_from", "score", "users_for"]
if TYPE_CHECKING:
    from recbole_ktrec.model.unseen_items import UnseenItems

#: What the user of a given history is called.
_ANYBODY = "new user"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--checkpoint", type=user_path, required=True, metavar="FILE", help="what `ktrec run` saved")
    parser.add_argument("--users", nargs="+", metavar="U", help="ids of the .inter file, blanks between (default: all)")
    what = "one list for a user who took these items, the oldest first (KTRec, KTEASE)"
    parser.add_argument("--history", nargs="+", metavar="ITEM", help=what)
    what = "instead of lists, the K users in whose lists this item stands highest, with its rank there"
    parser.add_argument("--for-item", metavar="ITEM", help=what)
    what = "list items, too, that came after the training or that nobody took, by their text (KTRec, KTEASE); `only`: "
    what += "no others"
    parser.add_argument("--new-items", nargs="?", const="also", metavar="only", help=what)
    parser.add_argument("--topk", type=int, default=10, metavar="K", help="length of each list (default: 10)")
    parser.add_argument("--output", type=user_path, metavar="FILE", help="a CSV file (default: printed)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")
    parser.add_argument("--threads", type=int, help="threads of torch (default: OMP_NUM_THREADS, else idle cores)")


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Load, score, and print or write the lists."""
    args = parser.parse_args(argv)
    _check(args)
    set_threads(args.threads)
    with no_command_line():
        model, dataset, valid = load_with_validation(args.checkpoint)
        check_separator(dataset.config)
        items, only = ListedItems.read(dataset), args.new_items == "only"
        is_new = args.for_item is not None and _is_new(args.for_item, dataset, items)
        unseen = _unseen(model, dataset, valid) if args.new_items or is_new else None
        tell_unscored(dataset, items, _why_not(model, dataset), None if unseen is None else unseen.tokens)
        if only and not (unseen and unseen.tokens) and not nobodys(model, dataset).any():
            raise DataError(f"--new-items only: [{items.path}] names no item with a text that nobody took.")
        users = list(dict.fromkeys(args.users or map(str, dataset.field2id_token[dataset.uid_field][1:])))
        if args.history:
            rows = recommend_from(model, dataset, args.history, args.topk, unseen, only)
        elif args.for_item:
            rows = users_for(model, dataset, args.for_item, users, args.topk, unseen, only)
        else:
            rows = recommend(model, dataset, users, args.topk, unseen, only)
        if args.output is None:
            write(sys.stdout, rows, dataset, items)
            return 0
        with whole_file(args.output) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            write(file, rows, dataset, items)
    print(_told(args, 1 if args.history else len(users)))
    return 0


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


def _unseen(model: Any, dataset: Any, valid: Any) -> UnseenItems:
    from recbole_ktrec.model.held_out import held_out
    from recbole_ktrec.model.unseen_items import UnseenItems

    taken, seed = getattr(model, "taken", None), int(dataset.config["seed"])
    return UnseenItems(model, dataset, held_out(valid, seed, taken))


def recommend(
    model: Any, dataset: Any, users: Sequence[str], k: int, unseen: UnseenItems | None = None, only_new: bool = False
) -> Iterator[tuple[str, int, str, float]]:
    """Return (user, rank from 1 on, item, score), one after the other: the best ``k`` items of each of ``users``.

    Args:
        unseen: items that the model has no number for, to be listed too.
        only_new: list no others than those and the model's own that nobody took, as far as it has texts of them.

    Raises:
        DataError: a user is unknown, and the model has no scores for such a one; no list has been made then.
    """
    return _ranked(Request(model, dataset, users, *_numbered(model, dataset, users), unseen, only_new), k)


def users_for(
    model: Any, dataset: Any, item: str, users: Sequence[str], k: int, unseen: UnseenItems | None = None,
    only_new: bool = False,
) -> Iterator[tuple[str, int, str, float]]:  # fmt: skip
    """Return (user, rank, item, score) of those ``k`` of ``users`` in whose lists ``item`` stands highest.

    Scores of different users are not comparable, places in their lists are. Of equal places, the one whose score is
    more standard deviations above the mean of its list comes first. Who took the item is left out.

    Raises:
        DataError: nobody's list has the item.
    """
    names, found = names_of(dataset, unseen), list[tuple[int, float, str, float]]()
    if item not in names:
        raise DataError(f"--for-item [{item}] has no text, so no model can score it.")
    place = names.index(item)
    if _says_nothing(model, place):
        raise DataError(f"--for-item [{item}]: nobody took it and it has no text, so no list says anything of it.")
    request = Request(model, dataset, users, *_numbered(model, dataset, users), unseen, only_new)
    for some, scores in request.scored():
        for user, row in zip(some, scores, strict=True):
            if np.isfinite(row[place]):
                found.append((*_standing(row, place), user, float(row[place])))
    if not found:
        why = "these users took it, or nothing is known of them" + ", or `only` leaves it out" * only_new
        raise DataError(f"--for-item [{item}]: in nobody's list: {why}.")
    found.sort(key=lambda one: (one[0], -one[1]))
    return ((user, rank, item, value) for rank, _, user, value in found[:k])


def _says_nothing(model: Any, place: int) -> bool:
    """Return whether a model that reads texts knows neither who took the item of this number nor its text."""
    if not hasattr(model, "content_items") or place >= model.n_items:
        return False
    return not model.taken.known[place] and not bool(model.content_items()[place])


def _standing(row: np.ndarray, place: int) -> tuple[int, float]:
    """Return the place that an item has by the scores ``row`` of a list, from 1 on, and its standard score there."""
    others = row[np.isfinite(row)]
    return 1 + int((row > row[place]).sum()), float((row[place] - others.mean()) / max(others.std(), 1e-12))


def _is_new(item: str, dataset: Any, items: ListedItems) -> bool:
    """Return whether the model has no number for an item of the ``.item`` file; refuse one that nobody knows."""
    known = dataset.field2token_id[dataset.iid_field]
    if not known.get(item) and item not in items.titles:
        near = _meant(item, {**dict.fromkeys(items.titles, 1), **known})
        raise DataError(f"--for-item [{item}]: neither the model nor [{items.path}] knows it.{near}")
    return not known.get(item)


def _numbered(model: Any, dataset: Any, users: Sequence[str]) -> tuple[np.ndarray, dict[str, list[int]]]:
    """Return the numbers of ``users`` in the model, and what they took that it does not know of, see ``rows_of``."""
    rows, known = rows_of(dataset, users), dataset.field2token_id[dataset.uid_field]
    joined = _join(model, dataset, [user for user in rows if not known.get(user)])
    return np.array([joined.get(user) or _id(model, dataset, user, user in rows) for user in users]), rows


def recommend_from(
    model: Any, dataset: Any, history: Sequence[str], k: int, unseen: UnseenItems | None = None, only_new: bool = False
) -> Iterator[tuple[str, int, str, float]]:
    """Return (``new user``, rank from 1 on, item, score) of the best ``k`` items for one who took those of ``history``.

    Args:
        history: ids of the files, the oldest first; of repeats the last counts.
        unseen, only_new: see :func:`recommend`.

    Raises:
        ConfigError: the model has scores for the users of its training alone.
        DataError: an item is unknown.
    """
    if not hasattr(model, "take"):
        raise ConfigError(f"--history [{type(model).__name__}]: KTRec and KTEASE alone score a history that is given.")
    known = dataset.field2token_id[dataset.iid_field]
    later = {} if unseen is None else {item: len(known) + place for place, item in enumerate(unseen.tokens)}
    for item in history:
        if item in later:
            print(f"--history [{item}] is new: it is not listed, and says nothing of the user.", file=sys.stderr)
        elif not known.get(item):
            why = "the model knows no such item, or nobody took it"
            raise DataError(f"--history [{item}]: {why}.{_meant(item, known)}")
    taken = list(dict.fromkeys(reversed(history)))[::-1]
    before, items = model.taken.base or model.taken, [known[item] for item in taken if item not in later]
    if not items:
        raise DataError("--history: the model knows none of these items, so nothing of the user.")
    model.take(before.joined([np.array(items)]))
    rows = {_ANYBODY: [*items, *(later[item] for item in taken if item in later)]}
    number = np.array([before.matrix.shape[0]])
    return _ranked(Request(model, dataset, [_ANYBODY], number, rows, unseen, only_new), k)


def _join(model: Any, dataset: Any, filtered: Collection[str]) -> dict[str, int]:
    """Give ``model`` the histories of users whom a filter left out, if it takes any; return their numbers in it."""
    if not hasattr(model, "take") or not filtered:
        return {}
    found = histories(dataset, filtered)
    before = model.taken.base or model.taken  # without those of an earlier call
    first = before.matrix.shape[0]
    model.take(before.joined(list(found.values())))
    for user, items in found.items():
        print(f"user [{user}] is left out by a filter: the list is made from the {len(items)} taken.", file=sys.stderr)
    return {user: first + place for place, user in enumerate(found)}


def _ranked(request: Request, k: int) -> Iterator[tuple[str, int, str, float]]:
    items, without = names_of(request.dataset, request.unseen), list[str]()
    for some, scores in request.scored():
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        for user, row, own in zip(some, scores, best, strict=True):
            listed = [item for item in own if np.isfinite(row[item])]
            without += [user] * (not listed)
            yield from ((user, rank, items[item], float(row[item])) for rank, item in enumerate(listed, 1))
    if without:
        told = f"No list for {counted(len(without), 'user')}, the first is [{without[0]}]"
        print(f"{told}: nothing that may be in it is scored (new items are by what a user took).", file=sys.stderr)


def _id(model: Any, dataset: Any, user: str, filtered: bool) -> int:
    known = dataset.field2token_id[dataset.uid_field]
    if known.get(user):  # 0 is the padding user
        return int(known[user])
    near = "" if filtered else _meant(user, known)
    if hasattr(model, "fold_in"):  # the padding user has no history
        why, rest = ("left out by a filter", ", but for what this user took") if filtered else ("not in the data", "")
        print(f"user [{user}] is {why}: the list is what is taken in general{rest}.{near}", file=sys.stderr)
        return 0
    why = ": a filter of the training left the rows of this user out" if filtered else ""
    raise DataError(f"[{dataset.dataset_name}] has no user [{user}]{why}.{near}")


def _meant(word: str, known: Mapping[str, int]) -> str:
    """Return, after a blank, the nearest of the ``known`` ids to one that is none; padding, of number 0, is none."""
    parts = [part for part in word.split(",") if part]
    if parts != [word] and parts and all(map(known.get, parts)):
        return f" Blanks part the ids, not commas: {' '.join(f'[{part}]' for part in parts)}."
    return nearest(word, (str(one) for one, number in known.items() if number))
