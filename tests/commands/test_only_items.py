"""``ktrec recommend --only-items``: lists of what is in stock."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbole_ktrec.cli import main
from tests.commands.test_recommend import checkpoint, read


def test_only_items_of_a_file_are_listed(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = checkpoint("KTEASE", "--prior=none")
    asked = ["recommend", "--checkpoint", saved, "--topk", "30", "--overwrite", "--output"]
    assert main([*asked, "all.csv"]) == 0
    (workplace / "stock.txt").write_text("\ufeffi3\n\ni17 \r\ni3\ngone\n", encoding="utf-8")
    assert main([*asked, "some.csv", "--only-items", "stock.txt"]) == 0
    told = "--only-items [stock.txt]: 1 of 3 items are in no list, the first is [gone]: the model does not know them"
    assert told in capsys.readouterr().err
    entries = [(row["user_id"], row["item_id"], row["score"]) for row in read(workplace / "all.csv")]
    assert [(row["user_id"], row["item_id"], row["score"]) for row in read(workplace / "some.csv")] == [
        entry for entry in entries if entry[1] in {"i3", "i17"}
    ]
    assert main([*asked, "history.csv", "--history", "i1", "--only-items", "stock.txt"]) == 0
    assert {row["item_id"] for row in read(workplace / "history.csv")} == {"i3", "i17"}
    assert main([*asked, "users.csv", "--for-item", "i1", "--only-items", "stock.txt"]) == 2
    assert "--for-item [i1]: in nobody's list: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "none of its 0 lines is an item."),
        ("item_id\nx\n", "none of its 2 lines is an item, the first is [item_id]."),
    ],
)
def test_a_file_that_names_no_item_is_refused(
    workplace: Path, capsys: pytest.CaptureFixture[str], content: str, told: str
) -> None:
    (workplace / "stock.txt").write_text(content)
    asked = ["recommend", "--checkpoint", checkpoint("KTEASE", "--prior=none"), "--only-items"]
    assert main([*asked, "stock.txt"]) == 2
    assert f"--only-items [stock.txt]: {told}" in capsys.readouterr().err
    assert main([*asked, "nowhere.txt"]) == 2
    assert "--only-items [nowhere.txt]: no such file." in capsys.readouterr().err
