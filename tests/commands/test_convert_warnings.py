"""What ``ktrec convert table`` warns of: ids that match nothing, encodings, no text, words for ratings, repeats."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.cli import main
from tests.support import read_atomic

#: 20 events on 5 items by 10 users, a day apart from 2023-02-01 on; all ratings are 4.
CLICKS = "user,item,rating,timestamp\n" + "".join(f"u{k % 10},p{k % 5},4,2023-02-{k + 1:02d}\n" for k in range(20))
GOODS = "item,title\n" + "".join(f"p{k},A thing of number {k}\n" for k in range(5))


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "clicks.csv").write_text(CLICKS)
    (tmp_path / "goods.csv").write_text(GOODS)
    return tmp_path


def table(shop: Path, *args: str, items: bool = True) -> int:
    files = ["--interactions", "clicks.csv", *(["--items", "goods.csv"] if items else [])]
    out = ["--output", str(shop / "out" / "d"), "--overwrite", "--quiet"]
    return main(["convert", "table", "--input", str(shop), *files, *out, *args])


def document(shop: Path) -> Any:
    return json.loads((shop / "out" / "d" / "conversion.json").read_text(encoding="utf-8"))


def damaged(shop: Path) -> list[str]:
    return (shop / "out" / "d" / "damaged.tsv").read_text(encoding="utf-8").splitlines()[1:]


def test_a_sound_table_warns_of_nothing_and_shows_plain_names(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table(shop) == 0
    shown = capsys.readouterr().out
    assert "warning" not in shown and "{" not in shown and document(shop)["warnings"] == []
    assert re.search(r"^interactions +user_id +from user$", shown, re.M)
    assert re.search(r"^interactions +timestamp +from timestamp \(date iso\)$", shown, re.M)
    assert re.search(r"^items +title +from title \(token_seq\)$", shown, re.M)
    assert "items_not_in_the_item_file" not in document(shop)["statistics"]
    assert shown.splitlines()[-1].startswith(f"Wrote {shop / 'out' / 'd'}. Next: ktrec run --model=KTRec --dataset=d")


def test_ids_that_match_nothing_are_told_with_examples(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_text(GOODS.replace("\np", "\nP"))
    assert table(shop) == 0
    shown = capsys.readouterr().out.splitlines()[-2]
    assert shown.startswith(
        "warning: none of the 5 items with interactions is in the item file, such as [p0], [p1], [p2] beside "
        "[P0], [P1], [P2] there"
    )
    assert document(shop)["warnings"] == [shown.removeprefix("warning: ")]
    assert document(shop)["statistics"]["items_not_in_the_item_file"] == 5


def test_some_ids_that_match_nothing_are_told_and_dropped_ones_are_not(shop: Path) -> None:
    (shop / "clicks.csv").write_text(
        CLICKS + 'u0,"say ""x""",4,2023-03-01\nu0,gone,none,2023-03-01\nu1,q,4,2023-03-01\n'
    )
    assert table(shop) == 0
    expected = '2 of the 7 items with interactions are not in the item file: [say "x"], [q]'
    assert document(shop)["warnings"] == [expected]
    assert table(shop, "--interacted-only") == 0 and document(shop)["warnings"] == [expected]
    (shop / "people.csv").write_text("user,town\n" + "".join(f"u{k},Ulm\n" for k in range(9)))
    assert table(shop, "--users", "people.csv") == 0
    assert document(shop)["warnings"][1] == "1 of the 10 users with interactions is not in the user file: [u9]"


def test_what_loading_the_ids_of_items_changes_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["convert", "table", "--input", str(shop), "--interactions", "clicks.csv", "--items", "goods.csv"]
    args += ["--overwrite", "--output", str(shop / "out" / "d")]
    assert main(args) == 0
    assert "load_col" not in capsys.readouterr().out
    (shop / "goods.csv").write_text(GOODS.replace("p0,", "q0,") + "q0,A thing of number 0\nq1,Another\n")
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "Items of the item file that nobody took: 2. RecBole does not load them" in shown
    assert "`ktrec recommend --new-items` lists them" in shown
    assert "Interactions with items that the item file lacks: 4.\nWith load_col: {item: [item_id]} RecBole" in shown
    assert re.search(r"^interactions with items not in the item file +4$", shown, re.M)
    assert document(shop)["statistics"]["described_items_without_interactions"] == 2
    assert main([*args, "--interacted-only"]) == 0
    assert "nobody took" not in capsys.readouterr().out


