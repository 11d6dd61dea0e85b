"""The report that people look at: Markdown, plots, a CSV table, and one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import MissingExtraError
from recbole_ktrec.evaluation.report.markdown import render_markdown
from recbole_ktrec.evaluation.report.numbers import render_csv
from recbole_ktrec.evaluation.report.page import render_page
from recbole_ktrec.files import write_whole


def write_report(results: Mapping[str, Any], folder: Path) -> list[str]:
    """Write ``report.md``, ``report.html``, ``table.csv`` and, with matplotlib, ``plots/*`` (PNG, PDF) into ``folder``.

    Args:
        results: what :func:`recbole_ktrec.evaluation.results.assemble` returned, or its JSON.
        folder: where the files go.

    Returns:
        What could not be done, for the user to read.
    """
    notes: list[str] = []
    drawings: dict[str, dict[str, str]] = {}
    try:
        from recbole_ktrec.evaluation.report.plots import draw_all

        drawings = draw_all(results, folder / "plots")
    except MissingExtraError as error:
        notes.append(str(error))
    write_whole(folder / "report.md", render_markdown(results, drawings))
    write_whole(folder / "table.csv", render_csv(results))
    write_whole(folder / "report.html", render_page(results, drawings))
    return notes
