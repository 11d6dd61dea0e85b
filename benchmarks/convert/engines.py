"""Which engine reads JSON lines best? Each one takes four keys of a generated Amazon-2018-shaped file to a TSV.

    python benchmarks/convert/engines.py --rows 1000000 --out benchmarks/convert/engines.json

Engines that are not installed are left out. Each runs in a process of its own. What counts beside speed: what happens
at a damaged line (one in 100,000 here), which must cost its own line only and be known by its number, and how much a
user has to install.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from compare import measure, sound  # noqa: E402
from generate import generate  # noqa: E402

KEYS = ("reviewerID", "asin", "overall", "unixReviewTime")
BLOCK = 1 << 22


def by_line(path: Path, out: Path, loads: Callable[[bytes], Any]) -> None:
    """Decode line by line; leave out what does not decode."""
    with path.open("rb") as lines, out.open("w", encoding="utf-8") as handle:
        for line in lines:
            try:
                row = loads(line)
            except ValueError:
                continue
            handle.write(f"{row['reviewerID']}\t{row['asin']}\t{row['overall']}\t{row['unixReviewTime']}\n")


def stdlib(path: Path, out: Path) -> None:
    by_line(path, out, json.loads)


def orjson(path: Path, out: Path) -> None:
    import orjson

    by_line(path, out, orjson.loads)


def msgspec(path: Path, out: Path) -> None:
    """As ``recbole_ktrec.sources.jsonlines`` does it: whole blocks, wanted keys only, by line where that fails."""
    import msgspec

    row = msgspec.defstruct("Row", [(key, Any, None) for key in KEYS], gc=False)
    decode = msgspec.json.Decoder(row).decode_lines
    with out.open("w", encoding="utf-8") as handle:
        for chunk in _chunks(path):
            try:
                rows = decode(chunk)
            except msgspec.MsgspecError:
                rows = [found for line in chunk.split(b"\n") for found in _sound_line(decode, line)]
            handle.writelines(
                f"{each.reviewerID}\t{each.asin}\t{each.overall}\t{each.unixReviewTime}\n" for each in rows
            )


def _sound_line(decode: Callable[[bytes], list[Any]], line: bytes) -> list[Any]:
    try:
        return decode(line)
    except ValueError:
        return []


def pandas(path: Path, out: Path) -> None:
    import pandas as pd

    with out.open("w", encoding="utf-8") as handle:
        for frame in pd.read_json(path, lines=True, chunksize=100_000):
            frame[list(KEYS)].to_csv(handle, sep="\t", index=False, header=False)


def pyarrow(path: Path, out: Path) -> None:
    import pyarrow as pa
    from pyarrow import csv
    from pyarrow import json as arrow_json

    kinds = (pa.string(), pa.string(), pa.float64(), pa.int64())
    schema = pa.schema(list(zip(KEYS, kinds, strict=True)))
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    with out.open("wb") as handle:
        for chunk in _chunks(path):
            table = arrow_json.read_json(pa.BufferReader(chunk), parse_options=options)
            csv.write_csv(table.select(list(KEYS)), handle, csv.WriteOptions(include_header=False, delimiter="\t"))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while chunk := handle.read(BLOCK):
            yield chunk + handle.readline()


def polars(path: Path, out: Path) -> None:
    import polars as pl

    schema = dict(zip(KEYS, (pl.String, pl.String, pl.Float64, pl.Int64), strict=True))
    pl.scan_ndjson(path, schema=schema, ignore_errors=True).select(KEYS).sink_csv(out, separator="\t")


def duckdb(path: Path, out: Path) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("set memory_limit = '1GB'")
    columns = "{reviewerID: 'VARCHAR', asin: 'VARCHAR', overall: 'DOUBLE', unixReviewTime: 'BIGINT'}"
    connection.execute(
        f"copy (select * from read_json('{path}', format = 'newline_delimited', ignore_errors = true, "
        f"columns = {columns})) to '{out}' (delimiter '\t', header false)"
    )


ENGINES: dict[str, Callable[[Path, Path], None]] = {
    each.__name__: each for each in (stdlib, orjson, msgspec, pandas, pyarrow, polars, duckdb)
}


def installed(name: str) -> bool:
    return name == "stdlib" or importlib.util.find_spec(name) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="write the result as JSON, too")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        gc.disable()  # as the converter does; none of them makes cycles
        ENGINES[args.one[0]](Path(args.one[1]), Path(args.one[2]))
        return
    folder = Path(tempfile.mkdtemp(prefix="ktrec-engines-"))
    try:
        found = _all(folder, args.rows)
    finally:
        shutil.rmtree(folder)
    text = json.dumps({"rows": args.rows, "engines": found}, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")


def _all(folder: Path, rows: int) -> dict[str, object]:
    damaged, _ = generate(folder, rows, 10, seed=0, compress=False)
    whole = sound(damaged)
    found: dict[str, object] = {}
    for name in filter(installed, ENGINES):
        figures: dict[str, object] = {}
        for kind, path in (("sound", whole), ("damaged", damaged)):
            out = folder / "out.tsv"
            try:
                figures[kind] = measure([sys.executable, __file__, "--one", name, str(path), str(out)])
                with out.open("rb") as lines:
                    figures[f"rows_of_{kind}"] = sum(1 for _ in lines)
            except SystemExit:
                figures[kind] = "fails"
        found[name] = figures
    return found


if __name__ == "__main__":
    main()
