"""RecBole 1.2.1 on today's Python stack: one small remedy a file, each scoped, each nothing where it is not needed.

``install()`` arms them; a remedy acts when the module that it mends is imported (see ``hooks``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from recbole_ktrec.compat import (
    collector,
    dataset_cache,
    distributed,
    empty_ids,
    exact_times,
    folders,
    hyper_tuning,
    ids,
    list_length,
    numpy_names,
    pandas_guard,
    popularity,
    ray_tune,
    scipy_dok,
    stable_order,
    time_split,
    torch_load,
    use_gpu,
    warnings_of_age,
    whole_lines,
)
from recbole_ktrec.compat.hooks import after_import, before_import


@dataclass(frozen=True)
class Remedy:
    """One fault of the host and its remedy.

    Attributes:
        name: what is mended.
        cause: what fails without it.
        module: the module of RecBole whose import brings the remedy.
        apply: takes that module, mends, and returns whether there was anything to mend.
        before: True where it must act before the module's code runs.
    """

    name: str
    cause: str
    module: str
    apply: Callable[[ModuleType], bool]
    before: bool = False


REMEDIES = (
    Remedy("numpy names", "np.float and others are gone", "recbole", numpy_names.add_names),
    Remedy("warnings", "torch and pandas warn of RecBole's age", "recbole", warnings_of_age.leave_out),
    Remedy(
        "ray",
        "cannot be imported, a stand-in takes its place",
        "recbole.quick_start.quick_start",
        ray_tune.ensure_ray,
        before=True,
    ),
    Remedy(
        "pandas",
        "refused: 3 computes wrong numbers",
        "recbole.data.dataset.dataset",
        pandas_guard.refuse_pandas_3,
        before=True,
    ),
    Remedy(
        "torch.load", "checkpoints hold RecBole's Config object", "recbole.utils.utils", torch_load.relax_for_recbole
    ),
    Remedy("dok_matrix", "_update is gone from scipy", "recbole.model.abstract_recommender", scipy_dok.add_update),
    Remedy("collector", "ItemCoverage and others crash", "recbole.evaluator.collector", collector.keep_plain_values),
    Remedy("gloo", "nproc=2 on a CPU asks for NCCL", "recbole.config.configurator", distributed.use_gloo_without_cuda),
    Remedy("use_gpu", "False takes the GPU all the same", "recbole.config.configurator", use_gpu.leave_gpu_out),
    Remedy(
        "one checkpoint",
        "each of several processes names its own",
        "recbole.trainer.trainer",
        distributed.share_checkpoints,
    ),
    Remedy(
        "reload",
        "checkpoint of several processes or of a GPU",
        "recbole.config.configurator",
        distributed.load_in_one_process,
    ),
    Remedy("folders", "several processes make one at once", "recbole.utils.utils", folders.make_folders_together),
    Remedy(
        "time split", "TS in random order is warned of", "recbole.config.configurator", time_split.warn_of_random_order
    ),
    Remedy(
        "exact times",
        "orders by times rounded to two minutes",
        "recbole.data.dataset.dataset",
        exact_times.sort_before_rounding,
    ),
    Remedy(
        "stable order",
        "the same seed draws another split on another processor",
        "recbole.data.dataset.dataset",
        stable_order.sort_stably,
    ),
    Remedy(
        "empty ids",
        "takes sound rows for those without a user or an item",
        "recbole.data.dataset.dataset",
        empty_ids.drop_first,
    ),
    Remedy(
        "whole lines",
        "a cell that begins with a quote takes lines with it",
        "recbole.data.dataset.dataset",
        whole_lines.compare_with_lines,
    ),
    Remedy(
        "saved data set",
        "is taken for that of another data_path or split",
        "recbole.utils.argument_list",
        dataset_cache.compare_origin_and_split,
    ),
    Remedy(
        "list length",
        "lists longer than the catalogue fail without a word of it",
        "recbole.evaluator.collector",
        list_length.refuse_long_lists,
    ),
    Remedy(
        "hyperopt",
        "is missing, a search fails without a word of the extra",
        "recbole.trainer.hyper_tuning",
        hyper_tuning.ask_for_hyperopt,
    ),
    Remedy(
        "popularity",
        "Pop counts an item once a batch, and drawn negatives",
        "recbole.model.general_recommender.pop",
        popularity.count_every_interaction,
    ),
    Remedy("ids", "a checkpoint is served with other rows", "recbole.quick_start.quick_start", ids.same_ids),
)

#: name of a remedy that has acted -> whether there was anything to mend.
_ACTED: dict[str, bool] = {}


def _arm(remedy: Remedy) -> None:
    def act(module: ModuleType) -> None:  # again where the module is reloaded, in a notebook
        _ACTED[remedy.name] = remedy.apply(module) or _ACTED.get(remedy.name, False)

    (before_import if remedy.before else after_import)(remedy.module, act)


_installed = False


def install() -> None:
    """Arm every remedy, once a process."""
    global _installed
    if not _installed:
        _installed = True
        for remedy in REMEDIES:
            _arm(remedy)


def status(remedy: Remedy) -> str:
    """Return ``in force``, ``not needed`` or ``waits for <module>``."""
    if remedy.name not in _ACTED:
        return f"waits for {remedy.module}"
    return "in force" if _ACTED[remedy.name] else "not needed"
