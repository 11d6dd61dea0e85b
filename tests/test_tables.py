"""The tables of known and of new items show the numbers of the results in benchmarks/accuracy, rounded."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ACCURACY = ROOT / "benchmarks" / "accuracy"
#: Columns of new-items.md: all, known items, new items, new among new.
COLUMNS = ("ndcg@10", "warm/ndcg@10", "cold/ndcg@10", "cold only/ndcg@10")

pytestmark = pytest.mark.skipif(not ACCURACY.is_dir(), reason="needs a checkout")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below ``heading``, without its two lines of header."""
    lines = (ROOT / page).read_text(encoding="utf-8").split(heading, 1)[1].splitlines()
    below = itertools.dropwhile(lambda line: not line.startswith("|"), lines)
    rows = itertools.takewhile(lambda line: line.startswith("|"), below)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows][2:]


class Results:
    """One JSON file of benchmarks/accuracy, by its name or by the link of a table."""

    def __init__(self, name: str) -> None:
        name = name.rpartition("/")[2].rpartition("(")[2].removesuffix(".md)")
        content = json.loads((ACCURACY / f"{name}.json").read_text(encoding="utf-8"))
        self.rows = {(row["model"], row["metric"]): row for row in content["summary"]}
        splits = [split for data in content["datasets"].values() for split in data["splits"].values()]
        self.items, self.seeds = f"{splits[0]['counts']['items']:,}", str(len(splits))

    def shown(self, model: str, metric: str = "ndcg@10") -> str:
        return f"{self.rows[model, metric]['mean']:.4f}".lstrip("0")

    def spread(self, model: str, metric: str = "ndcg@10") -> str:
        return f"{self.shown(model, metric)} ± " + f"{self.rows[model, metric]['std']:.4f}".lstrip("0")

    def best_ease(self, metric: str = "ndcg@10") -> str:
        """The strength of EASE that is best by this very metric."""
        rows = [model for model, name in self.rows if model.startswith("EASE") and name == metric]
        return max(rows, key=lambda model: self.rows[model, metric]["mean"])

    def known(self) -> list[str]:
        metrics = ("ndcg@10", "recall@10")
        pairs = [(self.rows["KTRec", name], self.rows[self.best_ease(name), name]) for name in metrics]
        ratios = [f"{ours['mean'] / ease['mean']:.2f}" for ours, ease in pairs]
        return [self.spread("KTEASE"), self.spread("KTRec"), *ratios, self.shown("text-kernel")]


def test_known_items() -> None:
    for name, items, *row in table("README.md", "**Known items**"):
        found = Results(name)
        row = [cell.removesuffix(" x") for cell in row]
        assert [name, items, *row] == [name, found.items, found.shown(found.best_ease()), *found.known()]


def test_known_items_of_the_benchmarks() -> None:
    for name, items, seeds, best, *row in table("benchmarks/README.md", "## Known items"):
        found = Results(name)
        assert (items, seeds, found.shown(best)) == (found.items, found.seeds, found.shown(found.best_ease())), name
        assert [name, *row] == [name, found.shown(best), *found.known()]


def test_new_items() -> None:
    for name, *row in table("README.md", "**New items** (`--split cold_item`"):
        found, among = Results(name), "cold only/ndcg@10"
        of_all = [found.spread("KTRec"), found.shown(found.best_ease()), found.shown("text-kernel")]
        of_new = [found.spread("KTRec", among), found.shown("text-kernel", among)]
        assert row == [*of_all, *of_new, *(found.shown(model, "cold/ndcg@10") for model in ("KTRec", "text-kernel"))]


def test_new_items_of_their_page() -> None:
    last = ""
    for name, model, *row in table("benchmarks/accuracy/new-items.md", "## Known and new items together"):
        last = name or last
        assert [last, model, *row] == [last, model, *(Results(last).spread(model, metric) for metric in COLUMNS)]


def test_items_that_come_after_the_training() -> None:
    kept = json.loads((ACCURACY / "unseen-items.json").read_text(encoding="utf-8"))["results"]
    row_of = {"after the training": "unseen", "in the training": "loaded"}
    columns = ("new among new", "new among all", "known beside new", "known alone", "known alone, new heard")
    rows = table("benchmarks/accuracy/new-items.md", "## Items that come after the training")
    assert len(rows) == sum(map(len, kept.values()))
    for name, model, how, *shown in rows:
        values = kept[name][f"{model}, {row_of[how]}"]
        assert shown == [f"{values[column]:.4f}"[1:] if column in values else "–" for column in columns]


def test_from_a_point_in_time_on() -> None:
    models, parts, last = (
        ["KTRec", "KTEASE", "EASE-auto", "LightGCN"],
        {"known": "warm users/", "new": "cold users/"},
        "",
    )
    for name, _, *row in table("benchmarks/accuracy/order.md", "## From a point in time on"):
        last = name if name.startswith("[") else last
        found, metric = Results(last), parts.get(name.split()[0], "") + "ndcg@10"
        ease = max(("EASE", "EASE-100"), key=lambda model: found.rows[model, metric]["mean"])
        assert row == [found.shown(model, metric) for model in (*models, ease, "Pop")]


def test_popularity() -> None:
    content = json.loads((ACCURACY / "popularity.json").read_text(encoding="utf-8"))["summary"]
    content += json.loads((ROOT / "benchmarks" / "fair" / "popularity.json").read_text(encoding="utf-8"))["summary"]
    found = {row["dataset"]: row for row in content if row["metric"] == "ndcg@10"}
    shown = {name: [f"{found[name][key]:.4f}".lstrip("0") for key in ("mean", "std")] for name in found}
    rows = table("benchmarks/accuracy/README.md", "### Popularity")
    assert {name: value.split(" ± ") for name, value, *_ in rows} == shown
    assert all(row[-1] == shown[row[0]][0] for row in table("README.md", "**Other built-ins**"))
