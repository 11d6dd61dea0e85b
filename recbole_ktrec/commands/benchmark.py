"""Compare models fairly: the same split and the same candidate items for every model, each in a process of its own.

Built-in models of RecBole and those of this plugin run through RecBole's own trainer and evaluator, on several seeds.
What is done is not done again: stop it, kill it, run it again. The results are written into the output folder:
results.json (every number), report.md, report.html (one page, no network needed), table.csv, plots (PNG, PDF).
More keys go to every model as --key=value, like those of 'all' in --options, which they override.

  ktrec benchmark --dataset my-shop --output comparison      # is it better here, and do the texts help?
  ktrec benchmark --dataset ml-100k --models Pop ItemKNN EASE BPR --seeds 3 --output built-in
  ktrec benchmark --dataset ml-100k --register MyModel=my_models --models MyModel KTRec EASE --output mine
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recbole_ktrec.atomic import read_header
from recbole_ktrec.commands.data import check_loaded, data_folder
from recbole_ktrec.commands.options import SEEDS, check_options, read_options, user_path
from recbole_ktrec.commands.session import add_jobs, jobs_of
from recbole_ktrec.commands.values import check_data_values, check_plain, long_lists
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.own_models import HELP, register_own

if TYPE_CHECKING:
    from recbole_ktrec.evaluation.grid import Grid

_OPTIONS = (
    "YAML: model -> settings; 'all' for every model, and alone for what the data are read by; 'model: NAME' makes a "
    "section a variant; 'tune' in a section gives its ranges"
)
_MODELS = (
    "models by name, rows of properties/benchmark.yaml, or sections of --options (default: KTRec and KTEASE with and "
    "without texts, EASE-auto, ItemKNN, BPR and Pop)"
)
#: Keys that other commands take, and what is asked for here instead.
_ELSEWHERE = {
    **dict.fromkeys(("config_file", "config_files", "config_file_list"), "'all' in --options FILE"),
    "model": "--models",
    **dict.fromkeys(("nproc", "world_size", "group_offset", "ip", "port"), "--jobs N: a job has one process"),
}
_SPLITS = "random, leave_one_out (RecBole's own), cold_item, cold_user, time (default: random)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--dataset", nargs="+", required=True, metavar="D", help="names: folders in --data-path, or ml-100k")
    add("--data-path", metavar="DIR", help="folder that holds the data sets' folders (default: dataset)")
    add("--models", nargs="+", metavar="M", help=_MODELS)
    add("--register", nargs="+", default=[], metavar="M=MODULE", help=HELP)
    add("--options", type=user_path, metavar="FILE", help=_OPTIONS)
    add("--seeds", nargs="+", type=int, metavar="S", help=SEEDS)
    add("--split", default="random", metavar="KIND", help=_SPLITS)
    add("--share", type=float, metavar="S", help="share of items, users or interactions held out (default: 0.2)")
    add("--metrics", nargs="+", metavar="M", help="ranking metrics of RecBole")
    add("--topk", nargs="+", type=int, metavar="K", help="lengths of the lists")
    valid_help = "chooses the epoch and the trial (default: NDCG@10, without a 10 in --topk at its first length)"
    add("--valid-metric", metavar="M@K", help=valid_help)
    add("--tune", type=int, default=0, metavar="N", help="most trials a model, over properties/tuning/MODEL.yaml")
    add(
        "--rating-threshold",
        type=float,
        metavar="R",
        help="a rating from here on is a yes (default: the median): for 'Accuracy ratings', in 'All numbers' of "
        "report.html, where the data have ratings; it changes nothing else",
    )
    add("--config", type=user_path, metavar="FILE", help="defaults of the grid (default: properties/benchmark.yaml)")
    add_jobs(parser)
    add("--output", type=user_path, required=True, metavar="DIR", help="where everything goes; the same again to go on")
    add("--overwrite", action="store_true", help="replace the report of another split or data set there; its jobs stay")


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Run the grid, write the results, and return 0 when every row has a result on every seed."""
    args, rest = parser.parse_known_args(argv)
    given = read_options(rest)
    for key in given:
        if key in _ELSEWHERE:
            raise ConfigError(f"ktrec benchmark does not take [--{key}]: give {_ELSEWHERE[key]}.")
    own = register_own(args.register)
    check_options(given, "KTRec")  # as for a model of the plugin: a key that nobody knows is refused
    from recbole_ktrec.evaluation.benchmark import make_grid, run_benchmark
    from recbole_ktrec.evaluation.report.wording import is_lost, lost_trial
    from recbole_ktrec.evaluation.runner import Runner

    jobs = jobs_of(args.jobs, given, args.memory_limit)
    if jobs < 1 or args.tune < 0:
        raise ConfigError(f"--jobs [{jobs}] must be 1 or more, --tune [{args.tune}] 0 or more.")
    grid = make_grid({**vars(args), "given": given, "own": own})
    _check_values(grid)
    for hint in dict.fromkeys(hint for row in grid.entries for hint in long_lists(row.model, row.config)):
        print(f"hint        {hint}", file=sys.stderr, flush=True)
    runner = Runner(args.output / "jobs", jobs, args.memory_limit, args.time_limit)
    results, notes = run_benchmark(grid, runner, args.output, args.overwrite)
    failed = [run for run in results["runs"] if run["status"] != "done"]
    print((args.output / "report.md").read_text(encoding="utf-8"))
    for note in notes:
        print(note)
    for run in failed:
        print(f"No result: {run['model']} on {run['dataset']}, seed {run['seed']}: {run['error']}")
    for trial in filter(is_lost, results["tuning"]):
        print(f"No result on {trial['dataset']}: {lost_trial(trial)}")
    print(f"Written: {args.output / 'results.json'}, report.md, report.html, table.csv")
    return 1 if failed else 0


def _check_values(grid: Grid) -> None:
    """Raise ConfigError for what the rows would run with on one of the data sets and RecBole take silently."""
    from recbole_ktrec.evaluation.benchmark import check_rows
    from recbole_ktrec.evaluation.options import check_labels, check_threshold
    from recbole_ktrec.evaluation.prepare import dataset_settings, loaded_columns

    for entry in grid.entries:
        check_plain(entry.ranges)
    for name in grid.datasets:
        own = dataset_settings(name, grid.data_path)
        for values in ({**grid.defaults, **own, **grid.common}, *(entry.settings(own) for entry in grid.entries)):
            check_data_values(values)
            check_threshold(values)
            columns = loaded_columns(values)
            check_labels(values, _columns(name, grid.data_path, values) if columns == "*" else columns)
            check_loaded(name, {**values, "data_path": grid.data_path})
        check_rows(grid, own)


def _columns(dataset: str, data_path: str | None, values: Mapping[str, Any]) -> list[str]:
    """Return the columns of the interactions; a folder without them is told where they are read."""
    path = data_folder(dataset, {"data_path": data_path}) / f"{dataset}.inter"
    return [field.name for field in read_header(path, str(values.get("encoding") or "utf-8"))] if path.is_file() else []
