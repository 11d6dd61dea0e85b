"""A batch costs what a batch holds: time per interaction of KTRec's training step, small against large catalogue.

Generated data: the same number of users and interactions, texts replaced by random vectors; catalogues are measured in
turn, round by round, so that a change of the machine's speed meets both. Time is that of the process on its one thread,
so that other work on the machine does not count.

    python benchmarks/scaling/batch_cost.py [--sizes 10000 200000] [--rounds 5] [--output results.json]
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.fusion_model import FusionModel, FusionOptions
from recbole_ktrec.nn.history import Histories, hide, shared_candidates
from recbole_ktrec.nn.losses import softmax_loss
from recbole_ktrec.nn.optimizers import SparseAndDense
from recbole_ktrec.nn.shared import SharedRows

USERS, PER_USER, WIDTH, BATCH, NEGATIVES = 20_000, 10, 384, 256, 1024


class Trial:
    """One catalogue with its model, ready to train batches of users."""

    def __init__(self, items: int) -> None:
        draw = np.random.default_rng(0)
        taken = draw.integers(1, items, size=(USERS, PER_USER))
        rows = np.repeat(np.arange(USERS), PER_USER)
        interactions = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, taken.ravel())), (USERS, items))
        text = draw.standard_normal((items, WIDTH), dtype=np.float32)
        text /= np.linalg.norm(text, axis=1, keepdims=True)
        self.items, self.histories = items, Histories(interactions)
        self.model = FusionModel(SharedRows(text), USERS, FusionOptions())
        tables = [m.weight for m in self.model.modules() if isinstance(m, torch.nn.Embedding)]
        known = {id(table) for table in tables}
        self.optimizer = SparseAndDense(tables, [p for p in self.model.parameters() if id(p) not in known], 1e-3, 0.0)

    def seconds_per_interaction(self, batches: int) -> float:
        """Train ``batches`` batches and return the mean time of an interaction."""
        started, count = time.process_time(), 0
        for _ in range(batches):
            users = torch.randint(USERS, (BATCH,))
            count += self._step(users)
        return (time.process_time() - started) / count

    def _step(self, users: torch.Tensor) -> int:
        row, items, _ = self.histories.of(users)
        hidden = hide(row, 0.5)
        vectors = self.model.user_vectors(users, row[~hidden], items[~hidden])
        drawn = torch.randint(1, self.items, (NEGATIVES,))
        candidates, column, known = shared_candidates(row, items, hidden, drawn, len(users))
        item_vectors, bias = self.model.item_vectors(candidates)
        scores = self.model.scorer.grid(vectors, item_vectors) + bias
        self.optimizer.zero_grad()
        softmax_loss(scores, row[hidden], column[hidden], known).backward()
        self.optimizer.step()
        return len(row)


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.json"))
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    trials = {size: Trial(size) for size in args.sizes}
    for trial in trials.values():
        trial.seconds_per_interaction(3)  # the first steps allocate the optimiser's state
    times: dict[int, list[float]] = {size: [] for size in args.sizes}
    for _ in range(args.rounds):
        for size, trial in trials.items():
            times[size].append(trial.seconds_per_interaction(args.batches))
    first = args.sizes[0]
    ratios = {size: statistics.median(t / f for t, f in zip(times[size], times[first], strict=True)) for size in times}
    for size, values in times.items():
        print(f"{size:>8,} items: {statistics.median(values) * 1e6:7.2f} us per interaction, x{ratios[size]:.2f}")
    content = {
        "seconds_per_interaction": times, "median_ratio_to_first": ratios, "torch": torch.__version__,
        "python": platform.python_version(), "machine": platform.processor() or platform.machine(), "threads": 1,
    }  # fmt: skip
    args.output.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
