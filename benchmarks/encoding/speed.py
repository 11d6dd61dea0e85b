"""Encoding speed in one run: this plugin against plain transformers with length-sorted batches, and the cache.

    python benchmarks/encoding/speed.py --item_file=PATH --fields=title,categories --output=results.json

Both sides use the same encoder, texts, length limit and number of threads, in turns, ``--rounds`` times; CPU seconds
are counted beside wall seconds, since other work on the machine disturbs the latter.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.text import EntityFile, TextSettings, encode
from recbole_ktrec.text.cache import VectorCache, text_key
from recbole_ktrec.text.encoder import TextEncoder


def plain_transformers(encoder: TextEncoder, texts: list[str], batch: int) -> np.ndarray:
    """Mean-pool as a careful script would: texts sorted by length, ``batch`` at a time, no gradient."""
    order = np.argsort([len(text) for text in texts])
    matrix = np.zeros((len(texts), encoder.dim), np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            tokens = encoder.tokenizer(
                [texts[i] for i in rows],
                padding=True,
                truncation=True,
                max_length=encoder.settings.max_length,
                return_tensors="pt",
            )
            hidden = encoder.model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            matrix[rows] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    return matrix


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return the result, the CPU seconds and the wall seconds of ``call``."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def compare(texts: list[str], settings: TextSettings, rounds: int) -> dict[str, Any]:
    """Measure both sides in turns; the median of the rounds counts."""
    encoder = TextEncoder.load(settings)
    plain_transformers(encoder, texts[:256], 32)  # warm up
    seconds: dict[str, list[tuple[float, float]]] = {}
    reference, ours = np.zeros(0), np.zeros(0)
    for _ in range(rounds):
        for batch in (32, 64):
            reference, *spent = timed(lambda batch=batch: plain_transformers(encoder, texts, batch))
            seconds.setdefault(f"plain transformers, batches of {batch}", []).append((spent[0], spent[1]))
        with tempfile.TemporaryDirectory() as folder:
            fresh = replace(settings, cache_dir=folder)
            done, *spent = timed(lambda fresh=fresh: encode(texts, fresh, show_progress=False))
            ours = np.array(done.matrix)
        seconds.setdefault("recbole_ktrec, loading and storing included", []).append((spent[0], spent[1]))
    speeds = {
        name: {
            "texts_per_cpu_second": round(len(texts) / statistics.median(cpu for cpu, _ in spent), 1),
            "texts_per_wall_second": round(len(texts) / statistics.median(wall for _, wall in spent), 1),
        }
        for name, spent in seconds.items()
    }
    return {"speeds": speeds, "largest_difference": float(np.abs(reference - ours).max())}


def cache_times(rows: int, dim: int) -> dict[str, float]:
    """Measure the store alone with random vectors: write, look up in a new order, look up again."""
    keys = [text_key(f"text {i}") for i in range(rows)]
    matrix = np.random.default_rng(0).random((rows, dim), dtype=np.float32)
    order = np.random.default_rng(1).permutation(rows)
    wanted = [keys[i] for i in order]
    parts = ("sha256", "pooling", "prompt", "max_length", "dtype")
    fingerprint: dict[str, Any] = {"encoder": "random", **dict.fromkeys(parts, "")}
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        writer = VectorCache(Path(folder), fingerprint)
        with writer.writing():
            writer.describe(dim)
            times["append_and_flush"] = timed(lambda: writer.append(keys, matrix))[2]
        reader = VectorCache(Path(folder), fingerprint)
        times["read_and_check_index"] = timed(reader.refresh)[2]
        found, _, times["first_gather_in_a_new_order"] = timed(lambda: reader.gather(wanted))
        again = VectorCache(Path(folder), fingerprint)
        view, _, times["the_same_order_again"] = timed(lambda: again.view(wanted))
        assert np.array_equal(found, matrix[order]) and np.array_equal(view, found)
    return {name: round(seconds, 3) for name, seconds in times.items()}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--item_file", required=True)
    parser.add_argument("--fields", help="columns of the text, separated by commas")
    parser.add_argument("--texts", type=int, default=3000, help="how many texts, drawn at random (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the cache measurement (%(default)s)")
    parser.add_argument("--output", help="JSON file to write")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    settings = TextSettings.from_mapping({"text_fields": args.fields})
    tokens = [token for (token,) in iter_atomic(args.item_file, ["item_id"])]
    found, _, reading = timed(lambda: EntityFile(args.item_file).texts(tokens, settings))
    texts = sorted({text for text in found if text})
    drawn = np.random.default_rng(0).permutation(len(texts))[: args.texts]
    result = {
        "file": Path(args.item_file).name,
        "items": len(tokens),
        "texts": len(drawn),
        "threads": args.threads,
        "rounds": args.rounds,
        "encoder": settings.encoder,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "machine": platform.processor() or platform.machine(),
        "reading_seconds": round(reading, 3),
        **compare([texts[i] for i in drawn], settings, args.rounds),
        f"cache_seconds_{args.rows}_rows": cache_times(args.rows, 384),
    }
    print(json.dumps(result, indent=1))
    if args.output:
        Path(args.output).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
