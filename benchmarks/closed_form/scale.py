"""Time, memory and scores of KTEASE's sparse form on generated catalogues up to 200,000 items.

    python benchmarks/closed_form/scale.py --items 50000 200000 --out benchmarks/closed_form/scale.json

Users follow one of many topics with a popularity tail; item vectors are their topic plus noise. Each size runs in a
process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options, memory
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.text_prior import text_neighbours
from recbole_ktrec.nn.whitening import whitened_text


def generated(
    items: int, users: int, per_user: int, dim: int, seed: int
) -> tuple[sp.csr_matrix, sp.csr_matrix, np.ndarray]:
    """Return training and held-out interactions and item vectors ``[items, dim]``; item 0 is padding."""
    draw = np.random.default_rng(seed)
    topics = items // 200
    topic = draw.integers(0, topics, items)
    order = np.argsort(topic, kind="stable")
    starts = np.searchsorted(topic[order], np.arange(topics + 1))
    liked = draw.integers(0, topics, users)
    count = np.maximum(draw.poisson(per_user, users), 4)
    row = np.repeat(np.arange(users), count)
    low, high = starts[liked[row]], starts[liked[row] + 1]
    place = (draw.random(len(row)) ** 2 * (high - low)).astype(np.int64)  # the first of a topic are popular
    of_topic, any_item = order[np.minimum(low + place, items - 1)], draw.integers(1, items, len(row))
    column = np.where(draw.random(len(row)) < 0.8, of_topic, any_item)
    row, column = row[column > 0], column[column > 0]
    held = draw.random(len(row)) < 0.1
    parts = []
    for chosen in (~held, held):
        made = sp.csr_matrix((np.ones(chosen.sum(), dtype=np.float32), (row[chosen], column[chosen])), (users, items))
        made.data[:] = 1
        parts.append(made)
    centres = draw.standard_normal((topics, dim), dtype=np.float32)
    vectors = centres[topic] + 1.5 * draw.standard_normal((items, dim), dtype=np.float32)
    vectors[0] = 0
    return parts[0], parts[1], vectors


def run(items: int, nearest: int, neighbours: int) -> dict[str, float]:
    """Fit one catalogue and return what it took."""
    training, later, vectors = generated(items, items, 10, 384, 0)
    users = np.flatnonzero(np.diff(later.indptr) > 0)[:2000]
    sample = Sample(training[users], later[users])
    start = time.perf_counter()
    has_text = np.arange(items) > 0
    prior = text_neighbours(whitened_text(vectors, has_text, 0.4), None, neighbours)
    middle = time.perf_counter()
    scores = Fit(training, prior, Options(nearest_items=nearest), sample).run()
    end = time.perf_counter()
    made = sample.gather(lambda rows: (scores(rows),))[0]
    return {
        "items": items,
        "threads": torch.get_num_threads(),
        "interactions": int(training.nnz),
        "nearest_items": nearest,
        "neighbours_s": round(middle - start, 1),
        "fit_s": round(end - middle, 1),
        "users_per_s": round(len(users) / (time.perf_counter() - end), 1),
        "ndcg": round(sample.ndcg(made), 4),
        "estimated_gib": round(memory(items, neighbours, nearest) / 2**30, 2),
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[20_000, 50_000, 200_000])
    parser.add_argument("--nearest", type=int, default=300)
    parser.add_argument("--neighbours", type=int, default=100)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(run(given.items[0], given.nearest, given.neighbours)))
        return
    rows = []
    for items in given.items:
        settings = ["--items", items, "--nearest", given.nearest, "--neighbours", given.neighbours]
        command = [sys.executable, __file__, "--one", *settings]
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
        if given.out:  # after each size: the next one may take an hour
            given.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
