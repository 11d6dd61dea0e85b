"""The jobs of a transfer curve: variants x shares x seeds, each in a process of its own, done once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from recbole_ktrec.errors import ConfigError, one_of
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid, make_job
from recbole_ktrec.evaluation.grid_file import read_grid
from recbole_ktrec.evaluation.options import OF_THE_GRID, entries
from recbole_ktrec.evaluation.prepare import Prepared, dataset_settings
from recbole_ktrec.evaluation.runner import Job
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.splits import SplitSpec
from recbole_ktrec.evaluation.transfer_split import KINDS, SAMPLES, check_shares, prepare_share
from recbole_ktrec.model.artifact import Artifact, load
from recbole_ktrec.model.trained_encoder import check_base, check_encoder, encoder_keys

MODELS = ("KTEASE", "KTRec")
TRANSFERS = ("frozen", "adapter", "full")
#: KTEASE with these is EASE.
EASE = {"prior": "none", "user_power": 0, "item_power": 0, "score_power": 1, "popularity_discount": 0,
        "history_discount": 0, "popularity_weight": 0, "history_decay": 0, "successor_weight": 0,
        "cooccurrence_window": 0}  # fmt: skip
#: Label -> what the report says of the variant.
VARIANTS = {
    "transferred": "the model with the artifact; the guard lets it in only where it pays on validation data (with "
    "fewer than 20 usable validation interactions nothing is compared, and it is taken)",
    "unguarded": "without the guard: the transferred prior, and lambda and all else chosen with it (the variants of "
    "the guard share what was chosen with the untrained one)",
    "scratch": "the same model without the artifact",
    "kernel": "the text kernel: histories and item texts, nothing learned",
    "shuffled": "as transferred, but every item has the text of another one",
    "EASE": "no texts (KTEASE as plain EASE; its lambda is chosen on validation data)",
}


@dataclass(frozen=True)
class Curve:
    """What is asked for.

    Attributes:
        dataset, data_path: the target; its files lie in ``data_path/dataset``.
        pretrained: folder of the artifact.
        shares: percentages of the training users or interactions.
        seeds: each draws its own split, sample of users and initial weights.
        model, transfer: one of ``MODELS`` and of ``TRANSFERS``.
        kind, cold_share: the split; share of the items that are cold with ``cold_item``.
        sample: what a share is one of: one of ``SAMPLES``.
        given: configuration keys of every job.
    """

    dataset: str
    data_path: str
    pretrained: Path
    shares: Sequence[float]
    seeds: Sequence[int]
    model: str = "KTEASE"
    transfer: str = "frozen"
    kind: str = "random"
    cold_share: float = 0.2
    sample: str = "users"
    given: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of("model", self.model, MODELS)
        one_of("transfer", self.transfer, TRANSFERS)
        one_of("split", self.kind, KINDS)
        one_of("sample", self.sample, SAMPLES)
        check_shares(self.shares)
        for key in self.given:
            _check_key(key)

    @property
    def held_out(self) -> float | None:
        """The share of the items that are cold, None where the split holds none out."""
        return self.cold_share if self.kind == "cold_item" else None


def _check_key(key: str) -> None:
    """Refuse a key that would be overwritten in the jobs without a word."""
    if key in ("pretrained", "transfer", "transfer_guard", "shuffle_texts", "prior"):
        raise ConfigError(f"Key [{key}] is what the variants of the report differ in: leave it out.")
    if key in ("metrics", "topk", "valid_metric"):
        raise ConfigError(f"Key [{key}]: the report is of NDCG@10 and Recall@10: leave it out.")
    if option := {**OF_THE_GRID, "model": "--model", "data_path": "--data-path"}.get(key):
        raise ConfigError(f"Key [{key}] is the same for every job: give {option}.")


@dataclass
class CurvePlan:
    """A curve with its data and its jobs.

    Attributes:
        own_encoder: keys that name the artifact's language model; none if it has none, or the run another encoder.
        untrained: fingerprint of the encoder of all that does not read the artifact.
        prepared: (share, seed) -> split.
        jobs: (variant, share, seed) -> job; those of the kernel have share 0 where the queries are the same at all.
    """

    curve: Curve
    artifact: Artifact
    data: DatasetPlan
    own_encoder: dict[str, str | None]
    untrained: dict[str, Any]
    prepared: dict[tuple[float, int], Prepared] = field(default_factory=dict)
    jobs: dict[tuple[str, float, int], Job] = field(default_factory=dict)

    def job(self, variant: str, share: float, seed: int) -> Job | None:
        """Return the job whose result stands for ``variant`` at ``share``."""
        same = variant == "kernel" and self.curve.sample == "users"
        return self.jobs.get((variant, 0.0 if same else share, seed))


def variants(curve: Curve, share: float) -> dict[str, dict[str, Any]]:
    """Return label -> configuration of what is run at ``share``; at 0 only what learns nothing can be."""
    folder = str(curve.pretrained.resolve())
    shuffled = {"shuffle_texts": True}
    given = {"model": "KTEASE", "transfer": "zero_shot"}  # of KTRec nothing but its closed form is there untrained
    if share == 0:
        mine = {**given, "pretrained": folder}
        return {"transferred": mine, "kernel": given, "shuffled": {**mine, **shuffled}}
    mine = {"model": curve.model, "transfer": curve.transfer, "pretrained": folder}
    kernel = {} if curve.sample == "users" else {"kernel": given}
    return kernel | {
        "transferred": mine,
        "unguarded": {**mine, "transfer_guard": False},
        "scratch": {"model": curve.model, "transfer": "frozen"},  # the others cannot be had without an artifact
        "shuffled": {**mine, **shuffled},
        "EASE": {"model": "KTEASE", **EASE},
    }


def grid_of(curve: Curve, share: float) -> Grid:
    """Return the benchmark's grid of one share."""
    defaults = read_grid(None)
    asked = variants(curve, share)
    return Grid(
        [curve.dataset],
        entries(asked, defaults, {"all": dict(curve.given), **asked}),
        list(curve.seeds),
        data_path=curve.data_path,
        metrics=["NDCG", "Recall"],
        topk=[10],
        valid_metric="NDCG@10",
        text_diversity=False,
    )


