"""What a report says of the numbers: marks in its tables, verdicts, and the words that explain them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recbole_ktrec.evaluation.foldin import UNABLE
from recbole_ktrec.evaluation.measures import measure_of
from recbole_ktrec.evaluation.report import remarks, render_markdown, render_page, tables, wording
from recbole_ktrec.evaluation.report.summary import Summary, title


def test_marks_of_the_main_table(results: dict[str, Any]) -> None:
    table = tables.main_table(Summary(results, "tiny <b>"))
    assert table.header == ["Model", "NDCG@5", "Recall@5", "Accuracy", "Coverage@5", "Score cov."]
    assert [row[0].text for row in table.rows] == ["KTRec", "EASE", "BPR"], "best first"
    best, tied, worse = (row[1] for row in table.rows)
    assert (best.best, best.tied, best.text, best.note) == (True, False, "0.3100", "± 0.0100")
    assert (tied.best, tied.tied) == (False, True) and (worse.best, worse.tied) == (False, False)
    assert "KTRec is better by 0.0100" in tied.detail and "p = 0.3000 (Holm)" in tied.detail


def test_verdict_and_protocol(results: dict[str, Any]) -> None:
    said = remarks.verdict(Summary(results, "tiny <b>"))
    best = "KTRec is best on NDCG@5 with 0.3100, but not distinguishable from EASE"
    assert said == f"{best}; every other model is significantly below KTRec."
    for share, told in ((0.2, "20%"), (0.125, "12.5%"), (0.005, "0.5%"), (0.07, "7%")):
        results["grid"]["share"] = share
        assert f"Split: {told} of the items without any training interaction" in wording.protocol(results)


def main_rows(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in results["summary"] if row["metric"] == "ndcg@5"}


def test_verdict_says_nothing_that_was_not_tested(results: dict[str, Any]) -> None:
    rows = main_rows(results)
    rows["EASE"] |= {"mean": rows["KTRec"]["mean"], "best": True, "comparison": None}
    said = remarks.verdict(Summary(results, "tiny <b>"))
    assert said.startswith("KTRec is best on NDCG@5 with 0.3100, as is EASE with the same value; every other")
    rows["BPR"]["comparison"] = None
    said = remarks.verdict(Summary(results, "tiny <b>"))
    assert said.endswith("how far above BPR is chance was not tested.") and "significantly" not in said
    ahead = {"with": "KTRec", "difference": -0.1, "interval": [-0.2, -0.05], "p_holm": 0.001, "users": 9}
    rows["BPR"] |= {"mean": 0.4, "seeds": 1, "comparison": {**ahead, "distinguishable": True, "seeds": 1}}
    said = remarks.verdict(Summary(results, "tiny <b>"))
    assert said.endswith("the same value; BPR, without a result of every seed, above it on the others.")
    for row in rows.values():
        row |= {"mean": 0.1, "best": False, "comparison": None}
    assert remarks.verdict(Summary(results, "tiny <b>")) == "All models have NDCG@5 0.1000."


def test_a_metric_where_less_is_better(results: dict[str, Any]) -> None:
    results["grid"]["valid_metric"] = "GiniIndex@5"
    for row in results["summary"]:
        if row["metric"] == "ndcg@5":
            row |= {"metric": "giniindex@5", "best": row["model"] == "BPR", "comparison": None}
    summary = Summary(results, "tiny <b>")
    assert summary.models == ["BPR", "EASE", "KTRec"]
    assert remarks.verdict(summary).startswith("BPR is best on Giniindex@5 with 0.2000; how far above")
    against = {"with": "BPR", "difference": -0.1, "interval": [-0.2, -0.05], "p_holm": 0.01, "users": 9}
    assert wording.compared(against, True) == "BPR is better by 0.1000 [0.0500, 0.2000], p = 0.0100 (Holm), 9 users"
    assert wording.compared(against, False).startswith("BPR is worse by 0.1000 [-0.2000, -0.0500]")


def test_metrics_without_a_k_have_their_column(results: dict[str, Any]) -> None:
    results["grid"]["metrics"] = ["NDCG", "GAUC", "ScoreCoverage"]
    for name in ("gauc", "scorecoverage"):
        results["summary"] += [{**row, "metric": name} for row in results["summary"] if row["metric"] == "ndcg@5"]
    summary = Summary(results, "tiny <b>")
    header = ["Model", "NDCG@5", "GAUC", "Scorecoverage", "Accuracy", "Coverage@5", "Score cov."]
    assert tables.main_table(summary).header == header
    full = tables.full_table(summary).header
    assert full[:4] == header[:4] and full.count("GAUC") == 1


def test_a_row_with_fewer_seeds_says_so(results: dict[str, Any]) -> None:
    main_rows(results)["BPR"] |= {"seeds": 1, "std": None}
    cell = tables.cell(Summary(results, "tiny <b>"), "BPR", "ndcg@5")
    assert cell.note == "(1 of 2 seeds)"
    group = next(row for row in results["summary"] if (row["model"], row["metric"]) == ("BPR", "cold/ndcg@5"))
    group |= {"seeds": 1, "std": None}
    assert tables.cell(Summary(results, "tiny <b>"), "BPR", "cold/ndcg@5").note == "(1 of 2 seeds)"


def test_groups_say_how_many_users_they_are_about(results: dict[str, Any]) -> None:
    for run in results["runs"]:
        run["groups"] = {"cold only": {"metrics": {}, "rows": 30}}
    summary = Summary(results, "tiny <b>")
    groups = tables.group_table(summary)
    assert groups is not None and "Cold among cold (n 30)" in groups.header
    place = groups.header.index("Cold among cold (n 30)")
    assert any(row[place].best for row in groups.rows)
    for run in results["runs"]:
        run["groups"]["cold only"]["rows"] = 29
    few = tables.group_table(Summary(results, "tiny <b>"))
    assert few is not None and few.header[place] == "Cold among cold (n 29)"
    assert not any(row[place].best or row[place].tied for row in few.rows), "too few to say which is best"


def test_a_best_model_that_is_behind_on_known_items_is_told(results: dict[str, Any]) -> None:
    summary = Summary(results, "tiny <b>")
    warm = {row["model"]: row for row in results["summary"] if row["metric"] == "warm/ndcg@5"}
    best = summary.models[0]
    warm[best]["mean"] = 0.99 * max(row["mean"] for row in warm.values())
    assert remarks.known_items(summary) == "", "within 2 %"
    warm[best]["mean"], warm["EASE"]["mean"] = 0.1, 0.3
    said = remarks.known_items(summary)
    assert said.startswith(f"Where known items are asked for, EASE is ahead with 0.3000, {best} has 0.1000: ")
    assert said in render_markdown(results, {}) and said in render_page(results, {})
    for asked, told in ((29, ""), (30, said)):
        for run in results["runs"]:
            run["groups"] = {"warm": {"metrics": {}, "rows": asked}}
        assert remarks.known_items(summary) == told, "too few to say who is ahead"
    results["summary"] = [row for row in results["summary"] if not row["metric"].startswith("cold/")]
    assert remarks.known_items(Summary(results, "tiny <b>")) == "", "there are no new ones"


@pytest.mark.parametrize(
    ("difference", "told", "said"),
    [
        (0.04, True, "The texts help: KTRec has NDCG@5 0.3100 with them and 0.2700 without (KTRec-no-text), 1.15 x, p"),
        (-0.04, True, "The texts do harm: KTRec has NDCG@5 0.3100 with them and 0.3500 without"),
        (0.04, False, "What the texts give may be chance: KTRec has NDCG@5 0.3100 with them and 0.2700 without"),
    ],
)
def test_what_texts_are_worth_is_said(results: dict[str, Any], difference: float, told: bool, said: str) -> None:
    against = {
        "with": "KTRec", "difference": difference, "interval": [-0.01, 0.05], "p": 0.01, "p_holm": 0.02, "users": 40,
        "seeds": 2, "distinguishable": told,
    }  # fmt: skip
    row = {"dataset": "tiny <b>", "model": "KTRec-no-text", "mean": 0.31 - difference, "mean_with": 0.31}
    other = {**row, "model": "KTRec-gate", "comparison": against}
    behind = {**row, "model": "BPR-no-text", "comparison": {**against, "with": "BPR"}}
    results["variants"] = [behind, {**row, "comparison": against}, other]
    for report in (render_markdown(results, {}), render_page(results, {})):
        assert said in report and report.count("with them and") == 1, "of the best model alone"
    line = f"| KTRec-gate | KTRec | {0.31 - difference:.4f} | 0.3100 |"
    assert line in render_markdown(results, {})


def test_the_best_row_of_the_plugin_is_set_against_the_best_built_in_one(results: dict[str, Any]) -> None:
    said = "KTRec has 1.03 x the NDCG@5 of EASE, the best built-in row."
    for report in (render_markdown(results, {}), render_page(results, {})):
        assert said in report
    auto = json.loads(json.dumps(results).replace('"EASE"', '"EASE-auto"'))
    for run in auto["runs"]:
        run["class"] = "BPR" if run["model"] == "BPR" else "KTEASE"
    assert "KTRec has 1.03 x the NDCG@5 of EASE-auto, the best" in render_markdown(auto, {}), "a baseline all the same"
    for run in auto["runs"]:
        run["class"] = "BPR"
    assert "the best built-in row" not in render_markdown(auto, {})


def test_every_number_is_a_metric_of_recbole_or_a_measure_with_a_place_in_the_report(results: dict[str, Any]) -> None:
    summary = Summary(results, "tiny <b>")
    ranking = tables.ranking_metrics(summary, summary.grid["topk"])
    over_all = {row["metric"] for row in results["summary"] if "/" not in row["metric"]} - set(ranking)
    assert over_all and all(measure_of(name) for name in over_all)
    assert {title(name) for name in over_all} <= set(tables.full_table(summary).header)


def test_only_what_the_report_has_is_explained(results: dict[str, Any]) -> None:
    told = list(dict(wording.definitions(results)))
    assert told == ["Accuracy", "Coverage@k", "Score cov.", "Warm items", "Cold items", "n", "±", "Best epoch"]
    more = [{**results["summary"][0], "metric": f"{name}ndcg@5"} for name in ("validation known/", "tail/")]
    told = list(dict(wording.definitions({**results, "summary": more})))
    assert told == ["n", "Validation known", "Head, middle, tail", "±", "Best epoch"]
    one = [{**row, "seeds": 1, "std": None} for row in results["summary"]]
    assert "±" not in dict(wording.definitions({**results, "summary": one}))


def test_a_parameter_that_stands_for_none_is_not_counted(results: dict[str, Any]) -> None:
    for run in results["runs"]:
        run["parameters"] = 1 if run["model"] == "EASE" else 1000
    rows = tables.cost_table(Summary(results, "tiny <b>")).rows
    assert {row[0].text: row[-1].text for row in rows} == {"KTRec": "1,000", "EASE": "–", "BPR": "1,000"}


def test_models_that_could_not_take_in_a_history_are_told(results: dict[str, Any]) -> None:
    assert "new users' histories" not in render_markdown(results, {})
    for run in results["runs"]:
        run["fold_in"] = UNABLE if run["model"] == "BPR" else "by the model itself"
    told = render_markdown(results, {})
    assert "### How new users' histories were taken in" in told and f"| BPR | {UNABLE} |" in told


def test_what_tuning_chose_is_told(results: dict[str, Any]) -> None:
    trial = {"dataset": "tiny <b>", "model": "BPR", "settings": {"embedding_size": 8}, "chosen": False}
    tuned = {**results, "tuning": [trial, {**trial, "settings": {"embedding_size": 16, "epochs": 3}, "chosen": True}]}
    assert "| BPR | 2 | embedding_size 16, epochs 3 |" in render_markdown(tuned, {})
    failed = {**results, "tuning": [trial]}
    assert "| BPR | 1 | no trial has a result |" in render_markdown(failed, {})
    lost = {**trial, "trial": 1, "status": "failed", "error": "MemoryError: <too much>"}
    some = {**results, "tuning": [{**trial, "chosen": True}, lost]}
    assert "| BPR | 2, of which 1 failed | embedding_size 8 |" in render_markdown(some, {})
    assert "- BPR, trial 1 (embedding_size 8): MemoryError: <too much>" in render_markdown(some, {})
    assert "BPR, trial 1 (embedding_size 8): MemoryError: &lt;too much&gt;" in render_page(some, {})
    some["grid"] = {**results["grid"], "trials": 2}
    assert "Each model had up to 2 tuning trials" in wording.protocol(some)
    assert "Chosen on validation data" not in render_markdown(results, {})
