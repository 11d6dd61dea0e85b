"""Interactions of the same time stay as the file has them when repeats are taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recbole_ktrec.evaluation.harness import load_parts, make_config
from tests.support import Settings

WHOLE = {"split": {"RS": [1, 0, 0]}, "group_by": None, "order": "TO", "mode": "full"}


@pytest.mark.parametrize("keep", ["first", "last"])
def test_the_order_of_the_file_decides_where_times_do_not(settings: Settings, workplace: Path, keep: str) -> None:
    draw = np.random.default_rng(0)
    rows = [(f"u{draw.integers(40)}", f"i{draw.integers(40)}", int(time)) for time in draw.integers(0, 3, 1000)]
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    lines = ["user_id:token\titem_id:token\ttimestamp:float", *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    columns = {"inter": ["user_id", "item_id", "timestamp"]}
    config = make_config("Pop", "tiny", settings(eval_args=WHOLE, rm_dup_inter=keep, load_col=columns))
    _, (dataset, *_) = load_parts(config)
    ordered, kept = sorted(rows, key=lambda row: row[2]), dict[tuple[str, str], int]()  # sorted is stable
    for place, row in enumerate(ordered):
        kept[row[:2]] = place if keep == "last" else kept.get(row[:2], place)
    found = zip(
        dataset.id2token("user_id", dataset.inter_feat["user_id"]),
        dataset.id2token("item_id", dataset.inter_feat["item_id"]),
        dataset.inter_feat["timestamp"].tolist(),
        strict=True,
    )
    expected = [ordered[place] for place in sorted(kept.values())]
    assert [(str(user), str(item), int(time)) for user, item, time in found] == expected


def test_without_times_it_is_said_once_of_each_data_set(
    settings: Settings, workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("timeless", "timeless", "other"):
        (workplace / "dataset" / name).mkdir(exist_ok=True)
        rows = ["user_id:token\titem_id:token", "a\tx", "b\ty", "a\ty", "a\tx"]
        (workplace / "dataset" / name / f"{name}.inter").write_text("\n".join(rows) + "\n")
        columns = {"inter": ["user_id", "item_id"]}
        whole = {**WHOLE, "order": "RO"}
        config = make_config("Pop", name, settings(eval_args=whole, rm_dup_inter="first", load_col=columns))
        _, (dataset, *_) = load_parts(config)
        kept = dataset.id2token("item_id", dataset.inter_feat["item_id"]).tolist()
        assert sorted(kept) == ["x", "y", "y"]
    said = "[timeless]: rm_dup_inter [first] goes by the order of the file, as no times are loaded"
    assert (
        caplog.text.count(f"{said} (TIME_FIELD [timestamp]).") == 1 and caplog.text.count("[other]: rm_dup_inter") == 1
    )
    assert "Timestamp field" not in caplog.text
