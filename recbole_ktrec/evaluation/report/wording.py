"""What the report says in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_ktrec.errors import counted
from recbole_ktrec.evaluation.measures import MEASURES


def protocol(results: Mapping[str, Any]) -> str:
    """What was compared, in two sentences."""
    grid = results["grid"]
    kinds = {
        "random": "random 8:1:1 of each user's interactions",
        "leave_one_out": "each user's last interaction for test, the one before for validation",
        "cold_item": "{share:g}% of the items without any training interaction, 8:1:1 for the others",
        "cold_user": "{share:g}% of the users known only by a history given at test time, 8:1:1 for the others",
        "time": "the last {share:g}% of the interactions in time, half for validation, half for test",
    }
    split = kinds[grid["split"]].format(share=100 * (grid["share"] or 0))
    seeds = f"{len(grid['seeds'])} seeds, mean ± standard deviation" if len(grid["seeds"]) > 1 else "one seed"
    tuned = f" Each model had up to {grid['trials']} tuning trials on validation data." if grid["trials"] else ""
    return (
        f"Split: {split}. Every model has the same split and ranks the same candidate items, all of them; "
        f"{seeds}.{tuned}"
    )


def compared(against: Mapping[str, Any], smaller_is_better: bool) -> str:
    """Return what the comparison of a row with the best one says."""
    sign = -1 if smaller_is_better else 1
    ahead = sign * against["difference"]
    low, high = sorted(sign * end for end in against["interval"])
    return (
        f"{against['with']} is {'better' if ahead >= 0 else 'worse'} by {abs(ahead):.4f} "
        f"[{low:.4f}, {high:.4f}], p = {against['p_holm']:.4f} (Holm), {counted(against['users'], 'user')}"
    )


def ratio(row: Mapping[str, Any]) -> str:
    """Return what the model of a variant, a row of ``variants``, has of the metric over what the variant has."""
    return f"{row['mean_with'] / row['mean']:.2f}" if row["mean"] else "–"


def is_lost(trial: Mapping[str, Any]) -> bool:
    """Whether a trial has no result."""
    return bool(trial.get("status", "done") != "done")


def lost_trial(trial: Mapping[str, Any]) -> str:
    """Say which trial has no result, and why."""
    why = trial.get("error") or "The job has no result."
    return f"{trial['model']}, trial {trial['trial']} ({listed(trial['settings'])}): {why}"


def listed(settings: Mapping[str, Any]) -> str:
    """Return what a tuning trial has set."""
    return ", ".join(f"{key} {value}" for key, value in settings.items()) or "its defaults"


LEGEND = (
    "Bold is the best of a column. ≈ marks what is not distinguishable from the best (paired permutation test over "
    "users, Holm's correction over models, p ≥ .05). Tested are the ranking metrics over all users and Accuracy, and "
    "the main metric for warm and cold items and users; elsewhere no ≈ says nothing."
)
#: How the names of metrics by group begin.
_GROUPS = ("warm", "cold", "head/", "middle/", "tail/", "validation known/", "history ")
#: (term, how the metrics begin that it is about, meaning).
DEFINITIONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    *((one.term, (name,), one.meaning) for name, one in MEASURES.items() if one.meaning),
    ("Warm items", ("warm/",), "items with training interactions, ranked among all items"),
    (
        "Cold items",
        ("cold/", "cold only/"),
        "items without training interactions, ranked among all items; “cold among cold” ranks them among themselves, "
        "which is chance for a model that reads no content",
    ),
    (
        "n",
        _GROUPS,
        "users who are asked for an item of the group, mean over seeds; below 30 no model is marked as best",
    ),
    (
        "Validation known",
        ("validation known/",),
        "the same test with the validation interactions in the histories, as sequential models read them",
    ),
    (
        "Head, middle, tail",
        ("head/", "middle/", "tail/"),
        "the most popular tenth of the warm items, the next four tenths, the other half",
    ),
)
_BEST_EPOCH = ("Best epoch", "the one whose weights are kept, counted from 1; RecBole's log counts from 0")
_SPREAD = (
    "±",
    "standard deviation over the seeds; where each has its own split, rows rise and fall with it together, so two rows "
    "that lie closer than that may still differ beyond chance: tested are the differences user by user",
)


def definitions(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what those terms mean that the report has, (term, meaning)."""
    metrics = {row["metric"] for row in results["summary"]}
    found = [(term, text) for term, begins, text in DEFINITIONS if any(one.startswith(begins) for one in metrics)]
    found += [_SPREAD] if any(row["std"] is not None for row in results["summary"]) else []
    found += [_BEST_EPOCH] if any(run.get("best_epoch") is not None for run in results["runs"]) else []
    return found
