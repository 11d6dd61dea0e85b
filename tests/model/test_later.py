"""`ktrec recommend --data-path`: lists from the data set as it is now, new users and items included."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from recbole.quick_start import run_recbole

from recbole_ktrec.cli import main
from recbole_ktrec.commands.asked import take_held_out
from recbole_ktrec.commands.checkpoints import load_with_validation
from recbole_ktrec.commands.later import Later
from recbole_ktrec.commands.recommend import new_items, recommend, recommend_from
from recbole_ktrec.errors import ConfigError, DataError
from tests.model.conftest import TOPICS
from tests.support import Settings

NOW = Path("now/tiny")


def trained(settings: dict[str, object], model: str) -> str:
    run_recbole(model=model, dataset="tiny", config_dict={**settings, "checkpoint_dir": "kept"})
    shutil.copytree("dataset/tiny", NOW)
    (saved,) = map(str, Path("kept").glob("*.pth"))
    return saved


def lists(saved: str, *asked: str) -> dict[str, list[str]]:
    """Return the items of the lists that the command writes, by user."""
    written = ["--topk", "40", "--output", "lists.csv", "--overwrite"]
    assert main(["recommend", "--checkpoint", saved, *written, *asked]) == 0
    found: dict[str, list[str]] = {}
    with Path("lists.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["user_id"], []).append(row["item_id"])
    return found


def more(interactions: str, items: str = "") -> None:
    for text, kind in ((interactions, "inter"), (items, "item")):
        with (NOW / f"tiny.{kind}").open("a", encoding="utf-8") as file:
            file.write(text)


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_items_and_users_are_told_by_their_ids_whatever_their_numbers(textual: Settings, model: str) -> None:
    """Rows in another order give other numbers. What was held out in training is part of the histories."""
    saved = trained(textual(closed_form=True), model)
    before = lists(saved)
    assert lists(saved, "--data-path", "dataset") == before
    head, *rows = (NOW / "tiny.inter").read_text(encoding="utf-8").splitlines()
    moved = np.random.default_rng(2).permutation(rows)
    (NOW / "tiny.inter").write_text("\n".join([head, *moved]) + "\n", encoding="utf-8")
    assert lists(saved, "--data-path", "now") == before
    found, dataset, _ = load_with_validation(Path(saved))
    found.fold_in(dataset)
    whole = {user: [item for _, _, item, _ in recommend(found, dataset, [user], 40)] for user in before}
    assert whole == before


def test_items_that_were_held_out_alone_say_nothing_of_who_took_no_other(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, dataset, _ = load_with_validation(Path(trained(textual(), "KTEASE")))
    learned = np.ones(dataset.item_num, dtype=bool)
    learned[dataset.inter_matrix(form="csr")[3].indices] = False
    monkeypatch.setattr(found.trained_on, "known", learned)
    take_held_out(found, dataset)
    assert found.taken.unknown(np.arange(6)).tolist() == [True, False, False, True, False, False], "0 is padding"


def parity(items: list[str]) -> np.ndarray:
    return np.array([int(item[1:]) % 2 for item in items if item[1:].isdigit()])


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_what_users_took_since_counts_new_items_too(
    textual: Settings,
    capsys: pytest.CaptureFixture[str],
    model: str,
) -> None:
    """Even items are of one topic and odd ones of the other; two new users have taken new items alone."""
    saved = trained(textual(closed_form=True), model)
    titles = {"even": TOPICS[0][0], "odd": TOPICS[1][0], "else": TOPICS[0][1], "blank": ""}
    rows = "".join(f"{user}\t{item}\t4\t9\n" for user, item in [("e", "even"), ("o", "odd"), ("u2", "even")])
    more(rows + "o\tblank\t4\t9\n", "".join(f"{item}\t{title}\n" for item, title in titles.items()))
    found = lists(saved, "--data-path", "now", "--new-items")
    told = capsys.readouterr().err
    assert "1 interaction with 1 item of [now/tiny] say nothing: the model has neither a number nor a text of" in told
    assert set(found) == {*(f"u{user}" for user in range(24)), "e", "o"}
    assert parity(found["e"][:8]).mean() < 0.3 and parity(found["o"][:8]).mean() > 0.7
    assert "even" not in found["e"] and "even" not in found["u2"] and "odd" not in found["o"] and "even" in found["u4"]
    assert found["e"].index("else") < found["e"].index("odd"), "new items are found by new ones"
    known = lists(saved, "--data-path", "now", "--users", "e", "u4")
    assert lists(saved, "--data-path", "now", "--history", "even")["new user"] == known["e"]
    assert not {*titles} & {*known["e"]}, "not asked for"
    assert known["e"] == [item for item in found["e"] if item not in titles]


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_a_service_lists_new_items_as_the_command_does_and_the_next_day_too(textual: Settings, model: str) -> None:
    """Users of the data as they are now have other numbers, and what was held out is in their histories."""
    saved = trained(textual(closed_form=True), model)
    head, *rows = (NOW / "tiny.inter").read_text(encoding="utf-8").splitlines()
    (NOW / "tiny.inter").write_text("\n".join([head, *rows[::-1]]) + "\n", encoding="utf-8")
    more("e\teven\t4\t9\n", f"even\t{TOPICS[0][0]}\nodd\t{TOPICS[1][0]}\n")
    found, dataset, valid = load_with_validation(Path(saved))
    days = []
    for _ in range(2):
        later = Later.read(found, dataset, Path("now"))
        new = new_items(found, later, valid)
        later.give(found, new)
        days.append(list(recommend(found, later, ["u2", "e"], 40, new)))
    assert days[1] == days[0] and {item for _, _, item, _ in days[0]} >= {"even", "odd"}
    own = {user: [item for name, _, item, _ in days[0] if name == user] for user in ("u2", "e")}
    assert own == lists(saved, "--data-path", "now", "--new-items", "--users", "u2", "e")


def test_a_new_item_that_threshold_does_not_call_taken_says_nothing(
    textual: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in no history, as a known one is not, and in no list of who rated it; the count is of what is taken."""
    loaded = {"inter": ["user_id", "item_id", "rating", "timestamp"], "item": ["item_id"]}
    saved = trained(textual(closed_form=True, threshold={"rating": 4}, load_col=loaded), "KTEASE")
    titles = {"odd": TOPICS[1][0], "blank": "", "other": ""}
    rows = "o\todd\t1\t9\no\tblank\t1\t9\no\tblank\t4\t9\nk\ti1\t1\t9\n"
    more(rows, "".join(f"{item}\t{title}\n" for item, title in titles.items()))
    found = lists(saved, "--data-path", "now", "--new-items", "--users", "o", "k", "nobody")
    assert "1 interaction with 1 item of [now/tiny] say nothing" in capsys.readouterr().err
    assert found["o"] == found["nobody"] and found["k"] == [item for item in found["nobody"] if item != "i1"]


