"""The report as one HTML page: styles and drawings inside, nothing fetched, light and dark, phone and desk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from recbole_ktrec.errors import counted
from recbole_ktrec.evaluation.options import own_settings
from recbole_ktrec.evaluation.report import remarks, tables, wording
from recbole_ktrec.evaluation.report.summary import Summary, own_models
from recbole_ktrec.evaluation.report.tables import Cell, Table

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5a6472; --line: #d9dee5; --page: #fff; --card: #f6f8fa;
  --own: #d1495b; --mark: #fff3c9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa5b4; --line: #343b46; --page: #14171c;
  --card: #1b1f26; --own: #ef7d8d; --mark: #4a3f18; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .2rem 0 .6rem; }
h2 { font-size: 1.3rem; margin: 2.6rem 0 .4rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
.soft { color: var(--soft); font-size: .9rem; }
.verdict { font-size: 1.1rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .45rem .6rem; text-align: right; white-space: nowrap; }
th { font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; position: sticky; left: 0; background: var(--page);
  color: var(--ink); font-weight: 600; border-right: 1px solid var(--line); }
td b { background: var(--mark); border-radius: .2rem; padding: 0 .25rem; margin: 0 -.25rem; }
td small { display: block; color: var(--soft); font-size: .75rem; }
td i { font-style: normal; color: var(--soft); }
.own { color: var(--own) !important; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1rem;
  margin: 1rem 0; align-items: start; }
figure { margin: 0; padding: .8rem; background: var(--card); border-radius: .5rem; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .85rem; color: var(--soft); margin-top: .4rem; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; background: var(--card); padding: .8rem;
  border-radius: .5rem; }
.failed { border-left: 3px solid var(--own); padding-left: .8rem; overflow-wrap: anywhere; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; max-width: 46rem; color: var(--soft); }
"""
_CAPTIONS = {
    "metric": "Quality, with the 95 % bootstrap interval over users.",
    "cold": "Cold against warm: items are ranked among their like, users among all items.",
    "time": "Quality against the time until the best model was there, its construction included.",
}


def _cell(cell: Cell) -> str:
    text = f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text)
    tied = " <i>≈</i>" if cell.tied else ""
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    detail = f' title="{escape(cell.detail)}"' if cell.detail else ""
    return f"<td{detail}>{text}{tied}{note}</td>"


def table(content: Table, own: set[str]) -> str:
    """An HTML table that scrolls sideways under its fixed first column."""
    head = "".join(f"<th>{escape(name)}</th>" for name in content.header)
    rows = []
    for row in content.rows:
        mark = ' class="own"' if row[0].text in own else ""
        rows.append(f"<tr><td{mark}>{escape(row[0].text)}</td>{''.join(map(_cell, row[1:]))}</tr>")
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _counts(results: Mapping[str, Any], name: str) -> str:
    data = results["datasets"][name]
    counts = next(iter(data["splits"].values()))["counts"]
    parts = [f"{counts['users']:,} users", f"{counts['items']:,} items", f"{counts['interactions']:,} interactions"]
    parts.append(f"test: {counts['test_interactions']:,} interactions of {counts['test_users']:,} users")
    if counts["test_interactions_of_cold_items"]:
        parts.append(f"{counts['test_interactions_of_cold_items']:,} of them with cold items")
    if counts.get("test_interactions_seen_in_training"):
        parts.append(f"{counts['test_interactions_seen_in_training']:,} of them repeat a training interaction")
    return f"{', '.join(parts)}. SHA-256 {data['sha256'][:12]}."


def _figures(drawings: Mapping[str, str]) -> str:
    figures = [f"<figure>{svg}<figcaption>{_CAPTIONS[name]}</figcaption></figure>" for name, svg in drawings.items()]
    return f'<div class="plots">{"".join(figures)}</div>' if figures else ""


def _dataset(results: Mapping[str, Any], name: str, drawings: Mapping[str, str], own: set[str]) -> str:
    summary = Summary(results, name)
    parts = [f"<h2>{escape(name)}</h2>", f'<p class="verdict">{escape(remarks.verdict(summary))}</p>']
    parts += [f"<p>{escape(remark)}</p>" for remark in remarks.remarks(summary)]
    parts += [f"<p>Note: {escape(note)}</p>" for note in summary.notes]
    parts.append(f'<p class="soft">{escape(_counts(results, name))}</p>')
    parts += [table(tables.main_table(summary), own), _figures(drawings)]
    for heading, content in tables.sections(summary):
        parts += [f"<h3>{escape(heading)}</h3>", table(content, own)]
    if failed := remarks.failures(summary):
        parts += ["<h3>Without a result</h3>", *(f"<p class=failed>{escape(one)}</p>" for one in failed)]
    parts.append(f"<details><summary>All numbers</summary>{table(tables.full_table(summary), own)}</details>")
    parts.append(f"<details><summary>Settings</summary><pre>{escape(_settings(summary))}</pre></details>")
    return "\n".join(parts)


def _settings(summary: Summary) -> str:
    """What each model ran with on its first seed, its own property files' keys included; what all share stands once."""
    first: dict[str, dict[str, Any]] = {}
    for run in summary.runs:
        first.setdefault(run["model"], {**own_settings(run.get("class") or run["model"]), **run["config"]})
    texts = {label: {key: _text(value) for key, value in config.items()} for label, config in first.items()}
    shared = set.intersection(*(set(config.items()) for config in texts.values())) if len(texts) > 1 else set()
    own = {label: sorted(set(config.items()) - shared) for label, config in texts.items()}
    rows = {**own, **({"Every row": sorted(shared)} if shared else {})}
    return "\n\n".join(f"{label}: {', '.join(f'{key} {value}' for key, value in said)}" for label, said in rows.items())


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def render_page(results: Mapping[str, Any], drawings: Mapping[str, Mapping[str, str]]) -> str:
    """Return the report of ``results`` as HTML with the SVG ``drawings`` (data set -> name -> SVG) inside."""
    own = own_models(results["runs"])
    body = [
        "<h1>Comparison of recommenders</h1>",
        f"<p>{escape(wording.protocol(results))}</p>",
        f'<p class="soft">{escape(wording.LEGEND)} Hold the pointer over a number to see the comparison.</p>',
    ]
    for name, content in tables.overviews(results):
        body += [f"<h3>{escape(name)} on all data sets</h3>", table(content, own)]
    body += [_dataset(results, name, drawings.get(name, {}), own) for name in results["datasets"]]
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}.</dd>" for name, text in wording.definitions(results))
    machine = results["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    where = f"{machine['processor']}, {counted(machine['cores'], 'core')}, Python {machine['python']}; {versions}."
    body += [f"<h2>Definitions</h2><dl>{terms}</dl>", f'<h2>Where</h2><p class="soft">{escape(where)}</p>']
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Comparison of recommenders</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
    )
    return f"{head}<body>\n{chr(10).join(body)}\n</body></html>\n"
