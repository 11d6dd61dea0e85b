"""Knowledge from several data sets on another one: ``ktrec pretrain``, then ``ktrec transfer-report``.

    python benchmarks/transfer/run.py --data-path dataset                     # every pair, both splits, three seeds
    python benchmarks/transfer/run.py toys goodreads --seeds 1 --shares 0 10 100

Of each pair and split ``<pair>-<split>.json``, ``.md`` and ``.png`` are kept beside this script; everything goes to
``--output``, where it goes on when it is stopped. More arguments go to ``ktrec transfer-report``
(``--model KTRec``, ``--jobs 1``), ``--pretrain="--text_encoder_training=last_layers"`` to ``ktrec pretrain``.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
#: pair -> (sources, target); but for the ceilings, they share no users and no item ids (steam and games may sell
#: the same ones).
PAIRS = {
    "toys": (["amazon-games", "amazon-beauty", "goodreads"], "amazon-toys"),
    "instruments": (["amazon-games", "amazon-toys", "amazon-beauty"], "amazon-instruments"),
    "goodreads": (["anime", "ml-latest-small"], "goodreads"),
    "movies": (["goodreads"], "ml-latest-small"),
    "anime": (["goodreads", "ml-latest-small"], "anime"),
    "microlens": (["amazon-toys", "amazon-beauty", "amazon-games"], "microlens"),
    "steam": (["amazon-games", "amazon-beauty", "goodreads"], "steam"),
    "books": (["amazon-games", "amazon-beauty"], "goodreads"),
    # No transfer but its ceiling: what the target itself would teach, its test interactions included.
    "ceiling": (["amazon-instruments"], "amazon-instruments"),
    # The same for --pretrain with a language model: beauty only decides when its training stops
    # (--text_encoder_training=last_layers --contrastive_held_out=amazon-beauty).
    "ceiling-lm": (["amazon-instruments", "amazon-beauty"], "amazon-instruments"),
    "book-crossing": (["goodreads", "amazon-games", "amazon-beauty"], "bx"),  # made by `ktrec convert book-crossing`
}
#: Targets are of users and items with five interactions or more, as in benchmarks/accuracy.
FIVE_CORE = ["--user_inter_num_interval=[5,inf)", "--item_inter_num_interval=[5,inf)"]


def ktrec(*arguments: str) -> int:
    """Run a command of this checkout and return its exit code."""
    command = [sys.executable, "-W", "ignore", "-m", "recbole_ktrec", *arguments]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


def store(output: Path, kept: Path, knowledge: Path) -> None:
    """Keep the numbers, the report and the plot of ``output`` as ``kept``.json, .md and .png.

    Where ``knowledge`` lay on this machine is nobody's business: its name stays.
    """
    folders = {str(path): knowledge.name for path in (knowledge.resolve(), knowledge)}
    changed = {"(curve.png)": f"({kept.name}.png)", **folders}
    for made, suffix in (("results.json", ".json"), ("report.md", ".md")):
        text = (output / made).read_text(encoding="utf-8")
        for old, new in changed.items():
            text = text.replace(old, new)
        kept.with_suffix(suffix).write_text(text, encoding="utf-8")
    if (output / "curve.png").is_file():
        shutil.copyfile(output / "curve.png", kept.with_suffix(".png"))


def main() -> int:
    """Run the pairs and return 0 when every job has a result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", metavar="PAIR", help=f"some of {', '.join(PAIRS)} (default: all)")
    parser.add_argument("--data-path", default="dataset")
    parser.add_argument("--output", type=Path, default=Path("transfer"))
    parser.add_argument("--splits", nargs="+", default=["random", "cold_item"])
    parser.add_argument("--name", default="", help="added to the names of what is kept")
    parser.add_argument("--pretrain", default="", help="arguments of ktrec pretrain")
    parser.add_argument(
        "--knowledge", type=Path, help="an artifact that is there, for all pairs, instead of ktrec pretrain"
    )
    args, more = parser.parse_known_args()
    if unknown := set(args.pairs) - set(PAIRS):
        parser.error(f"unknown pair [{sorted(unknown)[0]}]: some of {', '.join(PAIRS)}")
    codes = []
    for pair in args.pairs or PAIRS:
        sources, target = PAIRS[pair]
        knowledge = args.knowledge or args.output / f"{pair}{args.name}" / "knowledge"
        made = 0 if args.knowledge else ktrec("pretrain", "--datasets", *sources, "--data-path", args.data_path,
                                              "--output", str(knowledge), *shlex.split(args.pretrain))  # fmt: skip
        codes.append(made)
        for split in args.splits if made == 0 else ():
            output = args.output / f"{pair}{args.name}" / split
            codes.append(
                ktrec("transfer-report", "--dataset", target, "--data-path", args.data_path, "--pretrained",
                      str(knowledge), "--split", split, "--output", str(output), *FIVE_CORE, *more)
            )  # fmt: skip
            if (output / "report.md").is_file():
                store(output, HERE / f"{pair}{args.name}-{split}", knowledge)
    return int(any(codes))


if __name__ == "__main__":
    raise SystemExit(main())
