"""What a reader of a comparison must know of a data set and its rows, told beside the numbers."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter

from recbole.utils import ModelType, get_model

from recbole_ktrec.errors import KTRecError, counted
from recbole_ktrec.evaluation.grid import DatasetPlan, Grid
from recbole_ktrec.evaluation.job_key import source_names
from recbole_ktrec.evaluation.options import reads_texts
from recbole_ktrec.evaluation.prepare import dataset_settings
from recbole_ktrec.evaluation.recorder import AT_RANDOM
from recbole_ktrec.evaluation.report.transfer import listed_counts, took
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.texts import hashes_of, lacks_texts, texts_of
from recbole_ktrec.model.artifact import load
from recbole_ktrec.model.artifact_card import artifact_folder
from recbole_ktrec.model.source_data import copy_told
from recbole_ktrec.model.transfer import copy_warning, leakage_warning
from recbole_ktrec.register import MODELS
from recbole_ktrec.text import TextSettings, script_warning

#: Share of a metric that the order of equal scores may make without a word.
_BY_CHANCE = 0.01


def notes_ahead(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Return what is known of a data set before its jobs are run."""
    of_data = parts_notes(plan) + textless_notes(grid, plan) + nameless_notes(plan) + repeat_notes(plan)
    of_data += script_notes(grid, plan)
    of_order = order_notes(grid, plan) + same_time_notes(grid, plan)
    of_rows = own_notes(grid, plan) + learned_notes(grid, plan) + along_notes(grid, plan) + tuning_notes(grid, plan)
    return of_data + of_rows + of_order


def own_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell which rows are of a user's own module, and of which state of it."""
    rows = dict[str, list[str]]()
    for entry in grid.rows_of(plan.name):
        if (own := entry.source) is not None:
            told = f"[{own['model']}] of [{own['module']}] ({', '.join(own['files'])}; SHA-256 {own['sha256'][:12]})"
            rows.setdefault(told, []).append(entry.label)
    return [
        f"[{plan.name}]: a model of your own, {told}: {counted(len(labels), 'row')}, {', '.join(labels)}."
        for told, labels in rows.items()
    ]


def repeat_notes(plan: DatasetPlan) -> list[str]:
    """Warn of test interactions that training knows: RecBole masks what a user took, but not where it is the answer."""
    split = next(iter(plan.prepared.values()))
    seen, tested = split.counts.get("test_interactions_seen_in_training", 0), split.counts["test_interactions"]
    if not seen:
        return []
    return [
        f"[{plan.name}]: of {counted(tested, 'test interaction')} {seen:,} repeat{'s' if seen == 1 else ''} one of "
        "training. RecBole leaves such an item a candidate only where it is right, which favours models that score "
        "known items high: rm_dup_inter [first] takes repeats out."
    ]


def same_time_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell how many of the last interactions of users are last by their row alone."""
    if grid.kind != "leave_one_out":
        return []
    rows = plan.source.frame.sort_values(["user", "time"], kind="stable")
    last, same = ~rows["user"].duplicated(keep="last"), rows.duplicated(["user", "time"])
    asked = last & (rows.groupby("user")["user"].transform("size") >= 2)  # as RecBole asks
    if not (tied := int((asked & same).sum())):
        return []
    return [
        f"[{plan.name}]: of {counted(int(asked.sum()), 'test interaction')} {tied:,} "
        f"{'has' if tied == 1 else 'have'} the same time as the one before: that they are the last ones is the order "
        "of the file, and another order asks for others."
    ]


def textless_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell that the plugin's models have no texts to read, and which rows are left out for it."""
    file, rows = plan.source.file("item"), [entry for entry in grid.rows_of(plan.name) if entry.model in MODELS]
    if left := grid.left_out.get(plan.name):
        why = lacks_texts(file, plan.values)
        return [f"[{plan.name}]: {why}, so what reads texts is not run there: {', '.join(left)}."]
    lacking = [lacks_texts(file, entry.settings(plan.values)) for entry in rows]
    return [f"[{plan.name}]: {lacking[0]}, so no row reads texts there."] if lacking and all(lacking) else []


