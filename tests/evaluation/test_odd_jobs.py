"""Jobs with settings and data that are legal and seldom: what is told of them is right all the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.benchmark import run_benchmark
from recbole_ktrec.evaluation.grid import Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.runner import Runner
from tests.evaluation.conftest import QUICK
from tests.evaluation.job_specs import Make, plan_of, spec_of


def run(grid: Grid, **own: Any) -> dict[str, Any]:
    """Return the result of the first row of ``grid``, with keys of its ``own``."""
    entry = grid.entries[0]
    changed = Entry(entry.label, entry.model, {**entry.config, **own})
    return job.run_spec(spec_of(grid, plan_of(grid), changed))[0]


@pytest.mark.parametrize("own", [{"learning_rate": 0}, {"eval_step": 0}])
def test_of_equally_good_or_unknown_epochs_the_one_that_was_kept_is_told(tiny_grid: Make, own: dict[str, Any]) -> None:
    result = run(tiny_grid("BPR"), **own)
    (kept,) = Path("checkpoints").glob("*.pth")
    epoch = torch.load(kept, weights_only=False)["epoch"]
    assert result["best_epoch"] == epoch + 1 == result["epochs"] == 2, "RecBole counts epochs from 0"


def test_what_is_validated_after_the_last_epoch_is_no_epoch(tiny_grid: Make) -> None:
    """KTRec's trainer does so with all users where some of them judge epochs: here the third of four."""
    for some in (1, 2, 3):
        result = run(tiny_grid("KTRec"), fusion="id", valid_users=some, epochs=4, eval_step=3)
        assert (result["best_epoch"], result["epochs"]) == (3, 4)


def test_parts_of_another_split_beside_the_data_are_left_aside(tiny_grid: Make, workplace: Path) -> None:
    """Only the file of all interactions says whom an item was not taken by."""
    before = run(tiny_grid("ItemKNN"))
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    file.with_suffix(".test.inter").write_text("".join(file.read_text().splitlines(keepends=True)[:9]))
    assert run(tiny_grid("ItemKNN"))["accuracy"] == before["accuracy"]


@pytest.mark.parametrize("longest", [1, 2, 50])
def test_a_sequential_model_that_reads_one_item_has_the_groups_of_all_others(tiny_grid: Make, longest: int) -> None:
    loaded = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    grid = tiny_grid("Pop", "FPMC", kind="leave_one_out")
    grid = replace(grid, common={**grid.common, **loaded})
    pop, own = run(grid, **loaded), {**loaded, "MAX_ITEM_LIST_LENGTH": longest}
    fpmc = run(replace(grid, entries=grid.entries[1:]), **own)
    rows = [{name: group["rows"] for name, group in one["groups"].items()} for one in (pop, fpmc)]
    assert rows[1].pop("validation known") == 24, "of Pop there is none"
    assert rows[0] == rows[1] and rows[0]["history 5-9"] == 24, "each took ten, two of them are held out"


def test_novelty_counts_the_users_of_an_item_not_how_often_they_took_it(tiny_grid: Make, workplace: Path) -> None:
    """Six users take one item five times each: as often it is taken, no more than six of 24 know it."""
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    taken = [f"u{user}\thit\t4\t{20 + time}" for user in range(0, 24, 4) for time in range(5)]
    file.write_text(file.read_text() + "\n".join(taken) + "\n")
    metrics = ["NDCG", "Novelty"]
    found = run(tiny_grid("Pop", topk=[1, 5], metrics=metrics), train_batch_size=1)
    assert found["lists"]["novelty@1"] > 1.2, "who took it gets another item; p(hit) is 7 of 25"
    for k in (1, 5):
        assert found["test"][f"novelty@{k}"] == pytest.approx(found["lists"][f"novelty@{k}"], abs=1e-4)


def test_what_is_found_with_validation_known_is_not_rounded_either(tiny_grid: Make) -> None:
    loaded = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    grid = tiny_grid("EASE", kind="leave_one_out", common={**QUICK, **loaded})
    fine, coarse = (run(grid, **loaded, metric_decimal_place=places)["groups"] for places in (9, 1))
    for group in ("all", "validation known"):
        assert fine[group]["metrics"] == pytest.approx(coarse[group]["metrics"], abs=1e-9)


@pytest.mark.parametrize("damage", ["row lost", "row cut off", "item lost"])
def test_a_damaged_part_of_a_split_is_not_the_fault_of_a_model(tiny_grid: Make, damage: str) -> None:
    grid = tiny_grid("Pop", kind="cold_item", share=0.3)
    (plan,) = prepare_datasets(grid, Path("splits"))
    spec = make_job(grid, plan, grid.entries[0], 2020, "final", {}).spec
    folder = Path(spec["prepared"]["data_path"]) / plan.prepared[2020].dataset
    file = folder / f"{folder.name}.{'valid' if damage == 'item lost' else 'train'}.inter"
    lines = file.read_text().splitlines()
    item = lines[-1].split("\t")[1]
    left = [line for line in lines if line.split("\t")[1] != item] if damage == "item lost" else lines[:-1]
    file.write_text("\n".join([*left, *([lines[-1][:2]] if damage == "row cut off" else [])]) + "\n")
    with pytest.raises(DataError) as told:
        job.run_spec(spec)
    assert str(told.value) == f"[{file}] is not as the split was written: remove the folder [{folder}] and start again."
    shutil.rmtree(folder)
    assert run(grid)["epochs"]


@pytest.mark.parametrize("kind", ["random", "cold_item", "leave_one_out"])
def test_a_user_who_took_every_item_is_told_before_all_jobs(
    tiny_grid: Make, in_process: Runner, workplace: Path, kind: str
) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as file:
        file.writelines(f"keen\ti{item}\t5\t{item}\n" for item in range(30))

    def compare(*models: str, **more: Any) -> list[str]:
        grid = tiny_grid(kind=kind)
        values = {**grid.common, "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, **more}
        grid = replace(grid, common=values, entries=[Entry(model, model, values) for model in models])
        return [run["status"] for run in run_benchmark(grid, in_process, workplace / "out")[0]["runs"]]

    said = r"tiny\.inter\]: user \[keen\] took all \[30\] items, with which RecBole runs none of BPR, EASE\."
    with pytest.raises(DataError, match=said):
        compare("BPR", "EASE")
    assert not list((workplace / "out" / "jobs").glob("*.json"))
    assert compare("BPR", "EASE", user_inter_num_interval="[0,30)") == ["done", "done"]
    if kind == "leave_one_out":
        assert compare("GRU4Rec", train_neg_sample_args=None, hidden_size=8) == ["done"]
