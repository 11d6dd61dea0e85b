"""The interactions of a data set are read as RecBole would use them, and what is read beside is of the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.asked import read_interactions
from recbole_ktrec.evaluation.prepare import prepare
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.splits import SplitSpec

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
    found = read_interactions(Path(str(made.data_path)) / made.dataset, made.dataset, ("user_id", "item_id"), "rating")
    assert len(found) == len(rows) and set(found["rating"]) == {kept}


def test_data_whose_repeats_no_filter_took_apart_are_used_in_place(workplace: Path, tmp_path: Path) -> None:
    values = {"data_path": "dataset", "load_col": None, "use_gpu": False, "state": "ERROR"}
    for filters in ({"rm_dup_inter": "first"}, {"val_interval": {"rating": "[4,inf)"}}):
        said = {**values, **filters}
        assert prepare(read_source("tiny", said), SplitSpec("random"), said, tmp_path).dataset == "tiny"
