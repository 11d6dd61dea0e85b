"""The interactions of a data set are read as RecBole would use them, and what is read beside is of the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.asked import read_interactions
from recbole_ktrec.evaluation.grid import DatasetPlan
from recbole_ktrec.evaluation.harness import item_tokens, load_parts, make_config
from recbole_ktrec.evaluation.notes import nameless_notes
from recbole_ktrec.evaluation.prepare import prepare
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.splits import SplitSpec
from tests.evaluation.prepared_data import Read

FILE = Path("dataset", "tiny", "tiny.inter")
#: RecBole's first of several rows is the one of the earliest time, wherever it stands.
FILTERS = (
    ({"rm_dup_inter": "first"}, 3.0),
    ({"rm_dup_inter": "last"}, 5.0),
    ({"val_interval": {"rating": "[3,4]"}}, 3.0),
)


def test_another_separator_than_the_tab_is_named(workplace: Path) -> None:
    FILE.write_text(FILE.read_text().replace("\t", ","))
    with pytest.raises(ConfigError, match=r"field_separator \[,\]: recbole_ktrec reads .* with tabs alone"):
        read_source("tiny", {"data_path": "dataset", "field_separator": ","})


@pytest.mark.parametrize("place", [1, -1], ids=["later ones first", "earlier ones first"])
@pytest.mark.parametrize(("filters", "kept"), FILTERS)
def test_the_rating_of_a_repeated_interaction_is_that_of_the_row_which_a_filter_left(
    workplace: Path, tmp_path: Path, filters: dict[str, Any], kept: float, place: int
) -> None:
    rows = [(f"u{user}", f"i{(user + step) % 7}") for user in range(8) for step in range(5)]
    lines = [f"{user}\t{item}\t{rating}\t{rating}" for rating in (5, 3) for user, item in rows]
    FILE.write_text("\n".join([FILE.read_text().splitlines()[0], *lines[::place]]) + "\n")
    values = {"data_path": "dataset", "load_col": None, "use_gpu": False, "state": "ERROR", **filters}
    made = prepare(read_source("tiny", values), SplitSpec("random"), values, tmp_path / "splits")
    path = Path(str(made.data_path)) / made.dataset / f"{made.dataset}.inter"
    found = read_interactions([path], ("user_id", "item_id"), "rating")
    assert len(found) == len(rows) and set(found["rating"]) == {kept}


def test_data_whose_repeats_no_filter_took_apart_are_used_in_place(workplace: Path, tmp_path: Path) -> None:
    values = {"data_path": "dataset", "load_col": None, "use_gpu": False, "state": "ERROR"}
    for filters in ({"rm_dup_inter": "first"}, {"val_interval": {"rating": "[4,inf)"}}):
        said = {**values, **filters}
        assert prepare(read_source("tiny", said), SplitSpec("random"), said, tmp_path).dataset == "tiny"


def test_source_keeps_what_recbole_s_filters_keep(read: Read) -> None:
    source, values = read(load_col={"inter": ["user_id", "item_id", "rating"]}, val_interval={"rating": "[4,inf)"})
    dataset, _ = load_parts(make_config("Pop", "tiny", {**values, "seed": 1}))
    assert len(source.frame) == len(dataset.inter_feat) < 240
    assert set(source.frame["item"]) == set(item_tokens(dataset))
    assert "time" in source.frame, "the time column is read although load_col leaves it out"
    assert read()[0].digest != source.digest == read(
        load_col={"inter": ["user_id", "item_id", "rating"]}, val_interval={"rating": "[4,inf)"}
    )[0].digest  # fmt: skip


def test_a_missing_data_set_says_where_it_was_looked_for(workplace: Path) -> None:
    (workplace / "dataset" / "none").mkdir()
    with pytest.raises(DataError, match=r"no file .*none\.inter.*--data-path"):
        read_source("none", {"data_path": str(workplace / "dataset")})


def test_ids_of_other_names_are_read_without_load_col_and_missing_ones_are_named(workplace: Path) -> None:
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    before = read_source("tiny", {"data_path": str(workplace / "dataset")}).frame
    file.write_text(file.read_text().replace("user_id:", "uid:").replace("item_id:", "asin:"))
    named = {"USER_ID_FIELD": "uid", "ITEM_ID_FIELD": "asin"}
    found = read_source("tiny", {"data_path": str(workplace / "dataset"), **named}).frame
    pd.testing.assert_frame_equal(found[["user", "item", "row"]], before[["user", "item", "row"]])
    with pytest.raises(DataError, match=r"tiny.inter\] has no column \[user_id\], only uid, asin"):
        read_source("tiny", {"data_path": str(workplace / "dataset")})


def test_ids_that_are_no_tokens_are_named(read: Read, workplace: Path) -> None:
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    file.write_text(file.read_text().replace("item_id:token", "item_id:float"))
    with pytest.raises(DataError, match=r"tiny\.inter\]: the ids of \[item_id\] are of type float: write item_id:t"):
        read()


def test_interactions_without_a_user_or_an_item_are_counted_in_the_report(read: Read, workplace: Path) -> None:
    assert not nameless_notes(DatasetPlan("tiny", *read(), {}))
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    file.write_text(file.read_text().replace("\nu0\t", "\nNA\t") + "u1\t\t4\t9\nu2\tnull\t4\t9\n")
    (note,) = nameless_notes(DatasetPlan("tiny", *read(), {}))
    assert note.startswith("[tiny]: left out for want of [user_id] or [item_id]: 12 interactions. It is empty")


@pytest.mark.parametrize(("filters", "message"), [
    ({"user_inter_num_interval": "[100,inf)"}, "no interaction passes user_inter_num_interval"),
    ({"val_interval": {"stars": "[3,inf)"}}, r"\[stars\] is wanted \(by val_interval, say\) and not loaded"),
])  # fmt: skip
def test_what_recbole_says_of_a_data_set_names_it(read: Read, filters: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=r"^\[[^\]]*tiny\.inter\]: RecBole: .*" + message):
        read(**filters)


def test_a_changed_graph_is_other_data(read: Read, workplace: Path) -> None:
    before = read()[0].digest
    (workplace / "dataset" / "tiny" / "tiny.kg").write_text("head_id:token\trelation_id:token\ttail_id:token\n")
    assert read()[0].digest != before


def test_every_file_that_is_copied_counts(read: Read, workplace: Path) -> None:
    folder = workplace / "dataset" / "tiny"
    digests = [read()[0].digest]
    for name, said in (("tiny.itememb", "a"), ("tiny.itememb", "b"), ("tiny.useremb", "b")):
        (folder / name).write_text(said)
        digests.append(read()[0].digest)
    assert len(set(digests)) == 4
    for name in ("tiny.yaml", "tiny.train.inter", "tinyer.itememb", "other.itememb"):
        (folder / name).write_text("a: 1")
    assert read()[0].digest == digests[-1], "neither what is said of the data nor parts nor other data sets"
