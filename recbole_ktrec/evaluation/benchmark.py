"""The whole of ``ktrec benchmark``: options to grid, grid to jobs, jobs to results and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest
from recbole_ktrec.evaluation.code import keep_code
from recbole_ktrec.evaluation.grid import Grid, prepare_datasets, run_grid
from recbole_ktrec.evaluation.grid_file import read_grid
from recbole_ktrec.evaluation.job_key import model_defaults
from recbole_ktrec.evaluation.notes import blend_notes, bound_notes, equals_notes, guard_notes, notes_ahead
from recbole_ktrec.evaluation.options import Entry, check_section, entries, read_yaml, seeds_of
from recbole_ktrec.evaluation.report import write_report
from recbole_ktrec.evaluation.results import SCHEMA, assemble, write_json
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.splits import NATIVE_KINDS, SplitSpec
from recbole_ktrec.evaluation.stored import check_folder, refuse_other
from recbole_ktrec.evaluation.texts import encode_ahead, left_out
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.models import check_of, model_class


def make_grid(asked: Mapping[str, Any]) -> Grid:
    """Return the grid of what was ``asked`` for.

    Args:
        asked: the options of ``ktrec benchmark`` by name, None where not given; ``given`` are keys for every model,
            ``own`` names of a user's registered models, which are rows where none are named.

    Raises:
        ConfigError: an unknown model, metric, split or key.
    """
    defaults = read_grid(asked.get("config"))
    options = _sections(asked, defaults)
    seeds = asked.get("seeds") or defaults.get("seeds", 3)
    if asked.get("seeds") and len(seeds) == 1:  # of the command line: how many, or which one
        seeds = seeds[0]
    threshold = asked.get("rating_threshold")
    metrics, topk = asked.get("metrics") or defaults["metrics"], asked.get("topk") or defaults["topk"]
    _check_metrics(metrics, topk)
    metrics, topk = _each_once(metrics), list(dict.fromkeys(topk))
    below, common = defaults.get("all") or {}, options.get("all") or {}
    data_path = asked.get("data_path") or {**below, **common}.get("data_path") or "dataset"
    rows = entries(_rows(asked, defaults, options), defaults, options)
    left = {} if asked.get("models") else left_out(asked["dataset"], data_path, rows, defaults["rows"])
    grid = Grid(
        datasets=list(dict.fromkeys(asked["dataset"])),
        entries=[row for row in rows if any(row.label not in left.get(name, ()) for name in asked["dataset"])],
        left_out=left,
        seeds=seeds_of(seeds),
        **_split(asked),
        data_path=str(Path(data_path).resolve()),
        common=common,
        defaults=below,
        metrics=metrics,
        topk=topk,
        valid_metric=asked.get("valid_metric") or _measured(defaults["valid_metric"], topk),
        tune=asked.get("tune") or 0,
        rating_threshold=defaults.get("rating_threshold") if threshold is None else threshold,
        text_diversity=bool(defaults.get("text_diversity", True)),
    )
    SplitSpec(grid.kind, grid.share)
    _check_has_length(grid.valid_metric)
    return grid


def _rows(asked: Mapping[str, Any], grid: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Return the rows that are named, or those of the property file, the user's own and the sections of the options."""
    sections = [section for section in options if section != "all"]
    return list(asked.get("models") or [*grid["rows"], *(asked.get("own") or ()), *sections])


