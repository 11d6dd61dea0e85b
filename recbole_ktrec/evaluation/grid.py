"""From what was asked to jobs: data sets x models x seeds on shared splits, tuning first where it is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.diversity import shared_texts
from recbole_ktrec.evaluation.job_key import job_key
from recbole_ktrec.evaluation.measures import is_smaller_better
from recbole_ktrec.evaluation.options import Entry
from recbole_ktrec.evaluation.prepare import Prepared, dataset_settings, prepare
from recbole_ktrec.evaluation.runner import Job, Runner
from recbole_ktrec.evaluation.sampling import refuse_full_users
from recbole_ktrec.evaluation.source import Source, read_source
from recbole_ktrec.evaluation.splits import NATIVE_KINDS, SplitSpec
from recbole_ktrec.evaluation.tuning import best_trial, trials
from recbole_ktrec.register import MODELS

#: Part of every job's key: raised when what a job measures changes.
FORMAT = 5


@dataclass(frozen=True)
class Grid:
    """What to compare.

    Attributes:
        datasets: names; their files lie in ``data_path/<name>`` (``ml-100k`` lies inside RecBole).
        entries: the rows of the table.
        seeds: each seed draws its own initial weights and, of the kinds that draw one, its own split, as in RecBole.
        kind, share: see :class:`recbole_ktrec.evaluation.splits.SplitSpec`.
        common: configuration keys of every model, for reading the data; they go over those of the data set.
        defaults: the same, below those of the data set.
        metrics, topk, valid_metric: RecBole's settings.
        tune: trials for each row; 0: none.
        left_out: data set -> labels of the rows that are not run there, for want of texts.
    """

    datasets: Sequence[str]
    entries: Sequence[Entry]
    seeds: Sequence[int]
    kind: str = "random"
    share: float = 0.2
    data_path: str = "dataset"
    common: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[str] = ("Recall", "NDCG", "MRR", "Hit", "Precision")
    topk: Sequence[int] = (10, 20)
    valid_metric: str = "NDCG@10"
    tune: int = 0
    rating_threshold: float | None = None
    text_diversity: bool = True
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def rows_of(self, dataset: str) -> list[Entry]:
        """Return the rows that are run on a data set."""
        return [entry for entry in self.entries if entry.label not in self.left_out.get(dataset, ())]

    def __post_init__(self) -> None:
        metric, _, k = self.valid_metric.partition("@")
        if metric.lower() not in {name.lower() for name in self.metrics} or k not in map(str, self.topk):
            asked = ", ".join(f"{name}@{k}" for name in self.metrics for k in self.topk)
            raise ConfigError(
                f"The validation metric [{self.valid_metric}] is none of those measured: {asked}. "
                "Give one with --valid-metric."
            )

    @property
    def held_out(self) -> float | None:
        """The share that the split holds out, None where RecBole makes the split."""
        return None if self.kind in NATIVE_KINDS else self.share


@dataclass
class DatasetPlan:
    """One data set of the grid: its source, its split by seed, its jobs by label and seed, what to know of it."""

    name: str
    source: Source
    values: dict[str, Any]
    prepared: dict[int, Prepared]
    tuned: dict[str, dict[str, Any]] = field(default_factory=dict)
    trials: dict[str, list[tuple[dict[str, Any], Job]]] = field(default_factory=dict)
    jobs: dict[tuple[str, int], Job] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def prepare_datasets(grid: Grid, folder: Path) -> list[DatasetPlan]:
    """Read every data set once and make its split for every seed, below ``folder``."""
    plans = []
    with tqdm(total=len(grid.datasets) * len(grid.seeds), desc="Splits", unit="split") as bar:
        for name in grid.datasets:
            own = dataset_settings(name, grid.data_path)
            values = {**grid.defaults, **own, **grid.common, "data_path": grid.data_path}
            source = read_source(name, values)
            refuse_full_users(source, grid.kind, grid.rows_of(name), own)
            prepared = {}
            for seed in grid.seeds:
                prepared[seed] = prepare(source, SplitSpec(grid.kind, grid.share, seed), values, folder)
                _check_topk(grid, name, prepared[seed])
                bar.update()
            plans.append(DatasetPlan(name, source, values, prepared))
    return plans


def _check_topk(grid: Grid, name: str, prepared: Prepared) -> None:
    candidates = prepared.counts["items"] - prepared.counts.get("history_items_unknown", 0)
    if max(grid.topk) > candidates:
        raise ConfigError(f"topk [{max(grid.topk)}] is more than the [{candidates}] items of [{name}].")


def make_job(grid: Grid, plan: DatasetPlan, entry: Entry, seed: int, phase: str, tuned: Mapping[str, Any]) -> Job:
    """Return the job of one row and seed; see :func:`recbole_ktrec.evaluation.job_key.job_key`."""
    prepared = plan.prepared[seed]
    config = {**entry.settings(dataset_settings(plan.name, grid.data_path)), **tuned}
    config |= {"metrics": list(grid.metrics), "topk": list(grid.topk), "valid_metric": grid.valid_metric, "seed": seed}
    config = {**config, **prepared.settings, "seed": seed}
    config.pop("data_path", None)
    if config.get("source_datasets") and not config.get("source_data_path"):
        config["source_data_path"] = grid.data_path  # the split lies elsewhere, without them
    # A trial is judged by the validation metric alone: what else is measured of final jobs does not make it another.
    threshold, diversity = (None, True) if phase == "trial" else (grid.rating_threshold, grid.text_diversity)
    spec: dict[str, Any] = {
        "format": FORMAT, "phase": phase, "model": entry.model, "seed": seed, "config": config,
        "prepared": asdict(prepared), "rating_threshold": threshold, "text_diversity": diversity,
    }  # fmt: skip
    spec |= {} if entry.source is None else {"source": entry.source}
    if phase == "final" and grid.text_diversity and plan.source.file("item").is_file():
        texts = shared_texts(plan.values, config, entry.model in MODELS)
        spec |= {} if texts is None else {"texts": texts}
    return Job(job_key(spec), f"{plan.name} {entry.label} {phase} {seed}", spec)


def plan_trials(grid: Grid, plan: DatasetPlan) -> list[Job]:
    """Fill ``plan.trials``: the same budget for every row, on the first seed."""
    for entry in grid.rows_of(plan.name):
        draws = trials(entry.label, entry.ranges, grid.tune, grid.seeds[0])
        made = [(draw, make_job(grid, plan, entry, grid.seeds[0], "trial", draw)) for draw in draws]
        plan.trials[entry.label] = made
    return [job for made in plan.trials.values() for _, job in made]


def choose_trials(grid: Grid, plan: DatasetPlan, runner: Runner) -> None:
    """Fill ``plan.tuned`` with the settings of the best validation score of each row."""
    bigger = not is_smaller_better(grid.valid_metric)
    for label, made in plan.trials.items():
        scores = [(runner.result(job) or {}).get("valid_score") for _, job in made]
        best = best_trial(scores, bigger)
        if best is not None:  # else the report says that no trial has a result
            plan.tuned[label] = made[best][0]


def plan_finals(grid: Grid, plan: DatasetPlan) -> list[Job]:
    """Fill ``plan.jobs``: every row on every seed."""
    for entry in grid.rows_of(plan.name):
        for seed in grid.seeds:
            tuned = plan.tuned.get(entry.label, {})
            plan.jobs[entry.label, seed] = make_job(grid, plan, entry, seed, "final", tuned)
    return list(plan.jobs.values())


def run_grid(grid: Grid, plans: Sequence[DatasetPlan], runner: Runner) -> None:
    """Run what is not done yet: all trials, then all final jobs."""
    if grid.tune:
        runner.run([job for plan in plans for job in plan_trials(grid, plan)], "Tuning")
        for plan in plans:
            choose_trials(grid, plan, runner)
    runner.run([job for plan in plans for job in plan_finals(grid, plan)], "Models")
