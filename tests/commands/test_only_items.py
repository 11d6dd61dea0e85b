"""``ktrec recommend --only-items``: lists of what is in stock."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.serving import load, recommend, recommend_from
from tests.commands.test_recommend import checkpoint, read


def test_only_items_of_a_file_are_listed(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = checkpoint("KTEASE", "--prior=none")
    asked = ["recommend", "--checkpoint", saved, "--topk", "30", "--overwrite", "--output"]
    assert main([*asked, "all.csv"]) == 0
    (workplace / "stock.txt").write_text("\ufeffi3\n\ni17 \r\ni3\ngone\n", encoding="utf-8")
    assert main([*asked, "some.csv", "--only-items", "stock.txt"]) == 0
    told = "--only-items [stock.txt]: 1 of 3 items are in no list, the first is [gone] (line 5): the model does not "
    assert told in capsys.readouterr().err
    entries = [(row["user_id"], row["item_id"], row["score"]) for row in read(workplace / "all.csv")]
    assert [(row["user_id"], row["item_id"], row["score"]) for row in read(workplace / "some.csv")] == [
        entry for entry in entries if entry[1] in {"i3", "i17"}
    ]
    assert main([*asked, "history.csv", "--history", "i1", "--only-items", "stock.txt"]) == 0
    assert {row["item_id"] for row in read(workplace / "history.csv")} == {"i3", "i17"}
    assert main([*asked, "users.csv", "--for-item", "i1", "--only-items", "stock.txt"]) == 2
    assert "--for-item [i1]: in nobody's list, --only-items leaves it out." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ": none of its 0 lines is an item."),
        (b"item_id\nx\n", ": none of its 2 lines is an item, the first is [item_id] (line 1). Write one id a line, "),
        (b"\ni3;4\ni17;2\n", ": none of its 2 lines is an item, the first is [i3;4] (line 2). Write one id a line, "),
        (b"i17.0\n", "nothing beside it. Did you mean [i17]?"),
        (b"i3\ni17\nGr\xf6\xdfe\n", ", line 3: not UTF-8. Save the file as UTF-8."),
        ("i3\n".encode("utf-16"), ", line 1: not UTF-8. Save the file as UTF-8."),
    ],
)
def test_a_file_that_names_no_item_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    (workplace / "stock.txt").write_bytes(content)
    asked = ["recommend", "--checkpoint", checkpoint("KTEASE", "--prior=none"), "--only-items"]
    assert main([*asked, "stock.txt"]) == 2
    error = capsys.readouterr().err
    assert "--only-items [stock.txt]" in error and told in error
    assert main([*asked, "nowhere.txt"]) == 2
    assert "--only-items [nowhere.txt]: no such file." in capsys.readouterr().err


def test_ids_in_quotes_and_a_header_are_read_as_a_spreadsheet_writes_them(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "stock.csv").write_bytes(b'"item_id"\r\n"i3"\r\n"i17"\r\n')
    asked = ["recommend", "--checkpoint", checkpoint("KTEASE", "--prior=none"), "--output", "some.csv"]
    assert main([*asked, "--only-items", "stock.csv", "--history", "i1"]) == 0
    assert "1 of 3 items are in no list, the first is [item_id] (line 1)" in capsys.readouterr().err
    assert {row["item_id"] for row in read(workplace / "some.csv")} == {"i3", "i17"}


@pytest.mark.parametrize(
    ("among", "told"),
    [
        ("i3", r"among \[i3\] must be a set of ids"),
        (iter(["i3"]), "must be a set of ids"),
        ({3}, r"among \[3\]: ids are strings, as the files spell them, this is of type int"),
    ],
)
def test_what_would_list_nothing_is_refused(workplace: Path, among: Any, told: str) -> None:
    """One id is a collection of letters, a table's numbers are no ids: no list held anything, and nothing said why."""
    model, dataset = load(Path(checkpoint("KTEASE", "--prior=none")))
    with pytest.raises(ConfigError, match=told):
        recommend(model, dataset, ["u1"], 3, among=among)
    with pytest.raises(ConfigError, match=told):
        recommend_from(model, dataset, ["i1"], 3, among=among)
    assert {item for _, _, item, _ in recommend(model, dataset, ["u1"], 30, among=np.array(["i3", "i17"]))} <= {
        "i3",
        "i17",
    }


def test_of_a_model_that_reads_no_texts_new_items_are_not_advised(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor is an empty list said to be of unknown items where a user has taken all that the file names."""
    inter = (workplace / "dataset" / "tiny" / "tiny.inter").read_text(encoding="utf-8").splitlines()[1:]
    own = [line.split("\t")[1] for line in inter if line.split("\t")[0] == "u1"]
    (workplace / "stock.txt").write_text("\n".join([*own, "gone"]))
    asked = ["recommend", "--checkpoint", checkpoint("BPR"), "--users", "u1", "--only-items", "stock.txt"]
    assert main(asked) == 0
    told = capsys.readouterr().err
    assert "the first is [gone]" in told and "the model does not know them.\n" in told
    assert "No list for 1 user, the first is [u1]: what may be in it is taken already, or not scored" in told


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no such names of pipes")
def test_what_a_shell_pipes_in_is_a_file(workplace: Path) -> None:
    """As in --only-items <(psql -c ...), which was said not to be there."""
    saved = checkpoint("KTEASE", "--prior=none")
    reader, writer = os.pipe()
    os.write(writer, b"i3\ni17\n")
    os.close(writer)
    asked = ["recommend", "--checkpoint", saved, "--history", "i1", "--output", "some.csv"]
    assert main([*asked, "--only-items", f"/dev/fd/{reader}"]) == 0
    os.close(reader)
    assert {row["item_id"] for row in read(workplace / "some.csv")} == {"i3", "i17"}
