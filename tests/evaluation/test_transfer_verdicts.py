"""What the report of a transfer curve says of numbers that are made up."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recbole_ktrec.evaluation.pooling import of_rows
from recbole_ktrec.evaluation.report.transfer import Numbers, render, verdicts
from recbole_ktrec.evaluation.transfer_results import _comparisons
from recbole_ktrec.model.prior_shape import PriorShape


def made_up(transferred: float, better: bool, worse: bool, shuffled_below: bool = True) -> dict[str, Any]:
    """Results of one share as the report reads them."""
    means = {"transferred": transferred, "scratch": 0.2, "kernel": 0.1, "shuffled": 0.05}
    curve = [{"variant": name, "share": 10.0, "metric": "ndcg@10", "mean": v, "std": None} for name, v in means.items()]
    flags = {"scratch": (better, worse), "kernel": (True, False), "shuffled": (shuffled_below, False)}
    compared = [
        {
            "variant": "transferred", "with": name, "share": 10.0, "metric": "ndcg@10", "better": up, "worse": down,
            "ratio": transferred / means[name], "p": 0.01, "difference": transferred - means[name],
            "interval": [-0.01, 0.01],
        }
        for name, (up, down) in flags.items()
    ]  # fmt: skip
    guarded = {"variant": "transferred", "share": 10.0, "choice": {"used": "untrained"}}
    return {"settings": {"shares": [10.0]}, "curve": curve, "comparisons": compared, "runs": [guarded]}


def test_verdicts_are_honest() -> None:
    (good,) = verdicts(made_up(0.25, True, False))
    assert "1.250 x from scratch" in good["text"] and ": better." in good["text"]
    assert "clearly below" in good["text"] and "The guard took untrained (1 of 1)" in good["text"]
    corrected = made_up(0.25, True, False)
    corrected["comparisons"][0]["p_holm"] = 0.035
    assert "p 0.01, 0.035 after Holm)" in verdicts(corrected)[0]["text"] and "p 0.01)" in good["text"]
    (bad,) = verdicts(made_up(0.15, False, True))
    assert "0.750 x from scratch" in bad["text"] and "worse; NEGATIVE TRANSFER" in bad["text"]
    blind = made_up(0.25, True, False)
    blind["runs"][0]["choice"] = {"used": "transferred", "ndcg": {}}
    assert "The guard took transferred without a comparison (1 of 1)" in verdicts(blind)[0]["text"]
    both = made_up(0.25, True, False)
    both["runs"][0]["choice"]["closed_form"] = {"used": "transferred", "ndcg": {"transferred": 0.2}}
    told = "The guard took untrained for the neural part and transferred for the closed form (1 of 1)"
    assert told in verdicts(both)[0]["text"], "what is transferred by one part alone is told"
    (even,) = verdicts(made_up(0.21, False, False, shuffled_below=False))
    assert "no difference beyond chance" in even["text"] and "NOT below" in even["text"]


@pytest.mark.parametrize(
    ("shape", "share", "own", "unused"),
    [({}, 0.0, "1", True), ({"lexical_weight": 1.0}, 10.0, "1", True), ({"lexical_weight": 1.0}, 0.0, "1", False),
     ({"strength": 0.5}, 10.0, "1", False), ({"power": 2.0}, 0.0, "1", False), ({}, 0.0, "2", False)],
)  # fmt: skip
def test_that_nothing_was_carried_over_is_said(shape: dict[str, float], share: float, own: str, unused: bool) -> None:
    """Without it the same scores look as if the artifact had been tried, and the guard to blame."""
    results = made_up(0.2, False, False)
    choice = {"used": "transferred", "shape": {**asdict(PriorShape()), **shape}}
    results["runs"] += [{"variant": "unguarded", "share": share, "choice": choice}]
    results["runs"] = [{"status": "done", **run} for run in results["runs"]]
    encoders = {"encoder": {"encoder": "a", "sha256": own}, "untrained_encoder": {"encoder": "a", "sha256": "1"}}
    results["artifact"] = {"sources": ["one"], "target_among_sources": False, **encoders}
    results["settings"] |= {"dataset": "d", "model": "KTEASE", "transfer": "frozen", "split": "random", "seeds": [1]}
    results["settings"]["variants"], results["verdicts"] = {}, verdicts(results)
    assert ("Texts are compared as without the artifact" in render(results, False)) == unused


def test_below_the_kernel_and_the_same_scores_are_said() -> None:
    results = made_up(0.21, False, False)
    scratch, kernel = results["comparisons"][:2]
    kernel |= {"better": False, "worse": True}
    assert Numbers(results).mark(10.0, "ndcg@10") == "below the kernel"
    scratch["interval"] = [0.0, 0.0]
    (even,) = verdicts(results)
    assert "the same scores." in even["text"] and "clearly below." in even["text"], "no gain is explained"


def test_marks_name_negative_transfer() -> None:
    assert Numbers(made_up(0.25, True, False)).mark(10.0, "ndcg@10") == "▲"
    assert Numbers(made_up(0.15, False, True)).mark(10.0, "ndcg@10") == "negative transfer"
    assert Numbers(made_up(0.21, False, False)).mark(10.0, "ndcg@10") == "≈"
    lacking = copy.deepcopy(made_up(0.21, False, False))
    lacking["comparisons"] = []
    assert Numbers(lacking).mark(10.0, "ndcg@10") == "" and "no verdict" in verdicts(lacking)[0]["text"]


def test_a_handful_of_users_gets_no_verdict() -> None:
    few = made_up(0.15, False, True)
    for row in few["comparisons"]:
        row["users"] = 29
    assert Numbers(few).mark(10.0, "ndcg@10") == "fewer than 30 users"
    assert Numbers(few).asked("ndcg@10") == " (n 29)" and Numbers(few).asked("recall@10") == ""
    for row in few["comparisons"]:
        row["users"] = 30
    assert Numbers(few).mark(10.0, "ndcg@10") == "negative transfer"


def test_a_claim_needs_the_corrected_test_and_a_warning_the_test() -> None:
    """Four of 300 users differ: the interval lies beyond zero, chance does not."""
    other = np.full(300, 0.5)

    def judged(changed: int, by: float) -> tuple[bool, bool]:
        mine = other.copy()
        mine[:changed] += by
        users = {
            (name, 10.0): {1: of_rows(pd.DataFrame({"all/ndcg@10": values}, index=[f"u{k}" for k in range(300)]))}
            for name, values in (("transferred", mine), ("scratch", other), ("kernel", mine), ("shuffled", mine))
        }
        row = next(row for row in _comparisons(users) if row["variant"] == "transferred" and row["with"] == "scratch")
        assert (row["interval"][1] < 0) if by < 0 else (row["interval"][0] > 0)
        return row["worse"], row["better"]

    assert judged(4, -0.4) == judged(4, 0.4) == (False, False)
    assert judged(6, -0.4) == (True, False) and judged(6, 0.4) == (False, False)  # p .03, .10 after the correction
    assert judged(9, 0.4) == (False, True)