def test_another_encoding_is_told_and_can_be_stated(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_bytes("item,title\np0,Grüne Äpfel\np1,Süße Kirschen\np2,Red plums\n".encode("latin-1"))
    assert table(shop) == 0
    assert (
        "warning: 2 of 3 rows of the items were left out, since they are not utf-8: "
        "say how it is written, such as --encoding items=cp1252\n"
    ) in capsys.readouterr().out
    for stated in ("latin-1", "items=cp1252"):
        assert table(shop, "--encoding", stated) == 0
        assert read_atomic(shop / "out" / "d" / "d.item")["title"].tolist() == [
            "Grüne Äpfel",
            "Süße Kirschen",
            "Red plums",
        ]
    assert "latin-1" in str(document(shop)["mapping"]) or "cp1252" in str(document(shop)["mapping"])


def test_a_file_without_a_row_in_utf8_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_bytes("item,title\np0,Grüne Äpfel\np1,Süße Kirschen\n".encode("latin-1"))
    assert table(shop) == 2
    error = capsys.readouterr().err
    assert "No row of [goods.csv] is utf-8: say how it is written (such as --encoding items=cp1252)." in error


def test_a_header_in_another_encoding_is_told(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_bytes("item;größe;title\np0;3;Ein Ding\n".encode("latin-1"))
    assert table(shop) == 2
    assert "[goods.csv], line 1: the header is not utf-8: say how a table is written" in capsys.readouterr().err
    assert table(shop, "--encoding", "latin-1") == 0
    assert list(read_atomic(shop / "out" / "d" / "d.item").columns) == ["item_id", "größe", "title"]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ("latin-99", r"Unknown encoding \[latin-99\]"),
        ("utf-16", r"\[utf-16\] has more than a byte a line end: save the file as UTF-8"),
        ("users=cp1252", "no file of users is given"),
        ("goods=cp1252", "PART one of interactions, items, users"),
        ("items=cp1252", r"items=cp1252 is for delimited files: \[goods.json\] is json"),
    ],
)
def test_an_encoding_that_cannot_be_is_told(
    shop: Path, stated: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "goods.json").write_text('{"item": "p0", "title": "Some thing"}\n')
    items = ["--items", "goods.json"] if stated.startswith("items=") else []
    assert table(shop, "--encoding", stated, *items) == 2
    assert re.search(message, capsys.readouterr().err)


