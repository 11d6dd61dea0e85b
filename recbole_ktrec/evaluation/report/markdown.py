"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from recbole_ktrec.errors import counted
from recbole_ktrec.evaluation.report import remarks, tables, wording
from recbole_ktrec.evaluation.report.summary import Summary
from recbole_ktrec.evaluation.report.tables import Cell, Table


def _plain(text: str) -> str:
    """Return ``text`` so that it ends no cell: names of data sets and rows stand in headers, too."""
    return text.replace("|", "\\|")


def _cell(cell: Cell) -> str:
    plain = _plain(cell.text)
    text = f"**{plain}**" if cell.best else plain
    return f"{text}{' ≈' if cell.tied else ''}{' ' + cell.note if cell.note else ''}"


def table(content: Table) -> str:
    """A pipe table."""
    lines = ["| " + " | ".join(map(_plain, content.header)) + " |", "|---" * len(content.header) + "|"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in content.rows]
    return "\n".join(lines)


def _dataset(results: Mapping[str, Any], name: str, drawings: Mapping[str, str]) -> list[str]:
    summary = Summary(results, name)
    said = [remarks.verdict(summary), *remarks.remarks(summary)]
    parts = [f"## {name}", *said, *(f"Note: {note}" for note in summary.notes)]
    parts.append(table(tables.main_table(summary)))
    for heading, content in tables.sections(summary):
        parts += [f"### {heading}", table(content)]
    parts += [f"![{what}](plots/{quote(name)}-{what}.png)" for what in drawings]
    if failed := remarks.failures(summary):
        parts += ["### Without a result", *(f"- {' '.join(one.split())}" for one in failed)]
    return parts


def render_markdown(results: Mapping[str, Any], drawings: Mapping[str, Mapping[str, str]]) -> str:
    """Return the report of ``results``; ``drawings`` says which plots lie beside it."""
    parts = ["# Comparison", wording.protocol(results), wording.LEGEND]
    for name, content in tables.overviews(results):
        parts += [f"## {name} on all data sets", table(content)]
    for name in results["datasets"]:
        parts += _dataset(results, name, drawings.get(name, {}))
    parts += ["## Definitions", "\n".join(f"- **{name}**: {text}." for name, text in wording.definitions(results))]
    machine = results["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    cores = counted(machine["cores"], "core")
    parts += ["## Where", f"{machine['processor']}, {cores}; Python {machine['python']}; {versions}."]
    return "\n\n".join(parts) + "\n"