def plan_curve(curve: Curve, folder: Path) -> CurvePlan:
    """Check the artifact, read the target, write its splits below ``folder`` and list the jobs.

    Raises:
        ConfigError: texts would be read with another encoder than the artifact's language model was trained from.
        DataError: the artifact or the data cannot be used.
        EncoderError: the encoder is not that of the artifact, or not to be had.
    """
    artifact = load(curve.pretrained)
    values = {**dataset_settings(curve.dataset, curve.data_path), **curve.given, "data_path": curve.data_path}
    own, untrained = _encoders(curve.pretrained.resolve(), artifact.card, values)
    source = read_source(curve.dataset, values)
    plan = CurvePlan(curve, artifact, DatasetPlan(curve.dataset, source, values, {}), own, untrained)
    shares = sorted({0.0, *curve.shares})  # the kernel is there in any case
    pairs = [(share, seed) for share in shares for seed in curve.seeds]
    for share, seed in tqdm(pairs, desc="Splits", unit="split"):
        spec = SplitSpec(curve.kind, curve.cold_share, seed)
        plan.prepared[share, seed] = prepare_share(source, spec, share, values, folder, curve.sample)
    for share in shares:
        _add_jobs(plan, share)
    return plan


def _encoders(
    folder: Path, card: Mapping[str, Any], values: Mapping[str, Any]
) -> tuple[dict[str, str | None], dict[str, Any]]:
    """Return what :class:`CurvePlan` keeps of the encoders; refuse those that no job or fair comparison can be of."""
    own = encoder_keys(folder, card, values, values.get("text_encoder") is not None)
    check_encoder(folder, card, {**values, **own})
    return own, check_base(folder, card, values)


def _add_jobs(plan: CurvePlan, share: float) -> None:
    curve, grid = plan.curve, grid_of(plan.curve, share)
    here = {seed: plan.prepared[share, seed] for seed in curve.seeds}
    data = dataclasses.replace(plan.data, prepared=here)
    for entry in grid.entries:
        if share in curve.shares or entry.label == "kernel":
            for seed in curve.seeds:
                job = make_job(grid, data, entry, seed, "transfer", {})
                title = f"{curve.dataset} {entry.label}, {share:g} %, seed {seed}"
                plan.jobs[entry.label, share, seed] = dataclasses.replace(job, title=title)


def encoding_grid(plan: CurvePlan) -> Grid:
    """Return a grid that reads item texts with each encoder that the jobs need, named as it is."""
    grid = grid_of(plan.curve, 0)
    taken = [
        dataclasses.replace(entry, config={**entry.config, **plan.own_encoder, "pretrained": None})
        if "pretrained" in entry.config
        else entry
        for entry in grid.entries
    ]
    return dataclasses.replace(grid, entries=taken)
