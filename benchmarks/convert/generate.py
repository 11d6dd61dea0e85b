"""Write a dump shaped like the Amazon review data of 2018: ``reviews.json`` and ``meta.json``, one object a line.

Keys, their order and their habits (``vote`` and ``style`` in some rows only, ``price`` with a dollar sign or empty,
descriptions and features as lists) are those of the public files; names, texts and graph are made up from a seed.
Users and items follow a power law; one line in 100,000 is damaged, one in 500 repeats the line before. One title in
ten holds an HTML entity (7 and 13 % do in two samples of the real data), a third of the descriptions do, one feature
list in ten holds a tag, and every item lies in a category with ``&amp;``.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from tqdm import tqdm

WORDS = (
    "great product love it the of my kids works well battery lasted two weeks before charger broke would not buy again "
    "easy to install color is darker than picture but quality fine for price shipping was fast box intact "
    "wireless speaker guitar strap organic shampoo puzzle board game camera lens cable keyboard novel kitchen knife"
).split()
BLOCK = 50_000


def texts(rng: np.random.Generator, count: int, mean: int) -> list[str]:
    """Return ``count`` texts of about ``mean`` words."""
    sizes = rng.geometric(1 / mean, count)
    words = np.asarray(WORDS, dtype=object)[rng.integers(len(WORDS), size=int(sizes.sum()))]
    ends = sizes.cumsum()
    return [" ".join(words[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


def codes(rng: np.random.Generator, count: int, total: int, power: float) -> np.ndarray:
    """Return ``count`` codes below ``total``, small ones more often (density proportional to x^(1/power - 1))."""
    return (total * rng.random(count) ** power).astype(np.int64)


def user(code: int) -> str:
    return f"A{code * 7919 % 9999999967:010d}{code % 997:03d}"


def asin(code: int) -> str:
    return f"B{code * 104729 % 999999937:09d}"


def review_lines(rng: np.random.Generator, rows: int, users: int, items: int) -> Iterator[str]:
    pool = [json.dumps(text) for text in texts(rng, 20_000, 35)]
    short = [json.dumps(text) for text in texts(rng, 5_000, 4)]
    for start in range(0, rows, BLOCK):
        size = min(BLOCK, rows - start)
        who, what = codes(rng, size, users, 2.0), codes(rng, size, items, 2.5)
        stars = rng.choice(5, size, p=[0.08, 0.05, 0.09, 0.17, 0.61]) + 1
        days = rng.integers(10_957, 17_800, size)  # 2000 to September 2018
        first, second, odd = rng.integers(20_000, size=size), rng.integers(5_000, size=size), rng.random(size)
        line = ""
        for u, i, s, d, a, b, o in zip(who, what, stars, days, first, second, odd, strict=True):
            if o < 1e-5:
                yield line[: int(o * 1e7)] + "\n"
            elif o < 0.002 and line:
                yield line
            else:
                vote = f'"vote": "{int(o * 100)}", ' if o > 0.9 else ""
                style = '"style": {"Format:": " Paperback"}, ' if o < 0.3 else ""
                line = (
                    f'{{"overall": {s}.0, {vote}"verified": true, "reviewTime": "01 1, 2015", '
                    f'"reviewerID": "{user(u)}", "asin": "{asin(i)}", {style}'
                    f'"reviewerName": "Reader {u}", "reviewText": {pool[a]}, '
                    f'"summary": {short[b]}, "unixReviewTime": {d * 86400}}}\n'
                )
                yield line


def item_lines(rng: np.random.Generator, items: int) -> Iterator[str]:
    for start in range(0, items, BLOCK):
        size = min(BLOCK, items - start)
        titles, stories = texts(rng, size, 9), texts(rng, size, 60)
        dirt = rng.random((3, size))
        for offset, (title, story) in enumerate(zip(titles, stories, strict=True)):
            code = start + offset
            yield json.dumps(item(code, title, story, *(dirt[:, offset] < (0.1, 0.33, 0.1)))) + "\n"


def item(code: int, title: str, story: str, title_dirty: bool, story_dirty: bool, tagged: bool) -> dict[str, object]:
    """Return one object of the metadata, with its keys in the order of the public files."""
    return {
        "category": ["Toys &amp; Games", "Puzzles", WORDS[code % len(WORDS)]],
        "tech1": "",
        "description": [f"{story} &quot;new&quot; &amp; boxed" if story_dirty else story],
        "fit": "",
        "title": f"{title} &amp; more" if title_dirty else title,
        "also_buy": [asin(code + 1), asin(code + 2)],
        "tech2": "",
        "brand": f"Brand {code % 5000}",
        "feature": ["For 1 player", "<b>Wooden</b> pieces" if tagged else "Wooden pieces"],
        "rank": f">#{code} in Toys &amp; Games",
        "also_view": [],
        "main_cat": "Toys & Games",
        "similar_item": "",
        "date": "",
        "price": f"${code % 100}.99" if code % 3 else "",
        "asin": asin(code),
        "imageURL": [],
        "imageURLHighRes": [],
    }


def generate(folder: Path, rows: int, items: int, seed: int, compress: bool) -> tuple[Path, Path]:
    """Write both files under ``folder`` and return their paths; a quarter as many users as reviews exist."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    end = ".gz" if compress else ""
    made = []
    reviews = review_lines(rng, rows, max(rows // 4, 1), items)
    jobs = (("reviews", reviews, rows), ("meta", item_lines(rng, items), items))
    for name, lines, total in jobs:
        path = folder / f"{name}.json{end}"
        with _open(path, compress) as handle:
            for line in tqdm(lines, desc=path.name, total=total, unit_scale=True, mininterval=1):
                handle.write(line)
        made.append(path)
    return made[0], made[1]


def _open(path: Path, compress: bool) -> IO[str]:
    if compress:
        return gzip.open(path, "wt", compresslevel=1, encoding="utf-8")
    return path.open("w", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, help="default: a tenth of the rows")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gzip", action="store_true")
    args = parser.parse_args()
    print(*generate(args.folder, args.rows, args.items or args.rows // 10, args.seed, args.gzip), sep="\n")