def script_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell that the default encoder, where a row reads texts with it, does not know their script."""
    rows, told = [(entry.model, entry.settings(plan.values)) for entry in grid.rows_of(plan.name)], dict[str, None]()
    with contextlib.suppress(KTRecError):  # a file that cannot be read is told by the rows that read it
        read = [TextSettings.from_mapping(values) for model, values in rows if reads_texts(model, values)]
        texts = texts_of(plan.source, plan.values) if read else []
        told = dict.fromkeys(f"[{plan.name}]: {warning}" for one in read if (warning := script_warning(texts, one)))
    return list(told)


def nameless_notes(plan: DatasetPlan) -> list[str]:
    """Tell of interactions without a user or an item: an id may be one of the words that pandas reads as missing."""
    if not (left := plan.source.nameless):
        return []
    ids = " or ".join(f"[{plan.source.fields[key]}]" for key in ("USER_ID_FIELD", "ITEM_ID_FIELD"))
    return [
        f"[{plan.name}]: left out for want of {ids}: {counted(left, 'interaction')}. It is empty there, or one of the "
        "words that RecBole reads as missing, such as NA, null and None."
    ]


def parts_notes(plan: DatasetPlan) -> list[str]:
    """Tell that the data set has a split of its own, which is not the one of the comparison."""
    if not (parts := plan.values.get("benchmark_filename")):
        return []
    return [
        f"[{plan.name}]: benchmark_filename [{', '.join(parts)}] is left aside: the split is one of the whole of "
        f"[{plan.source.file('inter').name}]."
    ]


def learned_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Warn of rows whose artifact was learned from the data set itself; what is damaged is told by the row's jobs."""
    found, texts = [], functools.cache(functools.partial(hashes_of, plan.source, plan.values))
    for entry in grid.rows_of(plan.name):
        given = entry.settings({})
        if not (entry.model in MODELS and given.get("pretrained")):
            continue
        folder = artifact_folder(given)
        with contextlib.suppress(KTRecError):
            artifact = load(folder)
            if source := artifact.learned_from([plan.name], plan.source.inter_sha256, plan.source.pairs):
                found.append(f"[{plan.name}], row [{entry.label}]: {leakage_warning(folder, source)}")
            elif same := artifact.same_texts(texts()):
                found.append(f"[{plan.name}], row [{entry.label}]: {copy_warning(folder, *same)}")
    return found


def along_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Warn of rows that train a copy of the data set along; a source that cannot be read is told by the row's jobs."""
    rows = dict[tuple[str, str], list[str]]()
    for entry in grid.rows_of(plan.name):
        given = entry.settings(plan.values)
        for name in source_names(given) if entry.model in MODELS else []:
            rows.setdefault((name, str(given.get("source_data_path") or grid.data_path)), []).append(entry.label)
    found, asked = [], functools.cache(lambda: (plan.source.pairs, hashes_of(plan.source, plan.values)))
    for (name, path), labels in rows.items():
        with contextlib.suppress(KTRecError):
            values = {**dataset_settings(name, path), "data_path": path}
            source = read_source(name, values)
            if told := copy_told(name, (source.pairs, hashes_of(source, values)), asked()):
                found.append(f"[{plan.name}], row [{', '.join(labels)}]: {told}")
    return found