def test_an_encoding_without_a_part_is_of_the_delimited_files(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.json").write_text("".join(f'{{"item": "p{k}", "title": "Größe {k}"}}\n' for k in range(5)), "utf-8")
    assert table(shop, "--encoding", "latin-1", "--items", "goods.json") == 0
    mapping = document(shop)["mapping"]
    assert mapping["interactions"]["encoding"] == "latin-1" and "encoding" not in mapping["items"]
    assert read_atomic(shop / "out" / "d" / "d.item")["title"][0] == "Größe 0"
    events = "".join(f'{{"user": "u{k}", "item": "p{k}"}}\n' for k in range(5))
    (shop / "clicks.json").write_text(events)
    args = ["--interactions", "clicks.json", "--encoding", "latin-1"]
    assert table(shop, *args, items=False) == 2
    assert "--encoding latin-1 is for delimited files: [clicks.json] is json" in capsys.readouterr().err


@pytest.mark.parametrize("items", [False, True])
def test_no_text_is_told_with_what_runs_without(shop: Path, items: bool, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_text("item,colour\np0,red\np1,blue\n")
    assert table(shop, items=items) == 0
    shown = capsys.readouterr().out.splitlines()
    remedy = "map a column of the items (--column items.title=NAME:token_seq)" if items else "(--items)"
    assert remedy in shown[-2] and "--fusion=id (KTRec) and --prior=none (KTEASE)" in shown[-2]
    assert "Next: ktrec run --model=KTRec --fusion=id --dataset=d" in shown[-1]


def test_a_title_of_one_word_is_a_text_all_the_same(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The models read a column of that name unasked."""
    (shop / "goods.csv").write_text("item,title\n" + "".join(f"p{k},Alien\n" for k in range(5)))
    assert table(shop) == 0
    assert "warning" not in capsys.readouterr().out


@pytest.mark.parametrize("extra", [(), ("--column", "items.title=title:token_seq")], ids=["guessed", "stated"])
def test_titles_that_are_all_empty_are_no_text(
    shop: Path, extra: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "goods.csv").write_text("item,title\n" + "".join(f"p{k},\n" for k in range(5)))
    assert table(shop, *extra) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "warning: no item has a text" in shown[-2] and "--fusion=id" in shown[-1]


@pytest.mark.parametrize("rating", ["good", '"4,0"'])
def test_ratings_that_are_no_numbers_name_what_helps(
    shop: Path, rating: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "clicks.csv").write_text(CLICKS.replace(",4,", f",{rating},"))
    assert table(shop) == 2
    error = capsys.readouterr().err
    assert (
        "No interaction is left of 20 (20 x rating is not a number). --column rating=NAME:comma reads 4,5; --implicit"
        in error
    )
    assert table(shop, "--implicit") == 0 and document(shop)["warnings"] == []


def test_much_damage_is_told_beside_the_accounts(shop: Path) -> None:
    (shop / "clicks.csv").write_text(CLICKS.replace(",4,2023-02-1", ",good,2023-02-1"))
    assert table(shop) == 0
    told = document(shop)["warnings"][0]
    assert told.startswith(
        "10 of 20 rows of the interactions were left out as damaged: 10 x rating is not a number (clicks.csv:11). "
        "--column rating=NAME:comma reads 4,5; --implicit leaves ratings out"
    )


def test_repeated_items_are_counted_by_what_they_say(shop: Path) -> None:
    goods = GOODS.replace("title", "title,price").replace(" number 0", " number 0,1") + "p0,A thing of number 0,2\n"
    goods = re.sub(r"(number [1-9])", r"\1,1", goods) + "p1,Quite another,1\np1,A thing of number 1,1\n"
    (shop / "goods.csv").write_text(goods)
    assert table(shop) == 0
    same, other = (f"item_id seen before with {what} text (the first stays)" for what in ("the same", "another"))
    assert document(shop)["tables"]["item"]["dropped"] == {same: 2, other: 1}
    assert document(shop)["tables"]["item"]["examples"] == {other: ["goods.csv:8"]} and damaged(shop) == []
    assert read_atomic(shop / "out" / "d" / "d.item")["title"][1] == "A thing of number 1"
    assert table(shop, "--strict") == 0 and document(shop)["warnings"] == []


def test_repeated_rows_without_texts_are_compared_whole(shop: Path) -> None:
    (shop / "people.csv").write_text("user,town\n" + "".join(f"u{k},Ulm\n" for k in range(10)) + "u0,Ulm\nu1,Bonn\n")
    assert table(shop, "--users", "people.csv") == 0
    assert document(shop)["tables"]["user"]["dropped"] == {
        "user_id seen before with the same values (the first stays)": 1,
        "user_id seen before with other values (the first stays)": 1,
    }
    examples = {"user_id seen before with other values (the first stays)": ["people.csv:13"]}
    assert document(shop)["tables"]["user"]["examples"] == examples and damaged(shop) == []


def test_repeats_are_no_damage_however_many(shop: Path) -> None:
    (shop / "goods.csv").write_text(GOODS + "".join(f"p0,Another thing {k}\n" for k in range(50)))
    assert table(shop, "--strict") == 0
    item = document(shop)["tables"]["item"]
    reason = "item_id seen before with another text (the first stays)"
    assert item["dropped"] == {reason: 50} and document(shop)["warnings"] == [] and damaged(shop) == []
    assert item["examples"] == {reason: [f"goods.csv:{line}" for line in range(7, 12)]}


def test_items_out_of_the_interactions_are_not_compared(shop: Path) -> None:
    assert table(shop, "--items", "clicks.csv", "--users", "clicks.csv", "--strict") == 0
    tables = document(shop)["tables"]
    assert tables["item"]["dropped"] == {"item_id seen before (the first stays)": 15}
    assert tables["user"]["dropped"] == {"user_id seen before (the first stays)": 10}
    assert tables["item"]["examples"] == {} and document(shop)["warnings"] == [] and damaged(shop) == []


def test_ids_that_match_nothing_are_shown_wherever_their_column_stands(shop: Path) -> None:
    (shop / "goods.csv").write_text("title,item\n" + "".join(f"Thing number {k},P{k}\n" for k in range(5)))
    (shop / "m.yaml").write_text(
        "interactions: {file: clicks.csv, columns: {user_id: user, item_id: item}}\n"
        "items: {file: goods.csv, columns: {title: title, item_id: item}}\ntext_fields: [title]\n"
    )
    assert table(shop, "--mapping", str(shop / "m.yaml")) == 0
    assert "such as [p0], [p1], [p2] beside [P0], [P1], [P2] there" in document(shop)["warnings"][0]


def test_a_period_that_was_asked_for_is_a_rule(shop: Path) -> None:
    assert table(shop, "--since", "2023-02-05", "--until", "2023-02-15", "--strict") == 0
    dropped = document(shop)["tables"]["inter"]["dropped"]
    assert dropped == {"date before --since": 4, "date after --until": 5} and damaged(shop) == []


def test_text_without_blanks_is_measured_in_characters(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "goods.csv").write_text("item,title\np0,财经新闻周刊\np1,财经新闻\n", encoding="utf-8")
    assert table(shop) == 0
    statistics = document(shop)["statistics"]
    assert statistics["mean_characters_of_text"] == 5.0 and "mean_words" not in statistics


def test_the_mappings_of_the_package_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--list"]) == 0
    assert "    --mapping caixin-news: Caixin news clicks, March 2014\n" in capsys.readouterr().out
