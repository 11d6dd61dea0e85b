"""The comparisons behind the tables of the README: ``ktrec benchmark`` with fixed arguments, results kept here.

    python benchmarks/fair/run.py seven                             # seven built-ins on ml-100k, three seeds
    python benchmarks/fair/run.py table --data-path dataset         # the seed's table on three real data sets
    python benchmarks/fair/run.py cold-item --data-path dataset

Each one writes ``<name>.json`` (results.json, of the groups only the validation metric) and ``<name>.md`` (the report)
into this folder, and everything into ``--output``/<name>, where it goes on when it is stopped.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BASELINES = ["Pop", "ItemKNN", "EASE", "BPR", "NeuMF", "LightGCN", "MultiVAE"]
#: One e-commerce, one books, one news data set (see dataset_configs/ for their sources).
REAL = ["amazon-instruments", "goodreads", "caixin-news"]
COMPARISONS: dict[str, list[str]] = {
    "seven": ["--dataset", "ml-100k", "--models", *BASELINES],
    "ml-100k": ["--dataset", "ml-100k", "--models", "KTRec", "KTEASE", *BASELINES],
    "table": ["--dataset", *REAL, "--models", "KTRec", "KTEASE", "EASE", "LightGCN", "NeuMF", "Pop"],
    "cold-item": ["--dataset", *REAL, "--split", "cold_item", "--models", "KTRec", "KTEASE", "EASE", "LightGCN", "Pop"],
    "cold-user": ["--dataset", *REAL, "--split", "cold_user", "--models", "KTRec", "KTEASE", "EASE", "LightGCN", "Pop"],
}


def trim(results: dict[str, Any]) -> dict[str, Any]:
    """Keep of each group its validation metric only, and no deciles."""
    main = results["grid"]["valid_metric"].lower()
    for run in results["runs"]:
        groups = run.get("groups", {}).items()
        run["groups"] = {name: part["metrics"].get(main) for name, part in groups if not name.startswith("decile")}
    results["summary"] = [row for row in results["summary"] if _is_kept(row["metric"], main)]
    return results


def _is_kept(name: str, main: str) -> bool:
    group, slash, metric = name.rpartition("/")
    return not slash or (metric == main and not group.startswith("decile"))


def main() -> None:
    """Run one comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=COMPARISONS)
    parser.add_argument("--data-path", default="dataset")
    parser.add_argument("--output", type=Path, default=Path("comparisons"))
    args, more = parser.parse_known_args()
    output = args.output / args.name
    command = [sys.executable, "-W", "ignore", "-m", "recbole_ktrec", "benchmark", *COMPARISONS[args.name]]
    started = time.perf_counter()
    done = subprocess.run([*command, "--data-path", args.data_path, "--output", str(output), *more], check=False)
    print(f"{time.perf_counter() - started:.0f} s, exit code {done.returncode}")
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    (HERE / f"{args.name}.json").write_text(json.dumps(trim(results), indent=1), encoding="utf-8")
    report = (output / "report.md").read_text(encoding="utf-8")
    report = re.sub(r"!\[.*?\]\(plots/.*?\)\n*", "", report)
    (HERE / f"{args.name}.md").write_text(report, encoding="utf-8")
    raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
