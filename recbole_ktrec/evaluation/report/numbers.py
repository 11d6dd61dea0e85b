"""The summary as a table for a spreadsheet, pandas or LaTeX: a row a data set, model and metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def render_csv(results: Mapping[str, Any]) -> str:
    """Return the summary as CSV.

    Columns: dataset, model, metric, seeds (how many), mean, std, min and max over seeds, low and high (95 % interval
    over users) and, where a test was made, with (the row that it was made against), difference, p and p_holm. A cell is
    empty where there is nothing.
    """
    rows = pd.DataFrame([_row(row) for row in results["summary"]])
    return str(rows.to_csv(index=False, lineterminator="\n"))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = row["interval"] or (None, None)
    kept = {key: row[key] for key in ("dataset", "model", "metric", "seeds", "mean", "std", "min", "max")}
    tested = row["comparison"] or {}
    return kept | {"low": low, "high": high} | {key: tested.get(key) for key in ("with", "difference", "p", "p_holm")}
