"""What knowledge of `ktrec pretrain` gives on a target: the curve from no interactions to all, with its controls.

The share is one of users: a random sample of that share of the training users, the smaller within the larger, gives
its training interactions to learn from and its validation interactions to choose on; at every share each test user's
whole training history is the query at scoring time. With --sample=interactions the share is one of all users' training
interactions, and the rest is not known at scoring time either (but at 0 %, where the whole histories ask). The same
test interactions are asked for and the same items are ranked at every share. At 0 % nothing is learned or chosen on
the target (zero-shot).

Side by side: transferred (with the guard), without the guard, from scratch, the untrained text kernel, transferred with
shuffled texts, EASE. Each job is a process of its own; what is done is not done again. Written into the output folder:
results.json, report.md (negative transfer is named as such, one verdict each for 0, 10 and 100 %), curve.png.
More keys go to every job as --key=value; those that the report sets itself (seed, split, metrics) are refused.

  ktrec pretrain --datasets games beauty goodreads --output knowledge
  ktrec transfer-report --dataset toys --pretrained knowledge --output curve
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ktrec.commands.options import SEEDS, check_options, files_in, read_config_files, read_options, user_path
from recbole_ktrec.commands.session import add_jobs, jobs_of
from recbole_ktrec.commands.values import check_data_values
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.keys import check_device

SHARES = (0, 5, 10, 25, 50, 100)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--dataset", required=True, metavar="T", help="the target by name: its folder in --data-path has item texts")
    add("--data-path", default="dataset", metavar="DIR", help="folder of its folder (default: dataset)")
    add("--pretrained", type=user_path, required=True, metavar="DIR", help="what `ktrec pretrain` made")
    add("--output", type=user_path, required=True, metavar="DIR", help="where everything goes; the same again to go on")
    add("--overwrite", action="store_true", help="replace the report of another curve there; its jobs stay")
    add("--model", default="KTEASE", metavar="M", help="KTEASE or KTRec (default: %(default)s)")
    add("--shares", nargs="+", type=float, default=SHARES, metavar="P", help="percentages (default: 0 5 10 25 50 100)")
    add("--seeds", nargs="+", type=int, default=[3], metavar="S", help=SEEDS)
    add("--split", default="random", metavar="KIND", help="random or cold_item (default: %(default)s)")
    add("--cold-share", type=float, metavar="S", help="share of the items that are cold with cold_item (default: 0.2)")
    add("--sample", default="users", metavar="OF", help="shares of users or of interactions (default: %(default)s)")
    add("--transfer", default="frozen", metavar="HOW", help="frozen, adapter or full (default: %(default)s)")
    add("--config_files", default="", help="YAML files of further keys, separated by blanks; later ones override")
    add_jobs(parser)


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Run the curve, print the report, and return 0 when every job has a result."""
    args, rest = parser.parse_known_args(argv)
    given = {**read_config_files(files_in(args.config_files)), **read_options(rest)}
    check_options(given, args.model)
    check_device(given.get("device"))
    jobs = jobs_of(args.jobs, given, args.memory_limit)
    if jobs < 1:
        raise ConfigError(f"--jobs [{jobs}] must be 1 or more.")
    from recbole_ktrec.evaluation.prepare import dataset_settings
    from recbole_ktrec.evaluation.runner import Runner
    from recbole_ktrec.evaluation.transfer_report import run_curve

    curve = _curve(args, given)
    check_data_values({**dataset_settings(curve.dataset, curve.data_path), **given})
    runner = Runner(args.output / "jobs", jobs, args.memory_limit, args.time_limit)
    results, notes = run_curve(curve, runner, args.output, args.overwrite)
    report = (args.output / "report.md").read_text(encoding="utf-8")
    print(report)
    for note in notes:
        print(note)
    print(f"Written: {args.output / 'results.json'}, report.md{', curve.png' if '(curve.png)' in report else ''}")
    return 1 if any(run["status"] != "done" for run in results["runs"]) else 0


def _curve(args: argparse.Namespace, given: dict[str, Any]) -> Any:
    from recbole_ktrec.evaluation.options import seeds_of
    from recbole_ktrec.evaluation.transfer_grid import Curve
    from recbole_ktrec.evaluation.transfer_split import check_shares

    if args.cold_share is not None and args.split == "random":
        raise ConfigError(f"--cold-share [{args.cold_share}]: the split random takes no share.")
    return Curve(
        args.dataset,
        str(Path(args.data_path).resolve()),
        args.pretrained,
        check_shares(args.shares),
        seeds_of(args.seeds[0] if len(args.seeds) == 1 else args.seeds),
        args.model,
        args.transfer,
        args.split,
        0.2 if args.cold_share is None else args.cold_share,
        args.sample,
        given,
    )
