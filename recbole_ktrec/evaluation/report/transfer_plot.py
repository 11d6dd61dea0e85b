"""The plot of a transfer curve."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import MissingExtraError
from recbole_ktrec.evaluation.report.transfer import COLUMNS, Numbers, title
from recbole_ktrec.files import write_whole

try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:  # the extra [plot]
    raise MissingExtraError("matplotlib>=3.8", "plot", "Drawing the transfer curve") from None

_STYLES: dict[str, dict[str, Any]] = {
    "transferred": {"color": "#d1495b", "marker": "o", "linewidth": 2.2, "zorder": 4},
    "unguarded": {"color": "#d1495b", "marker": ".", "linestyle": "--"},
    "scratch": {"color": "#2b6c9e", "marker": "s", "markersize": 9, "fillstyle": "none", "zorder": 5},
    "kernel": {"color": "#5f6b7a", "linestyle": ":"},
    "shuffled": {"color": "#b58a2a", "marker": "x"},
    "EASE": {"color": "#4f9d69", "marker": "^"},
}


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw NDCG@10 and Recall@10 over the share (and NDCG@10 among cold items, where there are), with the spread."""
    numbers = Numbers(results)
    metrics = ["ndcg@10", "recall@10"]
    metrics += [one for one in ("cold only/ndcg@10",) if any(k[2] == one for k in numbers.rows)]
    figure, axes = plt.subplots(1, len(metrics), figsize=(4.6 * len(metrics), 3.8), layout="constrained", squeeze=False)
    for one, metric in zip(axes[0], metrics, strict=True):
        _panel(one, numbers, metric)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(COLUMNS), frameon=False, fontsize=9)
    figure.suptitle(
        f"Transfer to {results['settings']['dataset']} ({results['settings']['model']})", fontsize=11, parse_math=False
    )
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=160)
    plt.close(figure)
    write_whole(path, picture.getvalue())


def _panel(axes: Any, numbers: Numbers, metric: str) -> None:
    places = {share: place for place, share in enumerate(numbers.shares)}
    for variant in COLUMNS:
        rows = [numbers.rows.get((share, variant, metric)) for share in numbers.shares]
        there = [row for row in rows if row is not None]
        spread = [row["std"] or 0.0 for row in there]
        x, y = [places[row["share"]] for row in there], [row["mean"] for row in there]
        axes.errorbar(x, y, yerr=spread, label=variant, capsize=2, **_STYLES[variant])
    axes.set_xticks(list(places.values()), [f"{share:g} %" for share in numbers.shares])
    axes.set_xlabel(f"training {numbers.sample} learned from (not to scale)")
    axes.set_title(title(metric), fontsize=10)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#8888", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
