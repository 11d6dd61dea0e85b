"""RecBole's bare errors as one line, with what to do where it is known."""

from __future__ import annotations

import importlib.util
import re
import traceback
from pathlib import Path

_SPEC = importlib.util.find_spec("recbole")
_ROOT = Path(_SPEC.origin).parent if _SPEC and _SPEC.origin else None
_OWN = Path(__file__).parent.parent
#: What a message looks like, and what to do about it.
REMEDIES = (
    (r"Some feat is empty", "no interaction passes user_inter_num_interval, item_inter_num_interval and val_interval."),
    (
        r"Field \[(?P<name>.+)\] not defined in dataset",
        "[{name}] is wanted (by val_interval, say) and not loaded: name it in load_col: {{inter: [...]}}.",
    ),
    (
        r"Full sort evaluation do not match",
        "Accuracy, AUC and the like need eval_args: {{mode: uni1}} or {{mode: labeled}}, and no ranking metric beside "
        "them. ktrec benchmark measures accuracy anyway.",
    ),
    (
        r"train_neg_sample_args .* should be None",
        "its loss is over all items and draws no negatives: set train_neg_sample_args to ~ for this model "
        "(--train_neg_sample_args=None of ktrec run).",
    ),
    (
        r"ordering args for sequential recommendation has to be 'TO'",
        "eval_args must sort by time: {{split: {{LS: valid_and_test}}, order: TO, group_by: user, mode: full}}, with "
        "TIME_FIELD in load_col.",
    ),
    (
        r"\[(?P<name>[^\]]+)\] is not exist in interaction",
        "[{name}] is wanted (as TIME_FIELD by eval_args: {{order: TO}}, say) and not loaded: see load_col.",
    ),
    (
        r"Neither \[(?P<name>.+)\] exists",
        "the data must lie where the settings (a checkpoint's: of its training) say, at [{name}] seen from here.",
    ),
)


def explained(error: BaseException) -> str | None:
    """Return one line for an ``error`` that RecBole raised on purpose about what it was given.

    None for any other, whose traceback counts: one that was raised elsewhere, that says nothing, or that RecBole raised
    because a model or data set of this plugin called it wrongly.
    """
    frames = traceback.extract_tb(error.__traceback__)
    message = " ".join(str(error).split())
    if not frames or not message or not _of_recbole(frames[-1]) or not _raises(frames[-1].line):
        return None
    told = remedy(message)
    if not told and (isinstance(error, AttributeError) or any(map(_of_the_inside, frames))):
        return None
    return f"RecBole: {message.rstrip('.')}.{told}"


def remedy(message: str) -> str:
    """Return what to do about RecBole's ``message``, after a blank, or an empty string."""
    for pattern, advice in REMEDIES:
        if found := re.search(pattern, message):
            return f" That is: {advice.format(**found.groupdict())}"
    return ""


def _of_recbole(frame: traceback.FrameSummary) -> bool:
    return _ROOT is not None and Path(frame.filename).is_relative_to(_ROOT)


def _of_the_inside(frame: traceback.FrameSummary) -> bool:
    """Return whether the frame is of a room of the plugin that RecBole calls, not of one that calls RecBole."""
    path = Path(frame.filename)
    return any(path.is_relative_to(_OWN / room) for room in ("model", "nn", "text"))


def _raises(line: str | None) -> bool:
    """Return whether the source line is a ``raise``: anything else that fails there is a bug, not a message."""
    return bool(line) and str(line).lstrip().startswith("raise ")