def _sections(asked: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked sections of the options, with the keys of the command line in ``all``."""
    options = read_yaml(asked["options"]) if asked.get("options") else {}
    shared = {"all": defaults.get("all"), **(defaults.get("models") or {}), **(defaults.get("variants") or {})}
    for section, own in [*shared.items(), *options.items()]:
        check_section(section, own)
    if asked.get("given"):
        check_section("all", asked["given"])
        options = {**options, "all": {**(options.get("all") or {}), **asked["given"]}}
    return options


def _split(asked: Mapping[str, Any]) -> dict[str, Any]:
    kind, share = asked.get("split") or "random", asked.get("share")
    if share is not None and kind in NATIVE_KINDS:
        raise ConfigError(f"--share [{share}]: the split {kind} takes no share.")
    return {"kind": kind, "share": 0.2 if share is None else share}


def _measured(metric: str, topk: Sequence[int]) -> str:
    """Return the validation metric of the defaults at a length of lists that is measured: its own, or the first."""
    name, _, k = metric.partition("@")
    return metric if k in map(str, topk) else f"{name}@{topk[0]}"


def _each_once(metrics: Sequence[str]) -> list[str]:
    """Return the names without repeats, letter case aside as for RecBole: a repeat would be a column of its own."""
    found: dict[str, str] = {}
    for name in metrics:
        found.setdefault(name.lower(), name)
    return list(found.values())


def _check_metrics(metrics: Sequence[str], topk: Sequence[int]) -> None:
    from recbole.evaluator.register import metric_types
    from recbole.utils import EvaluatorType

    ranking = [name for name, kind in metric_types.items() if kind == EvaluatorType.RANKING]
    for metric in metrics:
        if metric.lower() in metric_types and metric.lower() not in ranking:
            raise ConfigError(
                f"[{metric}] is no ranking metric: it needs `ktrec run` with eval_args: {{mode: uni1}} or "
                "{mode: labeled}. ktrec benchmark measures accuracy anyway, so leave it out of --metrics."
            )
        if metric.lower() not in ranking:
            raise ConfigError(f"[{metric}] is no ranking metric of RecBole.{nearest(metric.lower(), ranking)}")
    for k in topk:
        if k < 1:
            raise ConfigError(f"topk [{k}] must be 1 or more.")


def _check_has_length(valid_metric: str) -> None:
    """Refuse a metric over whole rankings: RecBole names it without @k, and looks for it in vain after an epoch."""
    from recbole.evaluator.register import metrics_dict

    name = valid_metric.partition("@")[0]
    if not {"rec.topk", "rec.items", "rec.lists"} & set(metrics_dict[name.lower()].metric_need):
        raise ConfigError(
            f"The validation metric [{valid_metric}]: {name} is over whole rankings and has no length of lists. It can "
            "be measured beside another one: give that with --valid-metric."
        )


def check_rows(grid: Grid, dataset: Mapping[str, Any]) -> None:
    """Refuse, before any job is run, a split or values that a row's model cannot use on a data set with its settings.

    Raises:
        ConfigError: the message names the row and the key.
    """
    below = {
        model: {key: value for file in model_defaults(model) for key, value in file.items()}
        for model in MODELS.keys() & {entry.model for entry in grid.entries}
    }
    for entry in grid.entries:
        _check_ordered(grid.kind, entry)
        if grid.tune and entry.settings(dataset).get("eval_step", 1) <= 0:
            raise ConfigError(f"Row [{entry.label}]: with eval_step 0 nothing is validated, so --tune cannot choose.")
        check = check_of(model_class(entry.model)) if entry.model in below else None
        if check is None:
            continue
        try:
            check({"learner": "adam", **below[entry.model], **entry.settings(dataset)})
        except ConfigError as error:
            raise ConfigError(f"Row [{entry.label}]: {error}") from error


def _check_ordered(kind: str, entry: Entry) -> None:
    """Refuse a sequential model on a split without an order: its jobs would fail only after those before them."""
    from recbole.utils import ModelType, get_model

    if kind != "leave_one_out" and get_model(entry.model).type == ModelType.SEQUENTIAL:
        raise ConfigError(
            f"Row [{entry.label}]: [{entry.model}] is a sequential model: RecBole runs it on histories in their order, "
            f"not on the split {kind}. Give --split leave_one_out, or leave the row out of --models."
        )


def run_benchmark(
    grid: Grid, runner: Runner, output: Path, overwrite: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Run what is not done yet, write ``results.json`` and the report into ``output``; return results and notes.

    Args:
        overwrite: whether the report of another comparison may be replaced; its jobs stay.

    Raises:
        ConfigError: ``output`` holds such a report, or what another command has written.
    """
    check_folder(output, SCHEMA)
    if not overwrite:
        refuse_other(output, grid.kind, grid.datasets, grid.held_out)
    with runner.locked():
        plans = prepare_datasets(grid, output / "splits")
        for plan in plans:
            plan.notes += notes_ahead(grid, plan)
        notes = [note for plan in plans for note in plan.notes]
        notes += encode_ahead(grid, plans, runner.workers)
        notes += keep_code(runner.folder, any(entry.model in MODELS for entry in grid.entries))
        run_grid(grid, plans, runner)
        for plan in plans:
            plan.notes += guard_notes(plan, runner) + blend_notes(plan, runner) + bound_notes(plan, runner)
            plan.notes += equals_notes(grid, plan, runner)
        results = assemble(grid, plans, runner)
        write_json(output / "results.json", results)
        notes += write_report(results, output)
    return results, notes
