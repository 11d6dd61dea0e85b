"""Convert a generated Amazon-2018-shaped dump with ``ktrec convert`` and with pandas, one after the other.

    python benchmarks/convert/compare.py --rows 1000000
    python benchmarks/convert/compare.py --rows 10000000 --out benchmarks/convert/result.json

Ours does all of its work: every line checked, exact duplicates out, the 5-core, texts cleaned, accounts and hashes.
The pandas side is the conversion one would write down: ``read_json(lines=True)``, choose columns, ``to_csv``; in chunks
of 100,000 lines, since a frame of the whole file would need some 47 GB for 10 million reviews, and of the sound
lines only (the damaged ones would stop it; taking them out is not timed). Each side is a process of its own; its
time is that of the whole process, its peak memory that of the operating system's account of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate  # noqa: E402

INTER = ["reviewerID", "asin", "overall", "unixReviewTime"]
ITEM = ["asin", "title", "brand", "category", "price", "feature", "description"]


def pandas_side(reviews: Path, meta: Path, out: Path) -> None:
    """The straightforward conversion."""
    import pandas as pd

    out.mkdir(parents=True, exist_ok=True)
    for source, columns, name in ((reviews, INTER, "p.inter"), (meta, ITEM, "p.item")):
        with (out / name).open("w", encoding="utf-8") as handle:
            for i, frame in enumerate(pd.read_json(source, lines=True, chunksize=100_000)):
                frame[columns].to_csv(handle, sep="\t", index=False, header=i == 0)


def sound(path: Path) -> Path:
    """Write the lines of ``path`` that are JSON beside it."""
    target = path.with_name(f"sound-{path.name}")
    with path.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            if line.endswith(b"}\n"):
                out.write(line)
    return target


def measure(command: list[str]) -> dict[str, float]:
    """Run a process; return its wall and processor seconds and its peak memory in MiB."""
    started, process = time.perf_counter(), subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed with {status}")
    return {
        "wall_seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024, 1),
    }


def compare(rows: int, items: int, folder: Path, pandas: bool) -> dict[str, object]:
    reviews, meta = generate(folder / "raw", rows, items, seed=0, compress=False)
    ours = [sys.executable, "-m", "recbole_ktrec", "convert", "amazon", "--input", str(folder / "raw"), "--quiet"]
    ours += ["--output", str(folder / "ours"), "--user-core", "5", "--item-core", "5"]
    found: dict[str, object] = {
        "rows": rows,
        "items": items,
        "megabytes": round((reviews.stat().st_size + meta.stat().st_size) / 1e6),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "ktrec": measure(ours),
    }
    found["accounts"] = json.loads((folder / "ours" / "conversion.json").read_text())["tables"]
    shutil.rmtree(folder / "ours")
    if pandas:
        good = sound(reviews)
        reviews.unlink()
        here = [sys.executable, __file__, "--pandas-side", str(good), str(meta), str(folder / "pandas")]
        found["pandas"] = measure(here)
        for clock in ("wall_seconds", "cpu_seconds"):
            found[f"times_pandas_{clock}"] = round(found["pandas"][clock] / found["ktrec"][clock], 2)  # type: ignore[index]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, help="default: a tenth of the rows")
    parser.add_argument("--no-pandas", action="store_true", help="measure our side only")
    parser.add_argument("--out", type=Path, help="write the result as JSON, too")
    parser.add_argument("--pandas-side", nargs=3, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pandas_side:
        pandas_side(*args.pandas_side)
        return
    folder = Path(tempfile.mkdtemp(prefix="ktrec-convert-"))
    try:
        found = compare(args.rows, args.items or args.rows // 10, folder, not args.no_pandas)
    finally:
        shutil.rmtree(folder)
    text = json.dumps(found, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
