"""The comparisons behind the tables of the README: ``ktrec benchmark`` with fixed arguments, results kept here.

    python benchmarks/compare.py fair/seven                            # seven built-ins on ml-100k, three seeds
    python benchmarks/compare.py fair/table --data-path dataset        # the seed's table on three real data sets
    python benchmarks/compare.py accuracy/warm --data-path dataset     # every model on eleven data sets (a day)
    python benchmarks/compare.py accuracy/later --data-path dataset    # what users take last, from all that came before
    python benchmarks/compare.py accuracy/ablation --data-path dataset # what each part of the two models is worth
    python benchmarks/compare.py accuracy/short --data-path dataset    # short histories, which short_histories.py makes
    python benchmarks/compare.py transfer/multi-task --data-path dataset   # two other domains trained along

Each one writes ``<name>.json`` (results.json, of the groups only the validation metric) and ``<name>.md`` (the report)
beside this script, and everything into ``--output``/<name>, where it goes on when it is stopped. More arguments go to
``ktrec benchmark``: ``--seeds 1``, ``--dataset amazon-toys``, ``--jobs 1``; ``--name accuracy/toys`` stores elsewhere.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
BASELINES = ["Pop", "ItemKNN", "EASE", "BPR", "NeuMF", "LightGCN", "MultiVAE"]
OWN = ["KTRec", "KTEASE"]
#: One e-commerce, one movies, one news data set (see dataset_configs/ for their sources).
REAL = ["amazon-instruments", "ml-100k", "caixin-news"]
AMAZON = ["amazon-toys", "amazon-beauty", "amazon-games", "amazon-instruments"]
ALL = ["ml-100k", "ml-latest-small", *AMAZON, "goodreads", "anime", "steam", "microlens", "caixin-news"]
#: Those that tell the order of a user's interactions.
ORDERED = ["ml-100k", "ml-latest-small", *AMAZON, "microlens", "caixin-news"]
#: Those whose times are those of one clock.
CLOCKED = ["ml-latest-small", "caixin-news"]
#: ``text-kernel`` is a section of options.yaml: KTEASE that learns nothing; so are the variants of EASE.
BUILT_IN = [*BASELINES, "EASE-30", "EASE-100", "EASE-500", "SimpleX", "RecVAE", "SLIMElastic"]
STRONG = [*OWN, "text-kernel", "EASE-auto", *BUILT_IN]
SHORT = [*OWN, "KTEASE-no-popularity", "EASE-auto", "Pop"]
#: New users among what is asked for: EASE-auto gives them what is taken in general, EASE what the file names first.
TIMED = [*OWN, "EASE-auto", "EASE", "EASE-100", "LightGCN", "Pop"]
LATER = [*OWN, "KTRec-sums", "KTEASE-no-decay", "KTEASE-no-successors", "EASE", "EASE-100", "LightGCN", "SASRec"]


@dataclass(frozen=True)
class Comparison:
    """Which models on which data sets, with which split; ``five_core``: of the users and items with five or more."""

    datasets: Sequence[str]
    models: Sequence[str]
    split: str = "random"
    five_core: bool = False


PARTS = ["no-text", "no-words", "idf", "no-powers", "no-neighbours", "not-whitened", "not-sharpened"]
NEURAL = ["text-only", "id-only", "gate", "no-graph", "two-layers", "not-whitened", "no-id-dropout", "cooler", "warmer"]
NEURAL += ["bpr", "rank-16", "document"]
MULTI_TASK = ["KTRec", "KTRec-multi", "neural", "neural-multi", "text-kernel", "EASE-100"]
ABLATION = [*OWN, *(f"KTEASE-{part}" for part in PARTS), "neural", *(f"neural-{part}" for part in NEURAL)]

COMPARISONS = {
    "fair/seven": Comparison(["ml-100k"], BASELINES),
    "fair/table": Comparison(REAL, [*OWN, "EASE", "LightGCN", "NeuMF", "Pop"]),
    "fair/cold-user": Comparison(REAL, [*OWN, "EASE", "LightGCN", "Pop"], "cold_user"),
    "accuracy/warm": Comparison(ALL, STRONG, five_core=True),
    "accuracy/later": Comparison(ORDERED, LATER, "leave_one_out", True),
    "accuracy/time": Comparison(CLOCKED, TIMED, "time", True),
    "accuracy/ablation": Comparison(["amazon-instruments"], ABLATION, five_core=True),
    "accuracy/cold": Comparison(ALL, [*OWN, "KTEASE-careful", "text-kernel", "EASE", "Pop"], "cold_item", True),
    "accuracy/short": Comparison(["short-popular", "short-taste"], SHORT),
    "transfer/multi-task": Comparison(["amazon-instruments"], MULTI_TASK, "cold_item", True),
}


def trim(results: dict[str, Any]) -> dict[str, Any]:
    """Keep of each group its validation metric only; the schema of the whole no longer holds."""
    results["schema"] += "-trimmed"
    main = results["grid"]["valid_metric"].lower()
    for run in results["runs"]:
        run.get("config", {}).pop("source_data_path", None)  # where data lay on this machine is nobody's business
        run["groups"] = {name: part["metrics"].get(main) for name, part in run.get("groups", {}).items()}
    results["summary"] = [row for row in results["summary"] if _is_kept(row["metric"], main)]
    return results


def _is_kept(name: str, main: str) -> bool:
    _, slash, metric = name.rpartition("/")
    return not slash or metric == main


FIVE_CORE = {"user_inter_num_interval": "[5,inf)", "item_inter_num_interval": "[5,inf)"}


def options_of(rows: Sequence[str], folder: Path, five_core: bool) -> list[str]:
    """Write those sections of options.yaml that ``rows`` name into ``folder``; return the arguments that take them."""
    known = yaml.safe_load((HERE / "options.yaml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "options.yaml"
    chosen = {"all": FIVE_CORE} if five_core else {}
    path.write_text(yaml.safe_dump(chosen | {row: known[row] for row in rows if row in known}), encoding="utf-8")
    return ["--options", str(path)]


def store(output: Path, kept: Path) -> None:
    """Keep the numbers and the report of ``output`` as ``kept``.json and ``kept``.md."""
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.with_suffix(".json").write_text(json.dumps(trim(results), indent=1), encoding="utf-8")
    report = (output / "report.md").read_text(encoding="utf-8")
    kept.with_suffix(".md").write_text(re.sub(r"!\[.*?\]\(plots/.*?\)\n*", "", report), encoding="utf-8")


def main() -> None:
    """Run one comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", choices=COMPARISONS)
    parser.add_argument("--dataset", nargs="+", help="these instead")
    parser.add_argument("--models", nargs="+", help="these instead")
    parser.add_argument("--data-path", default="dataset")
    parser.add_argument("--output", type=Path, default=Path("comparisons"))
    parser.add_argument("--name", help="store as benchmarks/NAME.json and .md (default: the comparison's name)")
    args, more = parser.parse_known_args()
    chosen = COMPARISONS[args.comparison]
    output = args.output / (args.name or args.comparison)
    models = args.models or chosen.models
    command = [sys.executable, "-W", "ignore", "-m", "recbole_ktrec", "benchmark", "--split", chosen.split]
    command += ["--dataset", *(args.dataset or chosen.datasets), "--models", *models]
    command += options_of(models, output, chosen.five_core)
    started = time.perf_counter()
    done = subprocess.run([*command, "--data-path", args.data_path, "--output", str(output), *more], check=False)
    print(f"{time.perf_counter() - started:.0f} s, exit code {done.returncode}")
    if (output / "results.json").is_file():
        store(output, HERE / (args.name or args.comparison))
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
