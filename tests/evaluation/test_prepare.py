"""A data set becomes the same split and the same candidates for every model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from recbole.config import Config

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.grid import DatasetPlan
from recbole_ktrec.evaluation.harness import load_parts, pair_tokens
from recbole_ktrec.evaluation.notes import parts_notes, repeat_notes
from recbole_ktrec.evaluation.prepare import prepare
from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.evaluation.splits import SplitSpec, pair_fingerprint
from recbole_ktrec.files import file_sha256
from recbole_ktrec.register.arguments import no_command_line
from tests.conftest import write_tiny_dataset
from tests.evaluation.prepared_data import Read, features, in_memory


def test_leave_one_out_without_times_is_refused(read: Read, tmp_path: Path) -> None:
    source, values = read(load_col={"inter": ["user_id", "item_id"]})
    with pytest.raises(DataError, match=r"tiny.inter\]: leave_one_out .* set TIME_FIELD"):
        prepare(source, SplitSpec("leave_one_out", 0.2, 1), values, tmp_path / "splits")
    assert not (tmp_path / "splits").exists()


@pytest.mark.parametrize(("spec", "message"), [
    (SplitSpec("time"), r"Line \[3\] of the \.inter file has no time"),
    (SplitSpec("leave_one_out"), r"Line \[3\] of the \.inter file has no time"),
    (SplitSpec("cold_user", 0.01), r"cold_user: share \[0\.01\] of \[24\] users is \[0\]"),
    (SplitSpec("cold_user", 0.99), r"cold_user: share \[0\.99\] of \[24\] users is \[24\]"),
    (SplitSpec("cold_item", 0.99), r"The split \[cold_item\] with share \[0\.99\] leaves no \[train\]"),
])  # fmt: skip
def test_what_cannot_be_split_is_named(
    read: Read, workplace: Path, tmp_path: Path, spec: SplitSpec, message: str
) -> None:
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:2], lines[2].rpartition("\t")[0] + "\t", *lines[3:]]) + "\n")
    loaded = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    source, values = read(**loaded)
    with pytest.raises(DataError, match=r"^\[[^\]]*tiny\.inter\]: " + message):
        prepare(source, spec, values, tmp_path / "splits")
    timed, values = read(**loaded, val_interval={"timestamp": "[0,inf)"})
    assert len(timed.frame) == 239 and prepare(timed, SplitSpec("leave_one_out"), values, tmp_path / "splits")


@pytest.mark.parametrize("kind", ["random", "leave_one_out"])
def test_native_splits_are_recbole_s_own(read: Read, tmp_path: Path, kind: str) -> None:
    source, values = read(load_col={"inter": ["user_id", "item_id", "timestamp"]})
    prepared = prepare(source, SplitSpec(kind, seed=7), values, tmp_path / "splits")
    assert prepared.dataset == "tiny" and not (tmp_path / "splits").exists(), "used in place"
    assert in_memory(prepared, values) == prepared.fingerprints
    other = prepare(source, SplitSpec(kind, seed=8), values, tmp_path / "splits")
    assert (other.fingerprints == prepared.fingerprints) == (kind == "leave_one_out")


def test_repeated_interactions_are_counted_and_warned_of(read: Read, workplace: Path, tmp_path: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *rows, *rows]) + "\n")  # everything twice
    source, values = read()
    prepared = prepare(source, SplitSpec(seed=7), values, tmp_path / "splits")
    seen = prepared.counts["test_interactions_seen_in_training"]
    assert 0 < seen <= prepared.counts["test_interactions"]
    (note,) = repeat_notes(DatasetPlan("tiny", source, values, {7: prepared}))
    assert note.startswith(f"[tiny]: of {prepared.counts['test_interactions']} test interactions {seen} repeat")
    source, values = read(rm_dup_inter="first")
    once = prepare(source, SplitSpec(seed=7), values, tmp_path / "splits")
    assert once.counts["test_interactions_seen_in_training"] == 0
    assert repeat_notes(DatasetPlan("tiny", source, values, {7: once})) == []


def test_surplus_items_of_a_feature_file_are_no_candidates(read: Read, workplace: Path, tmp_path: Path) -> None:
    features(workplace / "dataset" / "tiny", [*(f"i{n}" for n in range(29)), "never taken"])  # i29 has no line
    source, values = read()
    prepared = prepare(source, SplitSpec(seed=7), values, tmp_path / "splits")
    assert prepared.dataset == "tiny-same"
    with_text = {**values, "load_col": {"inter": ["user_id", "item_id"], "item": ["item_id", "title"]}}
    assert in_memory(prepared, with_text) == prepared.fingerprints == in_memory(prepared, values)
    lines = (tmp_path / "splits" / "tiny-same" / "tiny-same.item").read_text().splitlines()
    assert len(lines) == 30 and lines[1] == 'i0\ta "title" of i0', "lines are copied as they stand"


@pytest.mark.parametrize("kind", ["cold_item", "cold_user"])
def test_written_splits_run_in_recbole_and_match_their_fingerprints(
    read: Read, workplace: Path, tmp_path: Path, kind: str
) -> None:
    features(workplace / "dataset" / "tiny", [f"i{n}" for n in range(31)])
    source, values = read()
    prepared = prepare(source, SplitSpec(kind, 0.3, 5), values, tmp_path / "splits")
    assert in_memory(prepared, values) == prepared.fingerprints
    folder = tmp_path / "splits" / prepared.dataset
    told = json.loads((folder / "split.json").read_text())
    assert (told["kind"], told["share"], told["seed"], told["source"]) == (kind, 0.3, 5, source.digest)
    assert told["inter_sha256"] == file_sha256(workplace / "dataset" / "tiny" / "tiny.inter")
    rows = sum(len(path.read_text().splitlines()) - 1 for path in folder.glob("*.inter"))
    assert rows == told["counts"]["interactions"] == 240
    assert (folder / f"{prepared.dataset}.history.inter").is_file() == (kind == "cold_user")


def test_the_property_file_is_all_that_plain_recbole_needs(read: Read, tmp_path: Path) -> None:
    source, values = read()
    prepared = prepare(source, SplitSpec("cold_item", 0.3, 5), values, tmp_path / "splits")
    path = tmp_path / "splits" / prepared.dataset / f"{prepared.dataset}.yaml"
    with no_command_line():
        config = Config("Pop", prepared.dataset, [str(path)], {"seed": 5, "state": "ERROR"})
    dataset, parts = load_parts(config)
    assert pair_fingerprint(*pair_tokens(parts[2])) == prepared.fingerprints["test"]
    assert yaml.safe_load(path.read_text())["benchmark_filename"] == ["train", "valid", "test"]


@pytest.mark.parametrize("kind", ["random", "cold_item"])
def test_files_that_are_not_utf_8_are_split_as_utf_8(read: Read, workplace: Path, tmp_path: Path, kind: str) -> None:
    folder = workplace / "dataset" / "tiny"
    inter = (folder / "tiny.inter").read_text().replace("\ti3\t", "\tcaf\xe9\t")
    (folder / "tiny.inter").write_bytes(inter.encode("cp1252"))
    features(folder, [*(f"i{n}" for n in range(30) if n != 3), "surplus"])
    (folder / "tiny.item").write_bytes((folder / "tiny.item").read_bytes() + "caf\xe9\ta caf\xe9\n".encode("cp1252"))
    (folder / "tiny.link").write_bytes("item_id:token\tentity_id:token\ncaf\xe9\te1\n".encode("cp1252"))
    source, values = read(encoding="cp1252")
    assert "caf\xe9" in set(source.frame["item"])
    prepared = prepare(source, SplitSpec(kind, 0.3, 5), values, tmp_path / "splits")
    assert in_memory(prepared, values) == prepared.fingerprints
    made = Path(str(prepared.data_path)) / prepared.dataset / f"{prepared.dataset}.item"
    assert "a caf\xe9" in made.read_text(encoding="utf-8") and "surplus" not in made.read_text(encoding="utf-8")
    assert "caf\xe9\te1\n" in made.with_suffix(".link").read_text(encoding="utf-8")


def test_everything_loaded_holds_times_too(read: Read, tmp_path: Path) -> None:
    source, values = read(load_col={"inter": "*"})
    prepared = prepare(source, SplitSpec("leave_one_out", 0.2, 1), values, tmp_path / "splits")
    assert in_memory(prepared, values) == prepared.fingerprints


def test_time_split_has_no_leak_on_disk(read: Read, workplace: Path, tmp_path: Path) -> None:
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    path.write_text("\n".join("\t".join([*row[:3], str(n) if n else row[3]]) for n, row in enumerate(rows)) + "\n")
    source, values = read()
    folder = tmp_path / "splits" / prepare(source, SplitSpec("time", 0.2), values, tmp_path / "splits").dataset
    again = prepare(source, SplitSpec("time", 0.2, 2021), values, tmp_path / "splits")  # nothing is drawn
    assert again.dataset == folder.name and again.settings["seed"] == 2021
    times = {}
    for part in ("train", "valid", "test"):
        lines = (folder / f"{folder.name}.{part}.inter").read_text().splitlines()[1:]
        times[part] = np.array([float(line.split("\t")[3]) for line in lines])
    assert times["train"].max() < times["valid"].min() and times["valid"].max() < times["test"].min()


@pytest.mark.parametrize("kind", ["random", "cold_item"])
def test_parts_that_the_data_set_brings_are_not_taken_for_the_split(
    read: Read, workplace: Path, tmp_path: Path, kind: str
) -> None:
    folder = workplace / "dataset" / "tiny"
    header, *rows = (folder / "tiny.inter").read_text().splitlines()
    for part, own in (("train", rows[:200]), ("valid", rows[200:220]), ("test", rows[220:])):
        (folder / f"tiny.{part}.inter").write_text("\n".join([header, *own]) + "\n")
    (folder / "tiny.yaml").write_text("benchmark_filename: [train, valid, test]\n")
    source, values = read(benchmark_filename=["train", "valid", "test"])
    plain, without = read()
    assert source.digest == plain.digest and len(source.frame) == 240
    for seed in (7, 8):
        spec = SplitSpec(kind, 0.3, seed)
        prepared = prepare(source, spec, values, tmp_path / "splits")
        assert prepared.fingerprints == prepare(plain, spec, without, tmp_path / "splits").fingerprints
        assert in_memory(prepared, values) == prepared.fingerprints
    (note,) = parts_notes(DatasetPlan("tiny", source, values, {}))
    assert note.startswith("[tiny]: benchmark_filename [train, valid, test] is left aside")
    assert parts_notes(DatasetPlan("tiny", plain, without, {})) == []
    (folder / "tiny.inter").unlink()
    with pytest.raises(DataError, match=r"no file .*tiny\.inter\].*parts \[train, valid, test\].*put them together"):
        read(benchmark_filename=["train", "valid", "test"])


@pytest.mark.parametrize("copied", [False, True])
def test_a_split_without_validation_interactions_is_refused(
    read: Read, workplace: Path, tmp_path: Path, copied: bool
) -> None:
    """Of two interactions RecBole puts one into training and one into test."""
    path = workplace / "dataset" / "tiny" / "tiny.inter"
    rows = [f"u{user}\ti{(user + n) % 30}\t5\t{n}" for user in range(30) for n in range(2)]
    path.write_text("\n".join([path.read_text().splitlines()[0], *rows]) + "\n")
    features(path.parent, [f"i{n}" for n in range(31 if copied else 30)])
    source, values = read()
    with pytest.raises(DataError, match=r"tiny\.inter\]: .*\[random\] leaves no \[valid\] interaction.*three"):
        prepare(source, SplitSpec(seed=7), values, tmp_path / "splits")


def test_names_that_look_like_patterns_keep_their_item_file(workplace: Path, tmp_path: Path) -> None:
    folder = write_tiny_dataset(workplace / "dataset", "shop[1]")
    features(folder, [f"i{n}" for n in range(30)], "shop[1]")
    values = {"data_path": str(workplace / "dataset"), "state": "ERROR", "use_gpu": False}
    prepared = prepare(read_source("shop[1]", values), SplitSpec("cold_item", 0.3, 5), values, tmp_path / "splits")
    assert (tmp_path / "splits" / prepared.dataset / f"{prepared.dataset}.item").is_file()


def test_a_file_of_one_column_may_end_with_a_blank_line(read: Read, workplace: Path, tmp_path: Path) -> None:
    lines = ["item_id:token", *(f"i{n}" for n in range(31)), ""]
    (workplace / "dataset" / "tiny" / "tiny.item").write_text("\n".join(lines) + "\n")
    source, values = read()
    prepared = prepare(source, SplitSpec(seed=7), values, tmp_path / "splits")
    made = tmp_path / "splits" / "tiny-same" / "tiny-same.item"
    assert len(made.read_text().splitlines()) == 31 and in_memory(prepared, values) == prepared.fingerprints
