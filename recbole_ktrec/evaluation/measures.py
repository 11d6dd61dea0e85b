"""What a comparison measures beside RecBole's ranking metrics, how the report shows it, and which way is better.

``measuring`` makes the numbers; a new one needs an entry here, a higher ``grid.FORMAT`` (stored jobs lack it) and its
description in ``results.schema.json``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One number beside the ranking metrics.

    Attributes:
        title: what the report calls it.
        meaning: what the report says of it; nothing where another one's says it.
        digits: after the point.
        at_k: whether it is of the lists of each k, and named ``name@k``.
        main: whether it is in the main table.
        judged: whether more is better.
    """

    title: str
    meaning: str = ""
    digits: int = 3
    at_k: bool = False
    main: bool = False
    judged: bool = True

    @property
    def term(self) -> str:
        """What is defined in the report."""
        return f"{self.title}@k" if self.at_k else self.title


#: Name -> measure, in the order of the tables.
MEASURES: dict[str, Measure] = {
    "accuracy": Measure(
        "Accuracy",
        "share of right answers at R ≥ .5 over held-out positives and as many sampled negatives, every model's score "
        "turned into a probability by the same logistic fit on validation pairs",
        main=True,
    ),
    "accuracy_raw": Measure("Accuracy raw"),
    "accuracy_ratings": Measure("Accuracy ratings"),
    "catalogue_coverage": Measure(
        "Coverage", "share of the catalogue that appears in any top-k list", at_k=True, main=True
    ),
    "score_coverage": Measure(
        "Score cov.",
        "share of the catalogue for which the model gives a personal score that rests on training interactions or on "
        "content it reads",
        main=True,
    ),
    "novelty": Measure(
        "Novelty", "mean self-information of the recommended items, in bits", digits=2, at_k=True, judged=False
    ),
    "text_diversity": Measure(
        "Diversity",
        "one minus the mean cosine between the texts of a list's items, read as the data set's settings say",
        digits=4,
        at_k=True,
        judged=False,
    ),
}


def measure_of(metric: str) -> Measure | None:
    """Return the measure that ``metric`` (``novelty@10``) is of; None for a metric of RecBole, and for a group's."""
    return MEASURES.get(metric.partition("@")[0])


def in_main_table(k: int | str) -> list[str]:
    """Return the names of the measures of the main table, at ``k`` where they have one."""
    return [f"{name}@{k}" if one.at_k else name for name, one in MEASURES.items() if one.main]


def is_smaller_better(name: str) -> bool:
    """Whether a smaller value of metric ``name`` (``group/metric@k``) is better, by RecBole's register."""
    from recbole.evaluator import smaller_metrics

    return name.rpartition("/")[2].partition("@")[0].lower() in smaller_metrics
