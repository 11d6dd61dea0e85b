"""From finished jobs to the numbers of a transfer curve: ``results.json``, its schema is ``transfer.schema.json``."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from recbole_ktrec.evaluation.compared import ALPHA, of_both
from recbole_ktrec.evaluation.environment import environment
from recbole_ktrec.evaluation.pooling import ByUser, differences, of_rows, pooled
from recbole_ktrec.evaluation.report.transfer import verdicts
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.significance import bootstrap_interval, compare, holm, over_seeds
from recbole_ktrec.evaluation.texts import hashes_of
from recbole_ktrec.evaluation.transfer_grid import VARIANTS, CurvePlan
from recbole_ktrec.model.artifact import content_sha256
from recbole_ktrec.model.transfer import copy_warning

SCHEMA = "ktrec-transfer-report"
VERSION = 1
#: Seed -> values by user.
BySeed = dict[int, ByUser]
#: What a variant is compared with, where both have a result.
COMPARED = {"transferred": ("scratch", "kernel", "shuffled", "EASE"), "unguarded": ("scratch", "kernel")}


def assemble(plan: CurvePlan, runner: Runner) -> dict[str, Any]:
    """Return the whole of ``results.json``."""
    curve = plan.curve
    keys = [(variant, share) for variant in VARIANTS for share in curve.shares]
    users = {key: found for key in keys if (found := _by_user(plan, runner, *key))}
    results = {
        "schema": SCHEMA,
        "version": VERSION,
        "settings": {
            "dataset": curve.dataset, "model": curve.model, "transfer": curve.transfer, "split": curve.kind,
            "cold_share": curve.held_out, "shares": list(curve.shares),
            "sample": curve.sample, "seeds": list(curve.seeds), "given": dict(curve.given), "variants": VARIANTS,
        },
        "environment": environment(),
        "artifact": _artifact(plan),
        "data": {"sha256": plan.data.source.digest, "splits": _splits(plan)},
        "runs": [_run(plan, runner, *key) for key in plan.jobs],
        "curve": [row for (variant, share), found in users.items() for row in _rows(variant, share, found)],
        "comparisons": _comparisons(users),
    }  # fmt: skip
    return {**results, "verdicts": verdicts(results)}


def _artifact(plan: CurvePlan) -> dict[str, Any]:
    card, source = plan.artifact.card, plan.data.source
    names = [one["name"] for one in card["sources"]]
    same = plan.artifact.learned_from([source.name], source.inter_sha256, source.pairs)
    copied = None if same else plan.artifact.same_texts(hashes_of(source, plan.data.values))
    return {
        "sources": names, "made": card.get("made"), "package": card.get("package"), "encoder": card["encoder"],
        "untrained_encoder": plan.untrained, "language_model": bool(card.get("language_model")),
        "sha256": content_sha256(plan.curve.pretrained),
        "target_among_sources": bool(same),
        "same_texts": None if copied is None else copy_warning(plan.curve.pretrained, *copied),
    }  # fmt: skip


def _splits(plan: CurvePlan) -> list[dict[str, Any]]:
    return [
        {"share": share, "seed": seed, "counts": prepared.counts, "fingerprints": prepared.fingerprints}
        for (share, seed), prepared in plan.prepared.items()
    ]


def _run(plan: CurvePlan, runner: Runner, variant: str, share: float, seed: int) -> dict[str, Any]:
    job = plan.jobs[variant, share, seed]
    where = {"variant": variant, "share": share, "seed": seed, "job": job.key, "model": job.spec["model"]}
    return runner.told(job, where)


def _by_user(plan: CurvePlan, runner: Runner, variant: str, share: float) -> BySeed:
    """Seed -> every user's values, columns ``group/metric``, of the jobs that ended well."""
    found = {}
    for seed in plan.curve.seeds:
        job = plan.job(variant, share, seed)
        result = runner.result(job) if job else None
        if job and result and result["status"] == "done":
            with np.load(runner.file(job, "npz")) as arrays:
                values = {name: arrays[name].astype(float) for name in arrays.files if name != "users"}
                found[seed] = of_rows(pd.DataFrame(values, index=arrays["users"]))
    return found


def _rows(variant: str, share: float, users: BySeed) -> list[dict[str, Any]]:
    """One row a metric: mean and spread over seeds, interval over users."""
    rows = []
    sample = pooled(list(users.values()))
    for name in sample.columns:
        seeds = [seed for seed in users.values() if name in seed.totals]
        numbers = [float(seed.totals[name].sum() / seed.counts[name].sum()) for seed in seeds]
        row = {"variant": variant, "share": share, "metric": plain(str(name)), **over_seeds(numbers)}
        rows.append({**row, "interval": list(bootstrap_interval(sample[name].dropna().to_numpy()))})
    return rows


def plain(name: str) -> str:
    """Return the name of a metric over all items without its group."""
    return name.removeprefix("all/")


def _comparisons(users: dict[tuple[str, float], BySeed]) -> list[dict[str, Any]]:
    """Return paired comparisons over users; p is corrected after Holm over all of them that share a metric."""
    rows = []
    for (variant, share), mine in users.items():
        for other in COMPARED.get(variant, ()):
            theirs = users.get((other, share), {})
            both = {seed: found for seed, found in mine.items() if seed in theirs}
            where = {"variant": variant, "with": other, "share": share, "seeds": len(both)}
            rows += _compared(both, theirs, where)
    for metric in dict.fromkeys(row["metric"] for row in rows):
        same = [row for row in rows if row["metric"] == metric]
        for row, corrected in zip(same, holm(np.array([row["p"] for row in same])), strict=True):
            low, high = row["interval"]
            # A warning needs less than a claim. Where few users differ, the interval alone is too narrow.
            worse, better = bool(high < 0 and row["p"] < ALPHA), bool(low > 0 and corrected < ALPHA)
            row |= {"p_holm": float(corrected), "worse": worse, "better": better}
    return rows


def _compared(mine: BySeed, theirs: BySeed, where: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name in dict.fromkeys(name for part in mine.values() for name in part.totals.columns):
        first, second = of_both(mine, theirs, name)
        if not first:
            continue
        one = compare(*differences(first, second))
        ahead, base = (float(pooled(part)[name].mean()) for part in (first, second))
        rows.append(
            {
                **where, "metric": plain(str(name)), "difference": one.difference, "interval": [one.low, one.high],
                "ratio": ahead / base if base else None, "p": one.p, "users": one.users,
            }
        )  # fmt: skip
    return rows
