"""``ktrec recommend``: lists from a checkpoint."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from recbole_ktrec.cli import main
from recbole_ktrec.commands.filtered import histories
from recbole_ktrec.commands.recommend import load, recommend
from tests.commands.test_run import QUICK


def checkpoint(model: str, *more: str) -> str:
    named = {one.partition("=")[0] for one in more}
    quick = [one for one in QUICK if one.partition("=")[0] not in named]
    assert main(["run", f"--model={model}", "--dataset=tiny", *quick, *more]) == 0
    (found,) = Path("saved").glob(f"{model}-*.pth")
    return str(found)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("model", "more"), [("KTEASE", ["--prior=none"]), ("BPR", []), ("NeuMF", [])])
def test_lists_of_all_users_hold_nothing_they_took(workplace: Path, model: str, more: list[str]) -> None:
    titles = "\n".join(f"i{item}\tthe title of {item}" for item in range(30))
    (workplace / "dataset" / "tiny" / "tiny.item").write_text(f"item_id:token\ttitle:token_seq\n{titles}\n")
    saved = checkpoint(model, *more)
    assert main(["recommend", "--checkpoint", saved, "--topk", "4", "--output", "lists.csv", "--threads", "1"]) == 0
    rows = read(workplace / "lists.csv")
    lines = (workplace / "dataset" / "tiny" / "tiny.inter").read_text().splitlines()[1:]
    taken = {tuple(line.split("\t")[:2]) for line in lines}
    assert len(rows) == 24 * 4 and [row["rank"] for row in rows[:4]] == ["1", "2", "3", "4"]
    assert not taken & {(row["user_id"], row["item_id"]) for row in rows}
    assert all(row["text"] == f"the title of {row['item_id'][1:]}" for row in rows)
    scores = [float(row["score"]) for row in rows[:4]]
    assert scores == sorted(scores, reverse=True)


def test_an_earlier_file_stays_unless_told_and_a_user_is_served_once(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["recommend", "--checkpoint", checkpoint("KTEASE", "--prior=none"), "--topk", "2", "--output", "lists.csv"]
    (workplace / "lists.csv").write_text("mine")
    assert main([*asked, "--users", "u2", "u1", "u2"]) == 2
    assert "[lists.csv] is there already: choose another --output, or say --overwrite." in capsys.readouterr().err
    assert (workplace / "lists.csv").read_text() == "mine"
    assert main([*asked, "--users", "u2", "u1", "u2", "--overwrite"]) == 0
    assert [row["user_id"] for row in read(workplace / "lists.csv")] == ["u2", "u2", "u1", "u1"]


def test_a_user_of_whom_nothing_is_known(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = checkpoint("KTEASE", "--prior=none")
    assert main(["recommend", "--checkpoint", saved, "--users", "nobody", "u1", "--topk", "3"]) == 0
    said = capsys.readouterr()
    rows = [row for row in csv.reader(said.out.splitlines()) if row and row[0] in ("nobody", "u1")]
    assert [row[0] for row in rows] == ["nobody"] * 3 + ["u1"] * 3 and float(rows[0][3]) > 0
    assert "user [nobody] is not in the data: the list is what is taken in general." in said.err


def test_nothing_is_written_before_all_users_are_known(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = checkpoint("BPR")
    capsys.readouterr()
    assert main(["recommend", "--checkpoint", saved, "--users", "u1", "nobody"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "[tiny] has no user [nobody]" in said.err


@pytest.mark.parametrize(("model", "more"), [("KTEASE", ["--prior=none"]), ("BPR", [])])
def test_a_checkpoint_is_not_served_with_rows_in_another_order(
    workplace: Path, capsys: pytest.CaptureFixture[str], model: str, more: list[str]
) -> None:
    saved, file = checkpoint(model, *more), workplace / "dataset" / "tiny" / "tiny.inter"
    head, *rows = file.read_text().splitlines()
    for changed in (rows[::-1], rows[1:], [*rows, "u1\tnew" + "\t1" * head.count(":float")]):
        file.write_text("\n".join([head, *changed]) + "\n")
        assert main(["recommend", "--checkpoint", saved, "--users", "u1"]) == 2
        assert "are not those that the model was trained with" in capsys.readouterr().err
    file.write_text("\n".join([head, *rows]) + "\n")
    assert main(["recommend", "--checkpoint", saved, "--users", "u1"]) == 0


def test_the_text_of_a_list_is_the_first_that_is_read(workplace: Path) -> None:
    head = "item_id:token\tcats:token_seq\ttitle:token_seq"
    rows = "\n".join(f"i{item}\tshop, things\tthe title of {item}" for item in range(30))
    (workplace / "dataset" / "tiny" / "tiny.item").write_text(f"{head}\n{rows}\n")
    saved = checkpoint("KTEASE", "--prior=none", "--text_fields=[title]")
    assert main(["recommend", "--checkpoint", saved, "--users", "u1", "--output", "lists.csv"]) == 0
    assert all(row["text"] == f"the title of {row['item_id'][1:]}" for row in read(workplace / "lists.csv"))


def test_what_cannot_be_served_is_told(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["recommend", "--checkpoint", "saved/none.pth"]) == 2
    assert "The checkpoint [saved/none.pth] does not exist." in capsys.readouterr().err
    saved = checkpoint("BPR")
    assert main(["recommend", "--checkpoint", "saved"]) == 2
    assert f"[saved] is a folder: name a file of it. Its latest is [{saved}]." in capsys.readouterr().err
    assert main(["recommend", "--checkpoint", saved, "--users", "u99"]) == 2
    assert "[tiny] has no user [u99]. Did you mean [u9]?" in capsys.readouterr().err
    assert main(["recommend", "--checkpoint", saved, "--users", "[PAD]"]) == 2
    assert "[tiny] has no user [[PAD]].\n" in capsys.readouterr().err
    for wrong, told in (("u1,u2", "[u1] [u2]"), ("u1,", "[u1]")):
        assert main(["recommend", "--checkpoint", saved, "--users", wrong, "u2"]) == 2
        assert f"no user [{wrong}]. Blanks part the ids, not commas: {told}." in capsys.readouterr().err
    assert main(["recommend", "--checkpoint", saved, "--users", "u1,nobody"]) == 2
    assert "commas" not in capsys.readouterr().err
    Path("notes.yaml").write_text("# no checkpoint\n", encoding="utf-8")
    Path("clicks.csv").write_text("customer,sku,at\n1,2,3\n", encoding="utf-8")
    np.savez("arrays.npz", a=np.arange(3))
    torch.save({"weights": torch.zeros(3)}, "other.pth")
    torch.save(torch.zeros(3), "tensor.pth")
    Path("cut.pth").write_bytes(Path(saved).read_bytes()[:-100])
    for name in ("notes.yaml", "clicks.csv", "arrays.npz", "other.pth", "tensor.pth", "cut.pth"):
        assert main(["recommend", "--checkpoint", name]) == 2
        assert f"[{name}] is no checkpoint of `ktrec run`" in capsys.readouterr().err
    here = str(Path(saved).absolute())
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert main(["recommend", "--checkpoint", here]) == 2
    assert (
        "That is: the data must lie where the settings (a checkpoint's: of its training) say, at [dataset/tiny]"
        in capsys.readouterr().err
    )
    monkeypatch.chdir(workplace)
    assert main(["recommend", "--checkpoint", saved, "--topk", "0"]) == 2
    assert "--topk [0] must be at least 1" in capsys.readouterr().err


def test_items_that_nobody_took_are_told_and_scored_once_their_ids_are_loaded(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    titles = "\n".join(f"i{item}\tthe title of {item}" for item in range(32))
    (workplace / "dataset" / "tiny" / "tiny.item").write_text(f"item_id:token\ttitle:token_seq\n{titles}\n")
    assert main(["recommend", "--checkpoint", checkpoint("KTEASE", "--prior=none"), "--users", "u1"]) == 0
    told = capsys.readouterr().err
    assert "Not scored: 2 items of [dataset/tiny/tiny.item]" in told and "--new-items" not in told
    why = "it was trained without item texts, or with those of others"
    assert f"KTRec and KTEASE can score such items by text, this model cannot: {why}." in told
    assert main(["recommend", "--checkpoint", checkpoint("BPR"), "--users", "u1"]) == 0
    assert "this model cannot: [BPR] reads no texts." in capsys.readouterr().err
    (workplace / "saved").rename(workplace / "before")
    saved = checkpoint("KTEASE", "--prior=none", "--load_col={inter: [user_id, item_id], item: [item_id]}")
    assert main(["recommend", "--checkpoint", saved, "--users", "u1", "--topk", "40", "--output", "all.csv"]) == 0
    assert {"i30", "i31"} <= {row["item_id"] for row in read(workplace / "all.csv")}
    assert "not scored" not in capsys.readouterr().err


FEW = "--user_inter_num_interval=[3,inf)"


@pytest.mark.parametrize(
    ("model", "more"),
    [("KTEASE", ["--prior=none"]), ("KTRec", ["--fusion=id", "--user_embedding=True"]), ("BPR", [])],
)
def test_a_user_whom_a_filter_left_out_is_served_by_what_he_took(
    workplace: Path, capsys: pytest.CaptureFixture[str], model: str, more: list[str]
) -> None:
    """Even users took even items: who took two even ones gets even ones, and who took odd ones odd ones."""
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    with file.open("a") as inter:
        inter.write("".join(f"{user}\ti{item}\t4\t1\n" for user, item in [("e", 4), ("e", 8), ("o", 3), ("o", 5)]))
        inter.write("none\tunheard-of\t4\t1\n")
    saved = checkpoint(model, FEW, "--item_inter_num_interval=[2,inf)", *more)
    users = ["--users", "e", "o", "none", "u1"]
    code = main(["recommend", "--checkpoint", saved, *users, "--topk", "5", "--output", "lists.csv"])
    said = capsys.readouterr().err
    if model == "BPR":
        assert code == 2 and "has no user [e]: a filter of the training left the rows of this user out." in said
        return
    assert "user [e] is left out by a filter: the list is made from the 2 taken." in said
    assert "user [none] is left out by a filter: the list is what is taken in general, but for" in said
    rows = read(workplace / "lists.csv")
    listed = {user: [int(row["item_id"][1:]) for row in rows if row["user_id"] == user] for user in ("e", "o", "u1")}
    assert all(len(items) == 5 for items in listed.values()) and not {4, 8, 3, 5} & {*listed["e"], *listed["o"]}
    assert {item % 2 for item in listed["e"]} == {0} and {item % 2 for item in listed["o"]} == {1}


def test_what_others_get_does_not_depend_on_users_whom_a_filter_left_out(workplace: Path) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as inter:
        inter.write("".join(f"e\ti{item}\t4\t1\n" for item in (4, 8)))
    model, dataset = load(Path(checkpoint("KTEASE", "--prior=none", FEW)))
    alone = list(recommend(model, dataset, ["nobody", "u1"], 5))
    first, second = (list(recommend(model, dataset, ["nobody", "e", "u1"], 5)) for _ in range(2))
    assert first == second and [row for row in first if row[0] != "e"] == alone
    assert model.taken.matrix.shape[0] == dataset.user_num, "the model stays as it is"


def test_histories_of_filtered_users_are_read_as_the_training_reads_them(workplace: Path) -> None:
    file = workplace / "dataset" / "tiny" / "tiny.inter"
    rows = [("few", 6, 5, 30), ("few", 2, 1, 10), ("few", 8, 4, 20), ("bad", 2, 1, 10), ("few", 99, 5, 1)]
    with file.open("a") as inter:
        inter.write("".join(f"{user}\ti{item}\t{rating}\t{time}\n" for user, item, rating, time in rows))
    columns = "--load_col={inter: [user_id, item_id, rating, timestamp]}"
    liked = ["--val_interval={rating: '[3,inf)'}", "--item_inter_num_interval=[2,inf)"]
    model, dataset = load(
        Path(checkpoint("KTEASE", "--prior=none", "--user_inter_num_interval=[5,inf)", columns, *liked))
    )
    found = histories(dataset, ["few", "bad", "nobody"])
    assert [dataset.field2id_token["item_id"][item] for item in found["few"]] == ["i8", "i6"] and len(found) == 1
    first = model.taken.matrix.shape[0]
    joined = model.taken.joined([found["few"]])
    assert joined.places[first, found["few"][1]] == 1 and joined.places[first, found["few"][0]] == 2
    assert joined.matrix.shape[0] == first + 1 and model.taken.joined([]) is model.taken
    assert joined.trained(np.array([1, first])).tolist() == [1, 0]


def test_a_model_of_pairs_is_given_the_columns_of_user_and_item(workplace: Path) -> None:
    folder = workplace / "dataset" / "tiny"
    ages = "\n".join(f"u{user}\t{20 + user}" for user in range(24))
    (folder / "tiny.user").write_text(f"user_id:token\tage:token\n{ages}\n")
    with_age = "--load_col={inter: [user_id, item_id, rating], user: [user_id, age]}"
    labels = ["--threshold={rating: 4}", "--train_neg_sample_args=~", "--eval_args={mode: labeled}", "--metrics=[AUC]"]
    saved = checkpoint("FM", with_age, *labels, "--valid_metric=AUC")
    assert main(["recommend", "--checkpoint", saved, "--users", "u1", "u2", "--output", "lists.csv"]) == 0
    assert len(read(workplace / "lists.csv")) == 20


def test_what_a_filter_of_rows_left_out_is_taken_all_the_same(workplace: Path) -> None:
    with (workplace / "dataset" / "tiny" / "tiny.inter").open("a") as inter:
        inter.write("".join(f"u1\ti{item}\t1\t1\n" for item in (3, 5, 7)))
    columns = "--load_col={inter: [user_id, item_id, rating]}"
    saved = checkpoint("BPR", columns, "--val_interval={rating: '[3,inf)'}")
    model, dataset = load(Path(saved))
    listed = [item for _, _, item, _ in recommend(model, dataset, ["u1", "u2"], 40)]
    assert dataset.inter_num == rows_with(workplace, 3) and {"i3", "i5", "i7"} <= set(listed)  # by u2 alone
    own = [item for user, _, item, _ in recommend(model, dataset, ["u1"], 40)]
    assert own and not {"i3", "i5", "i7"} & set(own)


def rows_with(workplace: Path, least: float) -> int:
    lines = (workplace / "dataset" / "tiny" / "tiny.inter").read_text().splitlines()[1:]
    return sum(float(line.split("\t")[2]) >= least for line in lines)


def test_files_with_another_separator_are_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workplace / "dataset" / "tiny"
    for file in folder.glob("tiny.*"):
        file.write_text(file.read_text().replace(",", " ").replace("\t", ","))
    saved = checkpoint("BPR", "--field_separator=,")
    assert main(["recommend", "--checkpoint", saved, "--users", "u1"]) == 2
    assert "field_separator [,]: recbole_ktrec reads the files of a data set with tabs alone" in capsys.readouterr().err


@pytest.mark.parametrize(("model", "more"), [("KTEASE", ["--prior=none"]), ("KTRec", ["--fusion=id"])])
def test_a_list_for_somebody_who_took_given_items(
    workplace: Path, capsys: pytest.CaptureFixture[str], model: str, more: list[str]
) -> None:
    """Even users take even items: who took some of these gets the others."""
    saved = checkpoint(model, *more)
    asked = ["recommend", "--checkpoint", saved, "--topk", "5"]
    assert main([*asked, "--history", "i4", "i8", "i4", "--output", "lists.csv"]) == 0
    rows = read(workplace / "lists.csv")
    items = [int(row["item_id"][1:]) for row in rows]
    assert len(items) == 5 and not {4, 8} & {*items} and {item % 2 for item in items} == {0}
    assert {row["user_id"] for row in rows} == {"new user"}
    capsys.readouterr()
    assert main([*asked, "--history", "i4", "i80"]) == 2
    assert "--history [i80]: the model knows no such item, or nobody took it. Did you mean" in capsys.readouterr().err
    assert main([*asked, "--history", "i4,i8"]) == 2
    assert "Blanks part the ids, not commas: [i4] [i8]." in capsys.readouterr().err
    assert main([*asked, "--history", "i4", "--users", "u1"]) == 2
    assert "--users are those of the data" in capsys.readouterr().err


def test_a_model_of_its_own_users_takes_no_history(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recommend", "--checkpoint", checkpoint("BPR"), "--history", "i4"]) == 2
    assert "--history [BPR]: KTRec and KTEASE alone score a history that is given." in capsys.readouterr().err