def test_what_is_in_no_item_or_user_file_any_more_was_taken_all_the_same(textual: Settings) -> None:
    """RecBole drops interactions of items and users that such a file, if it is loaded, does not name."""
    people = "user_id:token\n" + "".join(f"u{user}\n" for user in range(24))
    Path("dataset/tiny/tiny.user").write_text(people, encoding="utf-8")
    loaded = {"inter": ["user_id", "item_id", "rating", "timestamp"], "item": ["item_id"], "user": ["user_id"]}
    saved = trained(textual(closed_form=True, load_col=loaded), "KTEASE")
    before = lists(saved, "--data-path", "now")
    more("newcomer\ti2\t4\t9\n")
    head, *rows = (NOW / "tiny.item").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if not row.startswith("i3\t")]
    (NOW / "tiny.item").write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
    found = lists(saved, "--data-path", "now")
    assert {user: found[user] for user in before} == before, "who took i3 took it"
    assert "i2" not in found["newcomer"] and parity(found["newcomer"][:8]).mean() < 0.3


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_items_that_the_training_only_names_speak_as_new_ones_do(
    textual: Settings, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    """They have numbers, of which a fit says nothing: lists made of them alone were in the order of the numbers."""
    with Path("dataset/tiny/tiny.item").open("a", encoding="utf-8") as file:
        file.write(f"even\t{TOPICS[0][0]}\nodd\t{TOPICS[1][0]}\nblank\t\n")
    loaded = {"inter": ["user_id", "item_id", "rating", "timestamp"], "item": ["item_id"]}
    saved = trained(textual(closed_form=True, load_col=loaded), model)
    more("u1\todd\t4\t9\ne\teven\t4\t9\no\todd\t4\t9\nb\tblank\t4\t9\n")
    found = lists(saved, "--data-path", "now", "--users", "e", "o", "b", "nobody")
    assert "1 interaction with 1 item of [now/tiny] say nothing" in capsys.readouterr().err
    assert parity(found["e"][:8]).mean() < 0.3 and parity(found["o"][:8]).mean() > 0.7
    rest = [item for item in found["nobody"] if item != "blank"]
    assert found["b"] == rest, "nothing is known of one who took what has no text and no interactions"
    for asked in (["--data-path", "now", "--new-items"], ["--data-path", "now"], []):
        assert lists(saved, *asked, "--history", "odd")["new user"] == found["o"]
    python, dataset, _ = load_with_validation(Path(saved))
    later = Later.read(python, dataset, Path("now"))
    for _ in range(2):
        later.give(python)
        assert [item for _, _, item, _ in recommend(python, later, ["e"], 40)] == found["e"]
    heard = {user for user, at in later.field2token_id["user_id"].items() if python.taken.beside[[at]].nnz}
    assert heard == {"e", "o"}, "u1 took other items, of which the model knows more"


def test_lists_by_the_numbers_of_other_data_are_refused(textual: Settings) -> None:
    """They were those of other users: a Later that was not given, and the data of the training after it was."""
    saved = trained(textual(closed_form=True), "KTEASE")
    head, *rows = (NOW / "tiny.inter").read_text(encoding="utf-8").splitlines()
    (NOW / "tiny.inter").write_text("\n".join([head, *rows[::-1]]) + "\n", encoding="utf-8")
    model, dataset, _ = load_with_validation(Path(saved))
    later = Later.read(model, dataset, Path("now"))
    for ask in (lambda data: recommend(model, data, ["u3"], 5), lambda data: recommend_from(model, data, ["i3"], 5)):
        with pytest.raises(ConfigError, match=r"call its give\(model\) first"):
            ask(later)
        later.give(model)
        assert [*ask(later)] and [*ask(later)]
        with pytest.raises(ConfigError, match="histories of other data than"):
            ask(dataset)
        model.fold_in(dataset)
        assert [*ask(dataset)]


def test_interactions_since_the_training_move_lists_as_a_longer_history_does(
    walking: Settings,
) -> None:
    """The history of a user of the training goes on: it is what `--history` makes of the same items."""
    saved = trained(walking(closed_form=True), "KTEASE")
    last = max(int(line.split("\t")[2]) for line in (NOW / "tiny.inter").read_text().splitlines()[1:])
    taken = [line.split("\t") for line in (NOW / "tiny.inter").read_text().splitlines()[1:]]
    own = [item for user, item, _ in sorted(taken, key=lambda row: int(row[2])) if user == "u3"]
    rest = [f"i{item}" for item in range(30) if f"i{item}" not in own][:3]
    more("".join(f"u3\t{item}\t{last + 1 + at}\n" for at, item in enumerate(rest)))
    now = lists(saved, "--data-path", "now", "--users", "u3")["u3"]
    assert now == lists(saved, "--history", *own, *rest)["new user"]
    assert now != [item for item in lists(saved, "--users", "u3")["u3"] if item not in rest]


def test_a_history_of_new_items_alone_is_one(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    saved = trained(textual(closed_form=True), "KTRec")
    with Path("dataset/tiny/tiny.item").open("a", encoding="utf-8") as file:
        file.write(f"even\t{TOPICS[0][0]}\nodd\t{TOPICS[1][0]}\n")
    for item, share in (("even", 0), ("odd", 1)):
        listed = lists(saved, "--new-items", "--history", item)["new user"]
        assert item not in listed and abs(parity(listed[:8]).mean() - share) < 0.3
    assert main(["recommend", "--checkpoint", saved, "--history", "even"]) == 2
    told = "--history [even]: the model knows no such item, or nobody took it; --new-items reads its text."
    assert told in capsys.readouterr().err


def test_files_of_what_came_since_alone_are_told(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """What is new is taken for all that there is: users have no older history, and new items nothing to be like."""
    saved = trained(textual(), "KTEASE")
    lists(saved, "--data-path", "now", "--users", "u1")
    assert "should hold all" not in (told := capsys.readouterr().err) and "does not name" not in told
    (NOW / "tiny.inter").write_text("user_id:token\titem_id:token\nu1\ti1\n", encoding="utf-8")
    (NOW / "tiny.item").write_text("item_id:token\ttitle:token_seq\ni1\tred robot\n", encoding="utf-8")
    lists(saved, "--data-path", "now", "--users", "u1")
    told = capsys.readouterr().err
    assert "--data-path: [now/tiny] has 1 interaction, the training 240: it should hold all until now" in told
    assert "[now/tiny/tiny.item] does not name 29 items of the training, the first is [" in told


def test_without_a_closed_form_new_items_say_nothing_which_is_told(
    textual: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved = trained(textual(closed_form=False), "KTRec")
    more("e\teven\t4\t9\ne\ti4\t4\t9\n", f"even\t{TOPICS[0][0]}\n")
    found = lists(saved, "--data-path", "now", "--new-items", "--users", "e")
    told = capsys.readouterr().err
    assert "1 interaction with 1 item of [now/tiny] say nothing: the model has no number of these, and hears" in told
    assert parity(found["e"][:8]).mean() < 0.3 and not {"even", "i4"} & {*found["e"]}


def test_what_cannot_be_is_told(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    saved = trained(textual(), "KTEASE")
    assert main(["recommend", "--checkpoint", saved, "--data-path", "nowhere"]) == 2
    assert "--data-path: [nowhere/tiny/tiny.inter] does not exist.\n" in capsys.readouterr().err
    assert main(["recommend", "--checkpoint", saved, "--data-path", "now/tiny"]) == 2
    told = f"[now/tiny] is the data set itself: name the folder around it, --data-path {NOW.resolve().parent}."
    assert told in capsys.readouterr().err
    shutil.copytree(NOW, "today")
    assert main(["recommend", "--checkpoint", saved, "--data-path", "today"]) == 2
    told = "There is [today/tiny.inter]: data sets keep their name, convert into [today/tiny]."
    assert told in capsys.readouterr().err
    model, dataset, _ = load_with_validation(Path(saved))
    later = Later.read(model, dataset, Path("now"))
    np.testing.assert_array_equal(later.inter_matrix().toarray(), dataset.inter_matrix(form="csr").toarray())
    run_recbole(model="BPR", dataset="tiny", config_dict={"epochs": 1, "checkpoint_dir": "bpr", "state": "ERROR"})
    for text, why in {
        "user_id:token\titem_id:token\n": "--data-path: [now/tiny/tiny.inter] has no interactions.",
        "u1\ti1\n": "[now/tiny/tiny.inter], line 1: [u1] is not [name:type]",
        "user_id:token\titem:token\nu1\ti1\n": "[now/tiny/tiny.inter] has no column [item_id], only user_id, item.",
    }.items():
        (NOW / "tiny.inter").write_text(text, encoding="utf-8")
        assert main(["recommend", "--checkpoint", saved, "--data-path", "now"]) == 2
        assert why in capsys.readouterr().err
    (NOW / "tiny.inter").unlink()
    dataset.config["benchmark_filename"] = ["train", "test"]
    with pytest.raises(DataError, match=r"does not exist\. The training's came in parts \(train, test\), this is one"):
        Later.read(model, dataset, Path("now"))
    (other,) = map(str, Path("bpr").glob("*.pth"))
    assert main(["recommend", "--checkpoint", other, "--data-path", "now"]) == 2
    assert "--data-path [BPR]: KTRec and KTEASE alone take histories in later." in capsys.readouterr().err
