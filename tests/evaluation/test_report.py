"""The report as it is written: escapes, nothing fetched, and how it looks in a browser."""

from __future__ import annotations

import builtins
import json
import re
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ktrec.evaluation.report import render_markdown, render_page, tables, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Links(HTMLParser):
    """Collects everything that a browser would fetch, and checks that tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        assert tag not in ("script", "link", "iframe", "object")
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_names_and_errors_end_no_cell_and_no_item(results: dict[str, Any]) -> None:
    """A name stands above a column where there are several data sets; errors of other packages have many lines."""
    whole = json.loads(json.dumps(results).replace("tiny <b>", "a|b"))
    whole["datasets"]["c"] = whole["datasets"]["a|b"]
    whole["runs"][1]["error"] = "Input X contains NaN.\nSee\n\n## there"
    text = render_markdown(whole, {})
    assert "| Model | a\\|b | c |" in text and "- BPR, seed 2: Input X contains NaN. See ## there\n" in text


def test_markdown(results: dict[str, Any]) -> None:
    text = render_markdown(results, {"tiny <b>": {"metric": "<svg>"}})
    assert "| KTRec | **0.3100** ± 0.0100 |" in text and "| EASE | 0.3000 ≈ ± 0.0100 |" in text
    assert "- BPR, seed 2: MemoryError: <too much>" in text and "](plots/tiny%20%3Cb%3E-metric.png)" in text
    assert "| Cold among cold |" in text and "0 known" in text


def test_page_is_whole_and_fetches_nothing(results: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    results = rename(results, "tiny <b>", "tiny & co")
    assert write_report(results, tmp_path) == []
    text = (tmp_path / "report.html").read_text()
    parser = Links()
    parser.feed(text)
    assert parser.open == [], "every tag is closed"
    assert all(link.startswith("#") for link in parser.links), parser.links
    assert not re.search(r"https?://|url\((?!#)|@import", text)
    assert "MemoryError: &lt;too much&gt;" in text and "tiny &amp; co" in text
    assert text.count("<svg") == 3 and "currentColor" in text
    inks = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6}|[a-z]+)", text))
    assert not inks & {"#000000", "black"}, "nothing is drawn in a colour that a dark page would hide"
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        f"tiny & co-{name}.{kind}" for name in ("cold", "metric", "time") for kind in ("pdf", "png")
    ]  # fmt: skip


def test_the_table_holds_every_number_with_its_test(results: dict[str, Any], tmp_path: Path) -> None:
    write_report(results, tmp_path)
    table = pd.read_csv(tmp_path / "table.csv")
    assert len(table) == len(results["summary"])
    rows = table.set_index(["model", "metric"])
    best, other = rows.loc[("KTRec", "ndcg@5")], rows.loc[("EASE", "ndcg@5")]
    assert best[["seeds", "mean", "std", "low", "high"]].tolist() == [2, 0.31, 0.01, 0.29, 0.33] and pd.isna(best["p"])
    assert other[["mean", "with", "difference", "p", "p_holm"]].tolist() == [0.3, "KTRec", 0.01, 0.2, 0.3]


def test_the_page_says_what_each_row_ran_with(results: dict[str, Any]) -> None:
    """The sizes of a built-in stand in RecBole's property file: nobody could tell them from what is given above it."""
    whole = json.loads(json.dumps(results).replace('"BPR"', '"NeuMF"'))
    for run in whole["runs"]:
        run["config"] |= {"dropout_prob": 0.3} if run["model"] == "NeuMF" else {}
    _, _, text = render_page(whole, {}).partition("<summary>Settings</summary>")
    (row,) = re.findall(r"NeuMF: (.*)", text)
    assert "dropout_prob 0.3, " in row and "mlp_hidden_size [128, 64]" in row
    assert "Every row: a 1" in text and "a 1" not in row and "EASE: reg_weight 250" in text


