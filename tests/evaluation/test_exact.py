"""The acceptance test: the seven baselines on ml-100k are exactly those of plain ``run_recbole``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from recbole_ktrec.evaluation import job
from recbole_ktrec.evaluation.benchmark import make_grid
from recbole_ktrec.evaluation.grid import make_job, prepare_datasets

SEVEN = ("Pop", "ItemKNN", "EASE", "BPR", "NeuMF", "LightGCN", "MultiVAE")


@pytest.mark.slow
@pytest.mark.parametrize("model", SEVEN)
def test_baselines_on_ml_100k_are_exactly_those_of_run_recbole(workplace: Path, model: str) -> None:
    """The shipped settings of the grid, cut to a few epochs; ``benchmarks/fair/exact.py`` compares whole trainings."""
    from recbole.quick_start import run_recbole

    torch.set_num_threads(1)
    options = workplace / "options.yaml"
    options.write_text("all: {epochs: 4, eval_step: 2, state: ERROR}\n")
    grid = make_grid({"dataset": ["ml-100k"], "models": [model], "seeds": [1], "options": options})
    (plan,) = prepare_datasets(grid, workplace / "splits")
    spec = {**make_job(grid, plan, grid.entries[0], grid.seeds[0], "final", {}).spec, "text_diversity": False}
    result, _ = job.run_spec(spec)
    plain = run_recbole(model=model, dataset="ml-100k", config_dict={**spec["config"], "show_progress": False})
    assert result["test"] == dict(plain["test_result"]) and len(result["test"]) == 10
    assert result["valid"] == dict(plain["best_valid_result"])
