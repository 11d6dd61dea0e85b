"""The plan of a grid's first data set, and the spec of a job of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.options import Entry

Make = Callable[..., Grid]
SPLITS = Path("splits")


def plan_of(grid: Grid) -> DatasetPlan:
    return prepare_datasets(grid, SPLITS)[0]


def spec_of(grid: Grid, plan: DatasetPlan, entry: Entry | None = None) -> dict[str, Any]:
    return make_job(grid, plan, entry or grid.entries[0], grid.seeds[0], "final", {}).spec