def tuning_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell which rows have nothing to tune, so that their trials are fewer than those of the others."""
    without = [entry.label for entry in grid.rows_of(plan.name) if not entry.ranges]
    if grid.tune < 2 or not without:
        return []
    return [
        f"[{plan.name}]: no ranges to tune are known for {', '.join(without)}: each had one trial, its defaults. "
        "`tune` in a section of --options gives ranges."
    ]


def order_notes(grid: Grid, plan: DatasetPlan) -> list[str]:
    """Tell that sequential models know one interaction more than the others, and where they are compared alike."""
    rows = {entry.label: _type(entry.model) == ModelType.SEQUENTIAL for entry in grid.rows_of(plan.name)}
    ordered = [label for label, sequential in rows.items() if sequential]
    if grid.kind != "leave_one_out" or not ordered or all(rows.values()):
        return []
    return [
        f"[{plan.name}]: in RecBole, {', '.join(ordered)} read each history up to the validation interaction, the last "
        "before what is asked for, all other rows without it. Like for like is the column Validation known of the "
        "table by group."
    ]


def blend_notes(plan: DatasetPlan, runner: Runner) -> list[str]:
    """Tell how much of KTRec's scores its closed form makes: where it makes all, the rest has no effect."""
    found: dict[str, list[float]] = {}
    for (label, _), job in plan.jobs.items():
        if (share := (runner.result(job) or {}).get("closed_share")) is not None:
            found.setdefault(label, []).append(share)
    if not found:
        return []
    ends = {label: dict.fromkeys(f"{end(own):.0%}" for end in (min, max)) for label, own in found.items()}
    listed = ", ".join(f"{label} {' to '.join(both)}" for label, both in ends.items())
    return [
        f"[{plan.name}]: part of the closed form in the scores, by validation data: {listed}; the rest is neural. "
        "Where it is 100 %, the settings of the neural part alone had no effect."
    ]


def guard_notes(plan: DatasetPlan, runner: Runner) -> list[str]:
    """Tell what the guard took where a row has an artifact: with the untrained, the row is the one without."""
    found = dict[str, Counter[str]]()
    for (label, _), job in plan.jobs.items():
        if choice := (runner.result(job) or {}).get("choice"):
            found.setdefault(label, Counter())[took(choice)] += 1
    return [
        f"[{plan.name}], row [{label}]: what the guard took: {listed_counts(used)}. Where it "
        "is untrained or scratch (learned here alone), nothing of the sources is in the scores."
        for label, used in found.items()
    ]


def bound_notes(plan: DatasetPlan, runner: Runner) -> list[str]:
    """Tell which rows were best at the last validation that their epochs allowed: they may not have been through."""
    found: dict[str, int] = {}
    for (label, _), job in plan.jobs.items():
        config, kept = job.spec["config"], (runner.result(job) or {}).get("best_epoch")
        most, step = config.get("epochs"), max(int(config.get("eval_step") or 1), 1)
        if kept and most and kept + step > most and _type(job.spec["model"]) != ModelType.TRADITIONAL:
            found[label] = most
    if not found:
        return []
    listed = ", ".join(f"{label} ({counted(most, 'epoch')})" for label, most in found.items())
    return [
        f"[{plan.name}]: still best at the last validation of all epochs that they had, on some seed: {listed}. More "
        "epochs may give more."
    ]


def equals_notes(grid: Grid, plan: DatasetPlan, runner: Runner) -> list[str]:
    """Tell of which rows the file's order makes a part of the metric: RecBole ranks equal scores by the items' numbers.

    An ID model gives all items one score for a user it does not know, and so recommends what the file names first.
    """
    metric, found = grid.valid_metric.lower(), dict[str, list[tuple[float, float]]]()
    for (label, _), job in plan.jobs.items():
        groups = (runner.result(job) or {}).get("groups") or {}
        values = [groups.get(group, {}).get("metrics", {}).get(metric) for group in ("all", AT_RANDOM)]
        if None not in values:
            found.setdefault(label, []).append((values[0], values[1]))
    means = {label: [sum(column) / len(own) for column in zip(*own, strict=True)] for label, own in found.items()}
    told = [
        f"{label} {random:.4f} instead of {ranked:.4f}"
        for label, (ranked, random) in means.items()
        if abs(ranked - random) > _BY_CHANCE * max(ranked, random)
    ]
    if not told:
        return []
    return [
        f"[{plan.name}]: RecBole ranks items with equal scores by their numbers, mostly those first that the file "
        f"names first, often popular ones. With equals in a random order {grid.valid_metric} is: {', '.join(told)}."
    ]


def _type(model: str) -> ModelType:
    return get_model(model).type
