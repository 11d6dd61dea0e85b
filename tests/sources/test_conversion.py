"""A whole conversion: rules with their accounts, what is written, and what a killed run leaves."""

import gzip
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import Rules

RATINGS = (
    "userId,movieId,rating,timestamp\n"
    "1,10,5,1000000000\n1,10,5,1000000000\n1,20,4.5,1000000001\n1,30,2,1000000002\n2,10,3,1000000003\n"
    "2,20,9,1000000004\n2,20,4,5\n2,30,4,99999999999\n3,10,,1000000005\n3,99,4,1000000006\n"
)
MOVIES = "movieId,title,genres\n10,Ten (2000),Drama\n20,,\n30,Thirty (2001),Comedy\n40,Forty (2002),War\n10,Again,War\n"


@pytest.fixture
def folder(raw: Callable[..., Path]) -> Path:
    return raw({"ratings.csv": RATINGS, "movies.csv": MOVIES})


def test_implausible_rows_are_counted_with_their_lines(folder: Path, run: Callable[..., Any]) -> None:
    result = run("movielens", folder)
    assert result.dropped() == {
        "exact duplicate": 1,
        "rating off the scale of 0.5 to 5": 1,
        "date before the platform existed": 1,
        "date in the future": 1,
        "missing rating": 1,
    }
    another = "item_id seen before with another text (the first stays)"
    assert result.dropped("item") == {another: 1}
    assert result.document["tables"]["item"]["examples"] == {another: ["movies.csv:6"]}
    assert [line[1:] for line in result.damaged] == [
        ["ratings.csv", "7", "rating off the scale of 0.5 to 5"],
        ["ratings.csv", "8", "date before the platform existed"],
        ["ratings.csv", "9", "date in the future"],
        ["ratings.csv", "10", "missing rating"],
    ]
    statistics = result.document["statistics"]
    assert (statistics["users"], statistics["items"], statistics["interactions"]) == (3, 4, 5)
    assert statistics["density"] == 5 / 12 and statistics["items_described"] == 4
    assert statistics["items_with_text"] == 3 and statistics["share_of_items_with_interactions_that_have_text"] == 0.5
    assert statistics["mean_characters_of_text"] == (8 + 12 + 8) / 3


def test_rules_can_be_switched_off(folder: Path, run: Callable[..., Any]) -> None:
    result = run("movielens", folder, Rules(plausible=False, duplicates="keep"))
    assert result.dropped() == {"missing rating": 1} and len(result.rows("inter")) == 9


def test_repeats_are_counted_and_left_to_recbole(folder: Path, run: Callable[..., Any]) -> None:
    """Rows 1 and 2 are equal; with the date off, user 2 rates item 20 twice."""
    result = run("movielens", folder, Rules(plausible=False))
    assert result.document["statistics"]["rows_that_repeat_a_user_and_item"] == 1
    properties = yaml.safe_load((result.folder / f"{result.folder.name}.yaml").read_text(encoding="utf-8"))
    assert properties["rm_dup_inter"] == "first" and "rm_dup_inter: first" in str(result.report)
    plain = run("movielens", folder, overwrite=True)
    assert "rows_that_repeat_a_user_and_item" not in plain.document["statistics"]
    assert "rm_dup_inter" not in (plain.folder / f"{plain.folder.name}.yaml").read_text(encoding="utf-8")


def test_threshold_and_implicit(folder: Path, run: Callable[..., Any]) -> None:
    result = run("movielens", folder, Rules(threshold=4, implicit=True, plausible=False))
    assert list(result.table("inter").columns) == ["user_id", "item_id", "timestamp"]
    assert result.dropped() == {"rating below 4": 3, "exact duplicate": 1}
    result = run("movielens", folder, Rules(implicit=True), overwrite=True)
    assert ["3", "10", "1000000005"] in result.rows("inter")


def test_core_interacted_and_text(folder: Path, run: Callable[..., Any]) -> None:
    result = run("movielens", folder, Rules(user_core=1, item_core=2, items="interacted", duplicates="keep"))
    assert [row[:2] for row in result.rows("inter")] == [["1", "10"], ["1", "10"], ["2", "10"]]
    assert [row[0] for row in result.rows("item")] == ["10"]
    assert result.dropped("item")["item without interactions"] == 3
    with pytest.raises(DataError, match="No interaction is left"):  # taken twice is taken by one
        run("movielens", folder, Rules(user_core=2, item_core=2, duplicates="keep"), overwrite=True)
    result = run("movielens", folder, Rules(require_text=True), overwrite=True)
    assert {row[1] for row in result.rows("inter")} == {"10", "30"} and result.dropped()["item without text"] == 2


