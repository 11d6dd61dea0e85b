"""RecBole's bare errors as one line, with what to do where it is known."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

#: What a message looks like, and what to do about it.
REMEDIES = (
    (r"Some feat is empty", "no interaction passes user_inter_num_interval, item_inter_num_interval and val_interval."),
    (
        r"train_neg_sample_args .* should be None",
        "its loss is over all items and draws no negatives: set train_neg_sample_args to ~ for this model.",
    ),
    (
        r"\[(?P<name>.+)\] is not exist in interaction",
        "load_col does not load [{name}]; eval_args: {{order: TO}} sorts by TIME_FIELD, {{order: RO}} does without it.",
    ),
    (
        r"Neither \[(?P<name>.+)\] exists",
        "the data set must lie where it lay in training: [{name}], seen from the folder of that run.",
    ),
)


def explained(error: BaseException) -> str | None:
    """Return one line for an ``error`` that RecBole raised on purpose; None for any other, whose traceback counts."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or "recbole" not in Path(frames[-1].filename).parts or not _raises(frames[-1].line):
        return None
    message = " ".join(str(error).split())
    return f"RecBole: {message.rstrip('.')}.{remedy(message)}"


def remedy(message: str) -> str:
    """Return what to do about RecBole's ``message``, after a blank, or an empty string."""
    for pattern, advice in REMEDIES:
        if found := re.search(pattern, message):
            return f" That is: {advice.format(**found.groupdict())}"
    return ""


def _raises(line: str | None) -> bool:
    """Return whether the source line is a ``raise``: anything else that fails there is a bug, not a message."""
    return bool(line) and str(line).lstrip().startswith("raise ")
