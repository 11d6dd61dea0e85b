"""Write simulated data sets of short histories: users with four interactions in the mean, and a steep popularity.

    python benchmarks/accuracy/short_histories.py --data-path dataset
    python benchmarks/compare.py accuracy/short --data-path dataset --seeds 3

Two data sets of 8,000 users and 3,000 items in 40 topics, whose titles hold words of the topic: in short-popular users
follow what is popular more than their own taste, in short-taste it is the other way round. A user takes the items with
the largest sum of taste, log of popularity and Gumbel noise, which draws without replacement.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from recbole_ktrec.atomic import AtomicWriter, Field

USERS, ITEMS, TOPICS, WIDTH, WORDS, LENGTH = 8000, 3000, 40, 16, 600, 4.4
#: Name -> (how much taste counts, exponent of popularity by rank).
SETS = {"short-popular": (2.8, 1.0), "short-taste": (6.0, 0.7)}


def unit(rows: np.ndarray) -> np.ndarray:
    """Return ``rows`` ``[n, width]`` at length 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def write(folder: Path, taste: float, exponent: float) -> int:
    """Write ``folder`` and its data set; return how many interactions it has."""
    draw = np.random.default_rng(0)
    topic, centres = draw.integers(0, TOPICS, ITEMS), draw.normal(size=(TOPICS, WIDTH))
    items = unit(0.8 * centres[topic] + 0.6 * draw.normal(size=(ITEMS, WIDTH)))
    users = unit(draw.normal(size=(USERS, WIDTH)))
    popularity = -exponent * np.log(draw.permutation(ITEMS) + 1.0)
    vocabulary = [draw.choice(WORDS, 25, replace=False) for _ in range(TOPICS)]
    with AtomicWriter(folder / f"{folder.name}.item", [Field("item_id", "token"), Field("title", "token_seq")]) as file:
        for item in range(ITEMS):
            words = [*draw.choice(vocabulary[topic[item]], 4), *draw.choice(WORDS, 3)]
            file.write([f"i{item}", " ".join(f"word{word}" for word in words)])
    with AtomicWriter(folder / f"{folder.name}.inter", [Field("user_id", "token"), Field("item_id", "token")]) as file:
        for user in range(USERS):
            wanted = taste * (items @ users[user]) + popularity + draw.gumbel(size=ITEMS)
            length = 1 + draw.poisson(LENGTH - 1)
            file.write_rows([(f"u{user}", f"i{item}") for item in np.argsort(-wanted)[:length]])
    (folder / f"{folder.name}.yaml").write_text(
        "text_fields: [title]\nload_col: {inter: [user_id, item_id]}\n", encoding="utf-8"
    )
    return file.rows


def main() -> None:
    """Write the data sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-path", type=Path, default=Path("dataset"))
    path = parser.parse_args().data_path
    for name, (taste, exponent) in SETS.items():
        print(f"{path / name}: {write(path / name, taste, exponent):,} interactions")


if __name__ == "__main__":
    main()
