"""Make a split ready: a folder of benchmark files that any RecBole model runs on, and what it must look like in memory.

For the kinds that RecBole makes itself (``random``, ``leave_one_out``) the data set is used in place when its feature
files hold exactly the users and items that interact, and no filter leaves out one of several rows of the same user and
item; otherwise it is copied without the surplus, because every item of a feature file gets an id, and so a model that
loads the file would rank more candidates than one that does not, and because ratings are read from the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.compat.host import host_properties
from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.harness import data_config, item_tokens, load_parts, pair_tokens
from recbole_ktrec.evaluation.options import read_yaml
from recbole_ktrec.evaluation.source import Source, read_lines
from recbole_ktrec.evaluation.split_files import copy_features, publish, write_json, write_lines, write_split
from recbole_ktrec.evaluation.splits import (
    HISTORY,
    PARTS,
    WRITTEN_KINDS,
    SplitSpec,
    assign,
    check_times,
    describe,
    fingerprint,
    pair_fingerprint,
    part_fingerprints,
    repeated,
)
from recbole_ktrec.register.keys import check_beside
from recbole_ktrec.register.properties import converted_file, dataset_files

FORMAT = 1
#: RecBole's own splits.
NATIVE_EVAL_ARGS: dict[str, dict[str, Any]] = {
    "random": {"split": {"RS": [0.8, 0.1, 0.1]}, "group_by": "user", "order": "RO", "mode": "full"},
    "leave_one_out": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
}
#: What is written here is UTF-8, and its rows have passed RecBole's filters already.
_FILTERED: dict[str, Any] = {
    "rm_dup_inter": None,
    "val_interval": None,
    "filter_inter_by_user_or_item": False,
    "user_inter_num_interval": None,
    "item_inter_num_interval": None,
    "encoding": "utf-8",
}
#: What RecBole needs to read the parts of a written split as they are.
WRITTEN_SETTINGS: dict[str, Any] = {
    "benchmark_filename": list(PARTS[:HISTORY]),
    **_FILTERED,
    "eval_args": {"mode": "full", "order": "TO"},
}


@dataclass(frozen=True)
class Prepared:
    """A split that every model of the grid runs on.

    Attributes:
        dataset: the name to give RecBole.
        data_path: the folder that holds ``dataset``'s folder; None for a data set inside RecBole.
        settings: configuration keys that the split needs, above whatever a model or a user sets.
        spec, digest, counts, fingerprints: what it is and what every model must find in memory (see ``split.json``).
    """

    dataset: str
    data_path: str | None
    spec: dict[str, Any]
    digest: str
    settings: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    fingerprints: dict[str, str] = field(default_factory=dict)


def prepare(source: Source, spec: SplitSpec, values: Mapping[str, Any], folder: Path) -> Prepared:
    """Return the split ``spec`` of ``source``, written below ``folder`` where it has to be.

    Args:
        source: the data set.
        spec: kind, share and seed.
        values: configuration keys that all models share, as given to
            :func:`recbole_ktrec.evaluation.source.read_source`, with :func:`dataset_settings` among them.
        folder: where prepared data sets go; one that is there already is used again if it is from the same source.
    """
    if spec.kind in WRITTEN_KINDS:
        return _written(source, spec, values, folder)
    if spec.kind == "leave_one_out" and not _has_times(source, values):
        raise DataError(
            f"[{source.file('inter')}]: leave_one_out asks for each user's last interaction, so it needs a time "
            "column: set TIME_FIELD to a field of the .inter file and name it in load_col."
        )
    if spec.kind == "leave_one_out":
        with source.named():
            check_times(source.frame)
    base = {"eval_args": NATIVE_EVAL_ARGS[spec.kind], "seed": spec.seed}
    if values.get("benchmark_filename"):  # else RecBole would take these parts for the split
        base["benchmark_filename"] = None
    if _is_clean(source) and not _leaves_repeats(source, values):
        # ml-100k lies inside RecBole, which looks for it nowhere else.
        path = None if source.name == "ml-100k" else str(Path(values["data_path"]).resolve())
        prepared = Prepared(source.name, path, asdict(spec), source.digest, base)
    else:
        prepared = _copied(source, spec, base, values, folder)
    return _checked(source, _with_fingerprints(prepared, values))


def _checked(source: Source, prepared: Prepared) -> Prepared:
    """Refuse a split with an empty part before any model is trained on it."""
    for part in PARTS[:HISTORY]:
        if not prepared.counts[f"{part}_interactions"]:
            raise DataError(
                f"[{source.file('inter')}]: the split [{prepared.spec['kind']}] leaves no [{part}] interaction: it "
                "takes users with three interactions or more. Choose another --split, or check the data and the "
                "filters."
            )
    return prepared


def loaded_columns(values: Mapping[str, Any]) -> str | list[str]:
    """Return the columns of interactions that ``load_col`` names: "*" for all, empty where it names none of them."""
    loaded = values.get("load_col", {})  # RecBole's default holds ids only; None is everything
    return "*" if loaded is None else loaded.get("inter") or []


def _has_times(source: Source, values: Mapping[str, Any]) -> bool:
    """Whether RecBole will have times in memory: the file has them, and they are loaded."""
    columns = loaded_columns(values)
    return "time" in source.frame and (columns == "*" or source.fields["TIME_FIELD"] in columns)


def _is_clean(source: Source) -> bool:
    for suffix, column, key in (("item", "item", "ITEM_ID_FIELD"), ("user", "user", "USER_ID_FIELD")):
        path = source.file(suffix)
        if path.is_file() and _ids(source, path, key) != set(source.frame[column]):
            return False
    return True


def _leaves_repeats(source: Source, values: Mapping[str, Any]) -> bool:
    """Whether a filter left out rows of users and items of whom it kept others: their ratings may be other ones."""
    if not (values.get("rm_dup_inter") or values.get("val_interval")):
        return False
    columns = [source.fields[key] for key in ("USER_ID_FIELD", "ITEM_ID_FIELD")]
    rows = iter_atomic(source.file("inter"), columns, source.encoding)
    pairs = pd.DataFrame(rows, columns=["user", "item"], dtype=object)
    kept = pairs.index.isin(source.frame["row"])
    return bool(repeated(pairs[~kept], pairs[kept]))


def _ids(source: Source, path: Path, key: str) -> set[str]:
    return {row[0] for row in iter_atomic(path, [source.fields[key]], source.encoding)}


def _with_fingerprints(prepared: Prepared, values: Mapping[str, Any]) -> Prepared:
    """Split as RecBole will, to know what each model must find in memory."""
    merged = {**values, **prepared.settings}
    if prepared.data_path:
        merged["data_path"] = prepared.data_path
    dataset, parts = load_parts(data_config(prepared.dataset, merged))
    names = [pair_tokens(part) for part in parts]
    counts = {f"{name}_interactions": len(part) for name, part in zip(PARTS, parts, strict=False)}
    counts |= {"users": dataset.user_num - 1, "items": dataset.item_num - 1, "interactions": sum(map(len, parts))}
    prints = {name: pair_fingerprint(*pair) for name, pair in zip(PARTS, names, strict=False)}
    prints["candidates"] = fingerprint(item_tokens(dataset))
    cold = ~np.isin(names[2][1], names[0][1])
    counts |= {"test_interactions_of_cold_items": int(cold.sum()), "test_users": len(np.unique(names[2][0]))}
    train, test = (pd.DataFrame(dict(zip(("user", "item"), names[k], strict=True))) for k in (0, 2))
    counts["test_interactions_seen_in_training"] = repeated(test, train)
    return replace(prepared, counts=counts, fingerprints=prints)


def _copied(
    source: Source, spec: SplitSpec, settings: dict[str, Any], values: Mapping[str, Any], folder: Path
) -> Prepared:
    name = f"{source.name}-same"
    info = {"format": FORMAT, **source.origin}

    def fill(target: Path) -> None:
        lines = read_lines(source.file("inter"), source.encoding)
        write_lines(target / f"{name}.inter", [lines[0], *(lines[row + 1] for row in source.frame["row"])])
        copy_features(source, target, name)
        write_json(target / "split.json", info)

    about = {**about_data(values), **_FILTERED, "benchmark_filename": None}
    publish(folder / name, info, about, fill)
    return Prepared(name, str(folder.resolve()), asdict(spec), source.digest, {**settings, **_FILTERED})


def _written(source: Source, spec: SplitSpec, values: Mapping[str, Any], folder: Path) -> Prepared:
    with source.named():
        parts = assign(source.frame, spec)
    name = f"{source.name}-{spec.tag}"
    info = {"format": FORMAT, **source.origin, **asdict(spec)}
    if spec.kind == "time":
        info["seed"] = None  # it draws nothing: all seeds share the folder
    masks = {part: parts == code for code, part in enumerate(PARTS) if (parts == code).any()}
    # An item that only a cold user's history holds is in none of RecBole's three files: no model can know it.
    known = set(source.frame["item"][parts != HISTORY])
    counts, prints = describe(source.frame, parts), part_fingerprints(source.frame, masks, known)
    counts["history_items_unknown"] = int(source.frame["item"].nunique() - len(known))
    info |= {"counts": counts, "fingerprints": prints}
    write_split(source, folder / name, info, masks, known, {**about_data(values), **WRITTEN_SETTINGS})
    settings = {**WRITTEN_SETTINGS, "seed": spec.seed}
    return Prepared(name, str(folder.resolve()), asdict(spec), source.digest, settings, counts, prints)


def dataset_settings(name: str, data_path: str) -> dict[str, Any]:
    """Return what RecBole, the plugin and the data's own folder set for a data set.

    Every model of a comparison gets these: a prepared copy has another name, and RecBole's own models do not read the
    plugin's files.

    Raises:
        ConfigError: the file beside the data has a key that nobody reads.
    """
    host = host_properties() / "dataset" / f"{name}.yaml"
    settings: dict[str, Any] = {}
    for path in ([host] if host.is_file() else []) + dataset_files(name):
        settings |= read_yaml(path)
    for path in converted_file(name, data_path):
        beside = read_yaml(path)
        check_beside(path, beside)
        settings |= beside
    return settings


def about_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of ``values`` that say how the files are read, for the property file that lies beside them."""
    from recbole.utils import dataset_arguments

    return {key: value for key, value in values.items() if key in dataset_arguments or key.startswith("text_")}
