"""Jobs of models whose histories have an order: what is a candidate, what is known, and what they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.harness import make_config
from recbole_ktrec.evaluation.notes import order_notes
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.taken import mask_taken
from tests.evaluation.job_specs import Make, plan_of, spec_of

RING_HEADER = "user_id:token\titem_id:token\ttimestamp:float"
#: Times are loaded.
TIMED = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}


@pytest.mark.parametrize("model", ["EASE", "KTEASE", "Pop", "SASRec"])
def test_what_is_asked_last_is_asked_again_with_the_one_before_known(
    tiny_grid: Make, workplace: Path, model: str
) -> None:
    """Users walk along a ring, one item a step, then jump: what comes next is near where they landed (validation)."""
    rows = [RING_HEADER]
    for user in range(60):
        landed = user * 7 + 11
        path = [user, user + 1, user + 2, user + 3, landed, landed + 1]
        rows += [f"u{user}\ti{item % 30}\t{step}" for step, item in enumerate(path)]
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join(rows) + "\n", encoding="utf-8")
    own = {"KTEASE": {"prior": "none", "history_decay": 0.5}, "SASRec": {"train_neg_sample_args": None}}
    grid = tiny_grid(model, kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **TIMED})
    entry = Entry(model, model, {**grid.entries[0].config, **TIMED, **own.get(model, {})})
    result, _ = job.run_spec(spec_of(grid, plan_of(grid), entry))
    groups = result["groups"]
    if model == "Pop":
        assert "validation known" not in groups
    elif model == "SASRec":
        assert groups["validation known"] == groups["all"]
    else:
        found = groups["validation known"]
        assert found["rows"] == groups["all"]["rows"] and set(found["metrics"]) == set(groups["all"]["metrics"])
        assert groups["all"]["metrics"]["hit@5"] == pytest.approx(result["test"]["hit@5"], abs=1e-4)
        assert found["metrics"]["hit@5"] > 0.9 > 0.5 > groups["all"]["metrics"]["hit@5"]


def test_a_comparison_tells_that_sequential_models_know_one_interaction_more(tiny_grid: Make) -> None:
    rows = [Entry(name, name) for name in ("SASRec", "KTEASE")]
    timed = tiny_grid("KTEASE", kind="leave_one_out")
    last = replace(timed, common={**timed.common, **TIMED}, entries=rows)
    plan = plan_of(last)
    (note,) = order_notes(last, plan)
    assert "SASRec read each history up to the validation" in note and "column Validation known" in note
    for other in (replace(last, kind="random"), replace(last, entries=rows[:1]), replace(last, entries=rows[1:])):
        assert order_notes(other, plan) == []


@pytest.mark.parametrize("again", [False, True])
def test_what_a_user_took_before_is_no_candidate_of_a_sequential_model_either(
    tiny_grid: Make, workplace: Path, again: bool
) -> None:
    from recbole.data import create_dataset, data_preparation

    paths = {f"u{user}": [(user + step * step) % 30 for step in range(7)] for user in range(40)}
    paths["u0"][5] = paths["u0"][1]  # taken again: asked for, so a candidate
    rows = [f"{user}\ti{item}\t{step}" for user, path in paths.items() for step, item in enumerate(path)]
    (workplace / "dataset" / "tiny" / "tiny.inter").write_text("\n".join([RING_HEADER, *rows]) + "\n")
    timed = {**TIMED, "MAX_ITEM_LIST_LENGTH": 2}
    grid = tiny_grid("SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, "load_col": timed["load_col"]})
    given = {"train_neg_sample_args": None, **({"repeatable": True} if again else {})}
    entry = Entry("SASRec", "SASRec", {**grid.entries[0].config, **timed, **given})
    config = make_config("SASRec", "tiny", spec_of(grid, plan_of(grid), entry)["config"])
    loaders = data_preparation(config, create_dataset(config))
    mask_taken(config, loaders)
    for end, loader in ((-2, loaders[1]), (-1, loaders[2])):
        part, seen = loader._dataset, 0
        for batch, masked, *_ in loader:
            users = part.id2token("user_id", batch["user_id"].numpy())
            if again:
                assert masked is None
                continue
            for place, user in enumerate(users):
                found = {
                    str(part.id2token("item_id", int(item))) for row, item in zip(*masked, strict=True) if row == place
                }
                path = [f"i{item}" for item in paths[str(user)]]
                assert found == {*path[:end]} - {path[end]}
                seen += 1
        assert seen == (0 if again else 40)


def test_a_sequential_model_s_users_need_four_interactions(tiny_grid: Make, workplace: Path) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as file:
        file.writelines(f"short\ti{one}\t4\t{one}\n" for one in range(3))
    grid = tiny_grid("SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **TIMED})
    entry = Entry("SASRec", "SASRec", {**grid.entries[0].config, **TIMED, "train_neg_sample_args": None})
    with pytest.raises(DataError, match=r"another \[valid\] part .*each user needs four interactions: '--user_inter"):
        job.run_spec(spec_of(grid, plan_of(grid), entry))


def test_a_sequential_model_has_the_groups_of_all_others(tiny_grid: Make) -> None:
    """In its training part each user's first interaction stands as context only."""
    grid = tiny_grid("EASE", "SASRec", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **TIMED})
    plan, rows, lists = plan_of(grid), [], []
    for entry in grid.entries:
        own = {"train_neg_sample_args": None} if entry.label == "SASRec" else {}
        result, _ = job.run_spec(spec_of(grid, plan, replace(entry, config={**entry.config, **TIMED, **own})))
        rows.append({name: group["rows"] for name, group in result["groups"].items()})
        lists.append(result["lists"]["score_coverage"])
    common = set(rows[0]) & set(rows[1])
    assert {"warm", "head", "middle", "tail"} <= common and all(rows[0][name] == rows[1][name] for name in common)
    assert lists[1] == 1.0, "every item was learned from"


def test_a_sequential_model_has_no_written_split(tiny_grid: Make) -> None:
    timed = {**TIMED, "train_neg_sample_args": None}
    grid = tiny_grid("SASRec", kind="cold_item")
    entry = replace(grid.entries[0], config={**grid.entries[0].config, **timed})
    with pytest.raises(ConfigError, match=r"\[SASRec\] is a sequential model: RecBole cannot read the split cold_item"):
        job.run_spec(spec_of(grid, plan_of(grid), entry))
