"""Items that came after the training, or that nobody took, are scored by their text without training again."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recbole.quick_start import run_recbole
from safetensors.torch import load_file, save_file

from recbole_ktrec.cli import main
from recbole_ktrec.commands.checkpoints import load_with_validation
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.model import text_priors, unseen_items, unseen_parts
from recbole_ktrec.model.held_out import HeldOut, held_out
from recbole_ktrec.model.ktrec import KTRec
from recbole_ktrec.model.unseen_items import UnseenItems
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.text import TextSettings, locate_encoder
from recbole_ktrec.text.fingerprint import encoder_fingerprint
from tests.model.conftest import TOPICS
from tests.support import Settings

ITEMS = Path("dataset/tiny/tiny.item")
UNJUDGED = {"split": {"RS": [0.8, 0.0, 0.2]}, "order": "RO", "mode": "full"}
LATER = {"even": f"{TOPICS[0][0]} toy", "odd": f"{TOPICS[1][0]} toy"}


def loaded(settings: dict[str, Any], model: str) -> tuple[Any, Any, HeldOut | None]:
    run_recbole(model=model, dataset="tiny", config_dict={**settings, "checkpoint_dir": "kept"})
    with ITEMS.open("a", encoding="utf-8") as file:  # they come when the model is there
        file.write("".join(f"{item}\t{title}\n" for item, title in LATER.items()) + "untitled\t\n")
    (checkpoint,) = Path("kept").glob("*.pth")
    found, dataset, valid = load_with_validation(checkpoint)
    return found, dataset, held_out(valid, 7, getattr(found, "taken", None))


@pytest.mark.parametrize("model", ["KTEASE", "KTRec", "closed"])
def test_users_are_offered_new_items_with_texts_like_those_of_what_they_took(textual: Settings, model: str) -> None:
    """Users take items of one parity, and with it of one topic."""
    settings = textual(closed_form=model == "closed", epochs=0 if model == "closed" else 3)
    found, dataset, asked = loaded(settings, model.replace("closed", "KTRec"))
    known = dataset.field2token_id["item_id"]
    assert not {*LATER} & {*known}
    unseen = UnseenItems(found, dataset, asked)
    assert unseen.tokens == ["even", "odd"], "without a text there is nothing to go by"
    users = np.arange(1, dataset.user_num)
    scores = unseen.scores(users)
    parity = np.array([int(dataset.field2id_token["user_id"][user][1:]) % 2 for user in users])
    right = np.take_along_axis(scores, parity[:, None], axis=1) > np.take_along_axis(scores, 1 - parity[:, None], 1)
    assert scores.shape == (24, 2) and scores.dtype == np.float32 and right.mean() > 0.9
    np.testing.assert_array_equal(unseen.scores(users[:5]), scores[:5])
    assert np.isneginf(unseen.scores(np.array([0]))).all(), "who has no history gets what is taken in general"


@pytest.mark.parametrize(
    ("model", "changes", "why"),
    [
        ("BPR", {}, r"\[BPR\] reads no texts"),
        ("KTEASE", {"prior": "none"}, "trained without item texts"),
        ("KTRec", {"fusion": "id"}, "trained without item texts"),
    ],
)
def test_models_that_read_no_text_say_so(textual: Settings, model: str, changes: dict[str, Any], why: str) -> None:
    settings = {key: value for key, value in textual(**changes).items() if model != "BPR" or key[:4] != "text"}
    found, dataset, asked = loaded(settings, model)
    with pytest.raises(ConfigError, match=why):
        UnseenItems(found, dataset, asked)


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_models_that_found_no_text_say_so(textual: Settings, model: str) -> None:
    ITEMS.write_text("item_id:token\ttitle:token_seq\ni0\t\n", encoding="utf-8")
    found, dataset, asked = loaded(textual(), model)
    with pytest.raises(ConfigError, match="none of the items that it knows has a text"):
        UnseenItems(found, dataset, asked)


def test_without_later_items_there_is_nothing_to_score(textual: Settings) -> None:
    found, dataset, asked = loaded(textual(), "KTEASE")
    ITEMS.write_text("\n".join(ITEMS.read_text(encoding="utf-8").splitlines()[:31]) + "\n", encoding="utf-8")
    unseen = UnseenItems(found, dataset, asked)
    assert unseen.tokens == [] and unseen.scores(np.array([1, 2])).shape == (2, 0)


def test_items_without_a_text_are_told_for_what_they_are(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(textual(), "KTEASE")
    ITEMS.write_text("\n".join(ITEMS.read_text(encoding="utf-8").splitlines()[:31]) + "\nlast\t\n", encoding="utf-8")
    (saved,) = Path("kept").glob("*.pth")
    for more, why in (
        ([], "(new, taken by nobody, or left out by a filter). --new-items scores them by text.\n"),
        (["--new-items"], "(no text).\n"),
    ):
        assert main(["recommend", "--checkpoint", str(saved), "--users", "u2", *more]) == 0
        assert f"Not scored: 1 item of [dataset/tiny/tiny.item] {why}" in capsys.readouterr().err


def lists(*asked: str) -> dict[str, list[tuple[str, str]]]:
    """Return item and score of the lists that the command writes, by user."""
    assert main(["recommend", "--topk", "40", "--output", "lists.csv", "--overwrite", *asked]) == 0
    found: dict[str, list[tuple[str, str]]] = {}
    with Path("lists.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["user_id"], []).append((row["item_id"], row["score"]))
    return found


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_new_items_alone_stand_as_they_do_among_all(textual: Settings, model: str) -> None:
    loaded(textual(), model)
    (saved,) = map(str, Path("kept").glob("*.pth"))
    whole, alone = (lists("--checkpoint", saved, "--new-items", *only) for only in ((), ("only",)))
    assert len(alone) == 24 and alone == {user: [one for one in own if one[0] in LATER] for user, own in whole.items()}
    assert set(lists("--checkpoint", saved, "--new-items", "only", "--history", "i4", "i6")) == {"new user"}
    Path("stock.txt").write_text("i3\neven\n", encoding="utf-8")
    stock = lists("--checkpoint", saved, "--new-items", "--only-items", "stock.txt")
    assert stock == {user: [one for one in own if one[0] in ("i3", "even")] for user, own in whole.items()}


def test_who_gets_no_list_of_new_items_is_told(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(textual(), "KTEASE")
    (saved,) = map(str, Path("kept").glob("*.pth"))
    assert set(lists("--checkpoint", saved, "--new-items", "only", "--users", "nobody", "u1", "none")) == {"u1"}
    assert "No list for 2 users, the first is [nobody]: what may be in it is taken " in capsys.readouterr().err
    assert set(lists("--checkpoint", saved, "--users", "nobody", "u1")) == {"nobody", "u1"}
    assert "No list" not in capsys.readouterr().err


@pytest.mark.parametrize("item", ["even", "i3"])
def test_users_for_an_item_are_those_in_whose_lists_it_stands_highest(
    textual: Settings, capsys: pytest.CaptureFixture[str], item: str
) -> None:
    """Users take items of one parity; who took the item is not asked for."""
    loaded(textual(), "KTEASE")
    (saved,) = map(str, Path("kept").glob("*.pth"))
    more = ["--new-items"] if item in LATER else []
    whole = {user: [one for one, _ in own] for user, own in lists("--checkpoint", saved, *more).items()}
    places = {user: own.index(item) + 1 for user, own in whole.items() if item in own}
    wanted = ["--for-item", item, "--topk", "40", "--output", "users.csv"]
    assert main(["recommend", "--checkpoint", saved, *wanted]) == 0
    with Path("users.csv").open(encoding="utf-8") as file:
        found = [(row["user_id"], int(row["rank"]), row["item_id"]) for row in csv.DictReader(file)]
    assert [rank for _, rank, _ in found] == sorted(places.values()) and {one for *_, one in found} == {item}
    assert {user: rank for user, rank, _ in found} == places
    assert len({int(user[1:]) % 2 for user, *_ in found[:3]}) == 1, "users whose topic it is"
    assert "40 users for" in capsys.readouterr().out


def test_an_item_that_cannot_be_scored_has_no_users(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(textual(), "KTEASE")
    (saved,) = map(str, Path("kept").glob("*.pth"))
    for asked, told in (
        (["untitled"], "--for-item [untitled] has no text, so no model can score it."),
        (["evn"], "neither the model nor [dataset/tiny/tiny.item] knows it. Did you mean [even]?"),
        (["even", "--history", "i4"], "--for-item asks for users of the data, --history is somebody else's"),
        (["i3", "--new-items", "only"], "--for-item [i3]: in nobody's list, --new-items only leaves it out."),
        (["even", "--users", "nobody"], "took it, or nothing is known of them.\n"),
    ):
        assert main(["recommend", "--checkpoint", saved, "--for-item", *asked]) == 2
        assert told in capsys.readouterr().err


def test_items_that_nobody_took_are_new_ones_too(textual: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with ITEMS.open("a", encoding="utf-8") as file:
        file.write("i30\ta red robot toy\nuntitled\t\n")
    for kept, columns in (("ids", {"item": ["item_id"]}), ("none", {})):
        settings = {**textual(), "load_col": {"inter": ["user_id", "item_id"], **columns}, "checkpoint_dir": kept}
        run_recbole(model="KTEASE", dataset="tiny", config_dict=settings)
        (saved,) = map(str, Path(kept).glob("*.pth"))
        listed = lists("--checkpoint", saved, "--new-items", "only").values()
        assert {item for own in listed for item, _ in own} == {"i30"}
        assert main(["recommend", "--checkpoint", saved, "--for-item", "untitled"]) == 2
        why = (
            "nobody took it and it has no text, so no list says anything of it" if kept == "ids" else "has no text, so"
        )
        assert f"--for-item [untitled]{': ' if kept == 'ids' else ' '}{why}" in capsys.readouterr().err
    ITEMS.write_text("\n".join(ITEMS.read_text(encoding="utf-8").splitlines()[:31]) + "\n", encoding="utf-8")
    assert main(["recommend", "--checkpoint", saved, "--new-items", "only"]) == 2
    assert "[dataset/tiny/tiny.item] names no item with a text that nobody took." in capsys.readouterr().err
    assert main(["recommend", "--checkpoint", saved, "--new-items", "onyl"]) == 2
    assert "--new-items [onyl] is not one of also, only. Did you mean [only]?" in capsys.readouterr().err


def test_the_command_lists_them_but_for_what_the_user_took(
    textual: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """One item was taken once, which a filter of the training leaves out: it has no number, and is no news for u2."""
    with Path("dataset/tiny/tiny.inter").open("a", encoding="utf-8") as file:
        file.write("u2\teven\t4\t1\n")
    loaded(textual(item_inter_num_interval="[2,inf)"), "KTEASE")
    (saved,) = Path("kept").glob("*.pth")
    asked = ["recommend", "--checkpoint", str(saved), "--topk", "40"]
    assert main([*asked, "--users", "u2", "u4", "--new-items", "--output", "lists.csv"]) == 0
    told = capsys.readouterr().err
    assert "Scored by text: 2 items of [dataset/tiny/tiny.item], unknown to the model." in told
    assert "Not scored: 1 item of [dataset/tiny/tiny.item] (no text)." in told
    with Path("lists.csv").open(encoding="utf-8") as file:
        listed = {(row["user_id"], row["item_id"]): row["text"] for row in csv.DictReader(file)}
    assert listed["u4", "even"] == LATER["even"] and {("u2", "odd"), ("u4", "odd")} <= set(listed)
    assert ("u2", "even") not in listed
    assert main([*asked, "--history", "i4", "even", "--new-items"]) == 0
    said = capsys.readouterr()
    assert "new user," in said.out and ",odd," in said.out and ",even," not in said.out
    assert main([*asked, "--history", "even", "--new-items"]) == 0
    assert ",even," not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "scale"),
    [
        ({"cold_scale": 50.0}, 50.0),
        ({"prior_weight": 0.2, "eval_args": UNJUDGED}, 0.2),
        ({"eval_args": UNJUDGED}, 0.05),
    ],
)
def test_the_closed_form_takes_the_scale_that_is_given_and_where_nothing_is_chosen_that_of_known_texts(
    textual: Settings, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], scale: float
) -> None:
    found, dataset, asked = loaded(textual(**changes), "KTEASE")
    users = np.arange(1, dataset.user_num)
    scores = UnseenItems(found, dataset, asked).scores(users)
    monkeypatch.setattr(Options, "plain_cold_scale", 1.0)
    monkeypatch.setattr(unseen_parts, "choose_level", lambda cold, *_: replace(cold, scale=1.0))
    plain = UnseenItems(found, dataset, asked).scores(users)
    np.testing.assert_allclose(scores, scale * plain, rtol=1e-5)


def test_fewer_users_choose_how_high_new_items_stand_where_these_are_many(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, dataset, asked = loaded(textual(), "KTRec")
    assert asked is not None
    counts, neural = list[int](), KTRec.neural
    monkeypatch.setattr(KTRec, "neural", lambda model, users: counts.append(len(users)) or neural(model, users))
    for scores in (unseen_items._SCORES, 8 * (dataset.item_num + 2)):
        monkeypatch.setattr(unseen_items, "_SCORES", scores)
        monkeypatch.setattr(unseen_items, "_FEWEST_ASKED", 1)
        UnseenItems(found, dataset, asked)
    assert counts == [len(asked.users), 8]


def fingerprint(folder: Path) -> dict[str, Any]:
    settings = TextSettings(encoder=str(folder), max_length=32)
    return encoder_fingerprint(settings, locate_encoder(settings))


@pytest.mark.parametrize("model", ["KTEASE", "KTRec"])
def test_where_the_guard_left_an_artifact_out_texts_are_read_without_its_language_model(
    textual: Settings, artifact: Callable[..., str], bert: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    folder = Path(artifact(random=True))
    weights = Path(shutil.copytree(bert, folder / "encoder")) / "model.safetensors"
    changed = {name: value + 0.3 for name, value in load_file(weights).items()}
    save_file(changed, weights, metadata={"format": "pt"})
    card = json.loads((folder / "card.json").read_text())
    trained = {"folder": "encoder", "trained_from": str(bert), "job": {"encoder": fingerprint(bert)}}
    told = {**card, "encoder": fingerprint(folder / "encoder"), "language_model": trained}
    (folder / "card.json").write_text(json.dumps(told))
    found, dataset, asked = loaded(textual(pretrained=str(folder)), model)
    assert found.transfer_choice["used"] == "untrained" and dataset.config["text_encoder"] == str(folder / "encoder")
    read, plain = list[str](), unseen_parts.load_item_text

    def noting(config: Any, view: Any) -> Any:
        read.append(config["text_encoder"])
        return plain(config, view)

    for module in (unseen_parts, text_priors):
        monkeypatch.setattr(module, "load_item_text", noting)
    UnseenItems(found, dataset, asked)
    assert read == [str(bert)]