def test_unrated_rows(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    folder = raw({"rating.csv": "user_id,anime_id,rating\n1,1,-1\n1,2,7\n2,1,11\n"})
    assert run("anime", folder).dropped() == {"not rated (-1)": 1, "rating off the scale of 1 to 10": 1}
    result = run("anime", folder, Rules(implicit=True), overwrite=True)
    assert result.rows("inter") == [["1", "1"], ["1", "2"]]


def test_options_of_sources(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    line = "1\tU1\t11/11/2019 9:05:58 AM\tN1 N2\tN3-1 N4-0 N5\n"
    folder = raw({"behaviors.tsv": line})
    result = run("mind", folder, impressions=True, history=True)
    assert result.rows("inter") == [
        ["U1", "N1", "1573463156", "1"],
        ["U1", "N2", "1573463157", "1"],
        ["U1", "N3", "1573463158", "1"],
        ["U1", "N4", "1573463158", "0"],
    ]
    assert result.damaged == [["inter", "behaviors.tsv", "1", "impression without a click mark (-0 or -1)"]]
    result = run("mind", folder, overwrite=True)
    assert result.rows("inter") == [["U1", "N3", "1573463158"]] and result.dropped()["shown, not clicked"] == 1


def test_earlier_clicks_of_mind_come_once_and_before_all_others(
    raw: Callable[..., Path], run: Callable[..., Any]
) -> None:
    """The lines are in no order of time, and the dev part repeats what users clicked before the train part."""
    train = "1\tU1\t11/14/2019 9:00:00 AM\tN1 N2\tN3-1\n2\tU1\t11/11/2019 9:00:00 AM\tN1 N2\tN4-1\n"
    dev = "1\tU1\t11/15/2019 9:00:00 AM\tN1 N2\tN5-1\n2\tU2\tsoon\tN1\tN5-1\n"
    result = run("mind", raw({"train/behaviors.tsv": train, "dev/behaviors.tsv": dev}), history=True)
    rows = sorted((float(time), item) for _, item, time in result.rows("inter"))
    assert [item for _, item in rows] == ["N1", "N2", "N4", "N3", "N5"]
    assert rows[1][0] == rows[2][0] - 1 and result.dropped() == {"timestamp is not a date": 2}


def test_recbole_takes_clicks_alone_of_what_was_shown(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    """N4 is shown before it is clicked, which RecBole's rm_dup_inter would take for the first of two."""
    pytest.importorskip("recbole")
    from recbole.config import Config
    from recbole.data.dataset import Dataset

    line = "{0}\tU1\t11/1{0}/2019 9:05:58 AM\t\t{1}\n"
    folder = raw({"behaviors.tsv": line.format(1, "N3-1 N4-0") + line.format(2, "N4-1 N5-0")})
    result = run("mind", folder, impressions=True)
    assert len(result.rows("inter")) == 4 and "'val_interval': {'label': '[1,1]'}" in str(result.report)
    path = result.folder / "d.yaml"
    assert "rm_dup_inter" not in yaml.safe_load(path.read_text(encoding="utf-8"))
    more = {"data_path": str(result.folder.parent), "state": "ERROR"}
    dataset = Dataset(Config(model="BPR", dataset="d", config_file_list=[str(path)], config_dict=more))
    assert list(dataset.id2token("item_id", dataset.inter_feat["item_id"].to_numpy())) == ["N3", "N4"]
    assert "val_interval" not in (run("mind", folder, overwrite=True).folder / "d.yaml").read_text(encoding="utf-8")


def test_archive_of_compressed_files(folder: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    path = tmp_path / "ml.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (("ml/ratings.csv.gz", RATINGS), ("ml/movies.csv.gz", MOVIES)):
            archive.writestr(name, gzip.compress(text.encode()))
    result = run("movielens", path)
    assert len(result.rows("inter")) == 5 and set(result.document["inputs"]) == {
        "ml.zip!ml/ratings.csv.gz", "ml.zip!ml/movies.csv.gz",
    }  # fmt: skip


def test_nothing_left_says_why(folder: Path, run: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No interaction is left of 10 \(.*outside the 50/0-core"):
        run("movielens", folder, Rules(user_core=50))
    assert not list((tmp_path / "dataset").iterdir())


def test_an_output_that_cannot_be_written_is_named(
    folder: Path, tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recbole_ktrec.sources.spool.Spool.add", full)
    with pytest.raises(DataError, match=r"dataset/d\] cannot be written: No space left on device"):
        run("movielens", folder)
    assert not list((tmp_path / "dataset").iterdir())
    (tmp_path / "dataset").rmdir()
    (tmp_path / "dataset").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="cannot be written"):
        run("movielens", folder)


def test_text_needs_an_item_file(raw: Callable[..., Path], run: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="No item file"):
        run("movielens", raw({"ratings.csv": RATINGS}), Rules(require_text=True))


def test_overwriting_keeps_the_old_result_until_the_new_one_is_there(folder: Path, run: Callable[..., Any]) -> None:
    before = run("movielens", folder).rows("inter")
    with pytest.raises(DataError):
        run("movielens", folder, Rules(user_core=50), overwrite=True)
    result = run("movielens", folder, Rules(duplicates="keep"), overwrite=True)
    assert len(result.rows("inter")) == len(before) + 1


def test_overwriting_leaves_no_items_of_an_earlier_result(folder: Path, run: Callable[..., Any]) -> None:
    assert (run("movielens", folder).folder / "d.item").is_file()
    (folder / "movies.csv").unlink()
    again = run("movielens", folder, overwrite=True)
    assert not (again.folder / "d.item").exists() and (again.folder / "d.inter").is_file()


SLEEPY = """
import signal, sys, time
from recbole_ktrec.sources import SOURCES, convert
from recbole_ktrec.sources.spool import Spool
signal.signal(signal.SIGINT, signal.default_int_handler)
add = Spool.add
def slow(self, columns):
    add(self, columns)
    self._handle.flush()
    print("written", flush=True)
    time.sleep(60)
Spool.add = slow
convert("movielens", SOURCES["movielens"], [sys.argv[1]], sys.argv[2])
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_nothing_half_written(
    folder: Path, tmp_path: Path, run: Callable[..., Any], how: signal.Signals
) -> None:
    out, root = tmp_path / "dataset" / "d", Path(__file__).parents[2]
    command = [sys.executable, "-c", SLEEPY, str(folder), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root) as process:
        assert process.stdout is not None and process.stdout.readline() == b"written\n"
        process.send_signal(how)
    assert process.returncode != 0
    left = [path.name for path in out.parent.iterdir()]
    assert len(left) == (how == signal.SIGKILL) and all(name.endswith(f"-{process.pid}.partial") for name in left)
    run("movielens", folder)
    assert [path.name for path in out.parent.iterdir()] == ["d"]
    assert not list(out.glob("*.spool"))
