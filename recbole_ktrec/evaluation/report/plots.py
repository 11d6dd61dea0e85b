"""Three plots a data set: bars with intervals, cold against warm, accuracy against training time."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import MissingExtraError
from recbole_ktrec.evaluation.report.summary import FEW, Summary, own_models, title
from recbole_ktrec.files import write_whole

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.patches
    import matplotlib.pyplot as plt
    import matplotlib.ticker
    from matplotlib.transforms import Bbox
except ImportError:  # the extra [plot]
    raise MissingExtraError("matplotlib>=3.8", "plot", "Drawing the plots of the report") from None

#: Text and axes are drawn in this colour, which the page replaces by the reader's text colour, light or dark.
_INK = "#101112"
_OWN, _OTHER, _COLD, _COLD_OWN = "#d1495b", "#5b8db8", "#9bb8d3", "#e8a3ac"
#: Where the name of a point may stand: points to the right and up, and which of its ends is there.
_PLACES = tuple((side * 6, up, end) for up in (4, -12, 14, -22, 24) for side, end in ((1, "left"), (-1, "right")))
_STYLE: Any = {
    "font.size": 11, "axes.edgecolor": _INK, "axes.labelcolor": _INK, "text.color": _INK, "xtick.color": _INK,
    "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False, "svg.fonttype": "none",
    "font.family": "sans-serif", "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "svg.hashsalt": "ktrec", "axes.axisbelow": True, "text.parse_math": False,
}  # fmt: skip


def draw_all(results: Mapping[str, Any], folder: Path) -> dict[str, dict[str, str]]:
    """Draw every plot: PNG and PDF files into ``folder``, and SVG texts for the page.

    Returns:
        data set -> plot name -> SVG.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, dict[str, str]] = {}
    own = own_models(results["runs"])
    for summary in (Summary(results, dataset) for dataset in results["datasets"]):
        if summary.models:
            with plt.rc_context(_STYLE):
                made = {"metric": _bars(summary, own), "cold": _cold(summary, own), "time": _time(summary, own)}
                paths = {name: folder / f"{summary.dataset}-{name}.png" for name in made}
                drawings[summary.dataset] = {n: _save(f, paths[n]) for n, f in made.items() if f is not None}
    return drawings


def _figure(rows: float) -> tuple[Any, Any]:
    return plt.subplots(figsize=(5, max(2.2, rows)), layout="constrained")


def _name_rows(axes: Any, models: list[str]) -> None:
    axes.set_yticks(range(len(models)), models)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#8888", linewidth=0.5)


def _save(figure: Any, path: Path) -> str:
    for kind, metadata in (("png", {}), ("pdf", {"CreationDate": None})):
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, dpi=160, facecolor="white", metadata=metadata)
        write_whole(path.with_suffix(f".{kind}"), picture.getvalue())
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    plt.close(figure)
    return _inline(drawing.getvalue())


def _inline(svg: str) -> str:
    """Only the <svg> element, sized by the page, in the reader's text colour."""
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")


def _bars(summary: Summary, own: set[str]) -> Any:
    """The validation metric with the 95 % bootstrap interval over users."""
    models = summary.models[::-1]
    figure, axes = _figure(0.42 * len(models) + 0.9)
    for place, model in enumerate(models):
        row = summary.rows[model, summary.main]
        axes.barh(place, row["mean"], color=_OWN if model in own else _OTHER, height=0.68)
        if row["interval"]:
            low, high = row["interval"]
            axes.plot([low, high], [place, place], color=_INK, linewidth=1.4, solid_capstyle="butt")
    _name_rows(axes, models)
    axes.set_xlabel(f"{title(summary.main)}, 95 % interval over users")
    axes.set_xlim(left=0)
    return figure


def _cold(summary: Summary, own: set[str]) -> Any:
    """Warm items against cold ones (each ranked among its like), or warm users against cold ones."""
    pairs = (("cold only", "warm only", "items"), ("cold users", "warm users", "users"))
    found = [pair for pair in pairs if summary.has(f"{pair[0]}/{summary.main}")]
    found = [pair for pair in found if (asked := summary.asked(pair[0])) is None or asked >= FEW]
    if summary.grid["split"] == "cold_user":
        found = found[::-1]
    if not found:
        return None
    cold, warm, label = found[0]
    models = summary.models[::-1]
    figure, axes = _figure(0.5 * len(models) + 1.2)
    for place, model in enumerate(models):
        for shift, group, colour in (
            (0.19, warm, _OWN if model in own else _OTHER),
            (-0.19, cold, _COLD_OWN if model in own else _COLD),
        ):
            row = summary.rows.get((model, f"{group}/{summary.main}"))
            axes.barh(place + shift, row["mean"] if row else 0, color=colour, height=0.36)
    _name_rows(axes, models)
    axes.set_xlabel(title(summary.main))
    like = " among their like" if label == "items" else ""
    names = [f"{kind} {label}{like}" for kind in ("warm", "cold")]
    patches = [matplotlib.patches.Patch(color=colour) for colour in (_OTHER, _COLD)]
    axes.legend(patches, names, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=10)
    return figure


def _time(summary: Summary, own: set[str]) -> Any:
    """The validation metric on test against the seconds until the best model was there."""
    points = []
    for model in summary.models:
        seconds = summary.cost(model, "timing", "seconds_to_best")
        if seconds is not None:
            points.append((max(seconds, 0.01), summary.rows[model, summary.main]["mean"], model))
    if len(points) < 2:
        return None
    figure, axes = _figure(3.4)
    for seconds, value, model in points:
        axes.scatter(seconds, value, color=_OWN if model in own else _OTHER, s=42, zorder=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    axes.margins(x=0.22, y=0.12)
    axes.grid(color="#8888", linewidth=0.5)
    axes.set_xlabel("seconds to the best model")
    axes.set_ylabel(title(summary.main))
    _name(axes, points)
    return figure


def _name(axes: Any, points: Sequence[tuple[float, float, str]]) -> None:
    """Write each name beside its point: at the first of the places that no other name and no point takes."""
    axes.figure.draw_without_rendering()  # what is where is known then
    reach = 4 * axes.figure.dpi / 72
    places = axes.transData.transform([point[:2] for point in points])
    taken = [Bbox([place - reach, place + reach]) for place in places]
    for seconds, value, model in points:
        text = axes.annotate(model, (seconds, value), xytext=(0, 0), textcoords="offset points", fontsize=10)
        boxes = [_moved(text, *place) for place in _PLACES]
        free = [place for place, box in zip(_PLACES, boxes, strict=True) if not box.count_overlaps(taken)]
        taken.append(_moved(text, *(free or _PLACES)[0]))


def _moved(text: Any, right: float, up: float, align: str) -> Any:
    """Move ``text`` to so many points from its mark; return what it takes there, in pixels."""
    text.set(x=right, y=up, ha=align)
    return text.get_window_extent()
