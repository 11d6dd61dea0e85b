"""A split that was written is used again where the data are the same, and made again where it is not whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.prepare import prepare
from recbole_ktrec.evaluation.splits import SplitSpec
from tests.evaluation.prepared_data import Read, features, in_memory


def test_a_split_whose_description_was_cut_off_is_made_again(read: Read, tmp_path: Path) -> None:
    source, values = read()
    made = prepare(source, SplitSpec("cold_item"), values, tmp_path)
    mark, part = (tmp_path / made.dataset / name for name in ("split.json", f"{made.dataset}.train.inter"))
    before = mark.read_text(), part.read_text()
    mark.write_text(before[0][:20])
    part.write_text("")
    assert prepare(source, SplitSpec("cold_item"), values, tmp_path) == made
    assert (mark.read_text(), part.read_text()) == before


def test_a_split_is_written_once_and_never_taken_for_that_of_other_data(
    read: Read, workplace: Path, tmp_path: Path
) -> None:
    source, values = read()
    spec = SplitSpec("cold_item", 0.3, 5)
    name = prepare(source, spec, values, tmp_path / "splits").dataset
    stamp = (tmp_path / "splits" / name / "split.json").stat().st_mtime_ns
    prepare(source, spec, values, tmp_path / "splits")
    assert (tmp_path / "splits" / name / "split.json").stat().st_mtime_ns == stamp
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as handle:
        handle.write("u0\ti1\t5\t99\n")
    with pytest.raises(DataError, match=r"holds a split of other data \(\[tiny.inter\] changed since\): remove it"):
        prepare(read()[0], spec, values, tmp_path / "splits")


def test_what_changed_since_a_split_was_made_is_named(read: Read, workplace: Path, tmp_path: Path) -> None:
    folder, spec, splits = workplace / "dataset" / "tiny", SplitSpec("cold_item", 0.3, 5), tmp_path / "splits"
    features(folder, [f"i{n}" for n in range(30)])
    source, values = read()
    mark = splits / prepare(source, spec, values, splits).dataset / "split.json"
    filtered, less = read(load_col=None, val_interval={"rating": "[4,inf)"})
    with pytest.raises(DataError, match=r"other data \(the filters of the data changed since\)"):
        prepare(filtered, spec, less, splits)
    with (folder / "tiny.item").open("a") as handle:
        handle.write("i99\tone more\n")
    (folder / "tiny.user").write_text("user_id:token\nu0\n")
    with pytest.raises(DataError, match=r"other data \(\[tiny.item\], \[tiny.user\] changed since\): remove it"):
        prepare(read()[0], spec, values, splits)
    told = json.loads(mark.read_text())
    mark.write_text(json.dumps({key: value for key, value in told.items() if key != "files"}))
    with pytest.raises(DataError, match="holds a split of other data: remove it"):
        prepare(read()[0], spec, values, splits)
    (folder / "tiny.user").unlink()
    features(folder, [f"i{n}" for n in range(30)])
    prepare(read()[0], spec, values, splits)
    assert json.loads(mark.read_text()) == told, "one of an earlier version tells it from now on"


def test_a_split_that_is_used_again_says_what_is_said_of_the_data_now(read: Read, tmp_path: Path) -> None:
    """Registered models read it there, so a key that is no longer given must not act on them."""
    spec, said = SplitSpec("cold_item", 0.3, 5), []
    for given in ({"text_fields": ["title"]}, {}):
        source, values = read(**given)
        prepared = prepare(source, spec, values, tmp_path / "splits")
        path = tmp_path / "splits" / prepared.dataset / f"{prepared.dataset}.yaml"
        said.append(yaml.safe_load(path.read_text()).get("text_fields"))
    assert said == [["title"], None]


def test_a_broken_off_folder_is_made_again(read: Read, tmp_path: Path) -> None:
    source, values = read()
    spec = SplitSpec("cold_item", 0.3, 5)
    partial = tmp_path / "splits" / "tiny-cold_item-0.3-5.partial"
    partial.mkdir(parents=True)
    (partial / "left.inter").write_text("half")
    prepared = prepare(source, spec, values, tmp_path / "splits")
    assert not partial.exists() and in_memory(prepared, values) == prepared.fingerprints
