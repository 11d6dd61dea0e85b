"""Is the table of ``ktrec benchmark`` that of plain ``run_recbole``, metric by metric, exactly?

    ktrec benchmark --dataset ml-100k --models Pop ItemKNN EASE BPR NeuMF LightGCN MultiVAE --seeds 3 --output seven
    python benchmarks/fair/exact.py seven/results.json --out benchmarks/fair/exact.json

Each run of the table is repeated in a process of its own by ``recbole.quick_start.run_recbole`` with the configuration
that the results hold; test and validation metrics must be equal, not close.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_PLAIN = """
import json, sys, torch
import recbole_ktrec
from recbole.quick_start import run_recbole
torch.set_num_threads(1)
asked = json.loads(sys.stdin.read())
sys.argv = sys.argv[:1]
found = run_recbole(model=asked["model"], dataset=asked["dataset"], config_dict={**asked["config"], "state": "ERROR",
                    "show_progress": False})
print(json.dumps({key: dict(found[key]) for key in ("test_result", "best_valid_result")}, default=float))
"""


def plain(model: str, dataset: str, config: dict[str, Any], data_path: str | None) -> dict[str, dict[str, float]]:
    """Return what ``run_recbole`` finds, in a fresh process in an empty folder."""
    if data_path:
        config = {**config, "data_path": data_path}
    asked = json.dumps({"model": model, "dataset": dataset, "config": config})
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _PLAIN],
            input=asked,
            capture_output=True,
            text=True,
            cwd=folder,
            env=env,
        )
    if done.returncode:
        raise SystemExit(f"run_recbole failed on {model}: {done.stderr[-1000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Compare every finished run of a results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--data-path")
    parser.add_argument("--models", nargs="+", help="only these rows")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    rows, unequal = [], 0
    runs = json.loads(args.results.read_text(encoding="utf-8"))["runs"]
    for run in (run for run in runs if run["status"] == "done" and run["model"] in (args.models or [run["model"]])):
        theirs = plain(run["class"], run["dataset"], run["config"], args.data_path)
        equal = theirs["test_result"] == run["test"] and theirs["best_valid_result"] == run["valid"]
        unequal += not equal
        rows.append({"model": run["model"], "seed": run["seed"], "equal": equal, "ours": run["test"], **theirs})
        print(f"{run['model']:<12} seed {run['seed']}: {'equal' if equal else 'NOT EQUAL'}", flush=True)
    if args.out:
        args.out.write_text(json.dumps({"runs": rows, "unequal": unequal}, indent=1), encoding="utf-8")
    raise SystemExit(1 if unequal else 0)


if __name__ == "__main__":
    main()