def test_dollars_in_the_name_of_a_row_are_no_mathematics(results: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from recbole_ktrec.evaluation.report.plots import draw_all

    (drawings,) = draw_all(rename(results, "BPR", "$a_1$ b"), tmp_path).values()
    assert len(drawings) == 3 and all("$a_1$ b</text>" in svg for svg in drawings.values())


def test_names_of_points_that_lie_close_stand_beside_one_another(results: dict[str, Any]) -> None:
    pytest.importorskip("matplotlib")
    from recbole_ktrec.evaluation.report import plots

    for run in results["runs"]:
        run["timing"]["seconds_to_best"] = {"BPR": 5.0, "KTRec": 50.0, "EASE": 52.0}[run["model"]]
    for row in results["summary"]:
        row["mean"] = 0.309 if row["model"] == "EASE" else row["mean"]
    figure = plots._time(tables.Summary(results, "tiny <b>"), {"KTRec"})
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3 and not any(box.count_overlaps([one for one in boxes if one is not box]) for box in boxes)


def test_a_name_with_a_bar_stays_in_its_column(results: dict[str, Any]) -> None:
    for row in (*results["summary"], *results["runs"]):
        row["model"] = "B|R" if row["model"] == "BPR" else row["model"]
    results["grid"]["models"] = ["B|R", "KTRec", "EASE"]
    assert "| B\\|R |" in render_markdown(results, {})


def rename(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {new if key == old else key: rename(item, old, new) for key, item in value.items()}
    return [rename(item, old, new) for item in value] if isinstance(value, list) else new if value == old else value


def test_without_matplotlib_the_report_says_how_to_get_plots(
    results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = builtins.__import__

    def no_matplotlib(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    monkeypatch.delitem(sys.modules, "recbole_ktrec.evaluation.report.plots", raising=False)
    notes = write_report(results, tmp_path)
    assert notes == ["Drawing the plots of the report needs [matplotlib>=3.8]: pip install 'recbole-ktrec[plot]'"]
    assert "<svg" not in (tmp_path / "report.html").read_text() and "KTRec" in (tmp_path / "report.md").read_text()


def test_several_data_sets_get_an_overview(results: dict[str, Any]) -> None:
    assert tables.overviews(results) == []
    other = rename(results, "tiny <b>", "other")
    both = {**results, "datasets": {**results["datasets"], **other["datasets"]}}
    both |= {key: [*results[key], *other[key]] for key in ("summary", "runs")}
    found = dict(tables.overviews(both))
    assert list(found) == ["NDCG@5", "Accuracy", "Coverage@5", "Score cov."]
    table = found["NDCG@5"]
    assert table.header == ["Model", "tiny <b>", "other"]
    assert [cell.text for cell in table.rows[1]] == ["KTRec", "0.3100", "0.3100"]
    assert "NDCG@5 on all data sets" in render_page(both, {}) and "## Accuracy on all data sets" in render_markdown(
        both, {}
    )


def test_no_result_at_all(results: dict[str, Any]) -> None:
    empty = {**results, "summary": []}
    assert "No model has a result." in render_page(empty, {}) and "No model has a result." in render_markdown(empty, {})


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
def test_page_in_a_browser(results: dict[str, Any], tmp_path: Path, width: int) -> None:
    """Opened from a file without a network: the page is not wider than the window, and something is drawn."""
    write_report(rename(results, "tiny <b>", "tiny"), tmp_path)
    text = (tmp_path / "report.html").read_text()
    measured = "${document.documentElement.scrollWidth} ${document.querySelectorAll('svg').length}"
    probe = f"<script>document.title = `{measured}`</script>"
    (tmp_path / "probe.html").write_text(text.replace("</body>", f"{probe}</body>"))
    browser = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    # Chromium opens no window narrower than 500 px, so a phone is a frame inside one.
    frame = f'<iframe src="probe.html" style="width:{width}px;height:900px;border:0"></iframe>'
    say = "<script>onload = () => { const d = frames[0].document; document.title = d.title }</script>"
    (tmp_path / "frame.html").write_text(f"<html><body>{frame}{say}</body></html>")
    options = ["--allow-file-access-from-files", "--window-size=1400,1000", "--virtual-time-budget=4000"]
    done = subprocess.run(
        [*browser, *options, "--dump-dom", f"file://{tmp_path / 'frame.html'}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r"<title>(\d+) (\d+)</title>", done.stdout)
    assert found is not None, done.stdout[-500:]
    assert int(found[1]) <= width and int(found[2]) == 3
    picture = tmp_path / "page.png"
    options = [f"--window-size={max(width, 500)},1200", f"--screenshot={picture}"]
    subprocess.run(
        [*browser, *options, f"file://{tmp_path / 'report.html'}"], capture_output=True, timeout=120, check=True
    )
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (max(width, 500), 1200)
    assert picture.stat().st_size > 20_000, "not a blank page"
