"""A service: threads that ask one model, days that follow each other, files that are replaced while lists are made."""

from __future__ import annotations

import gc
import logging
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recbole.quick_start import run_recbole

from recbole_ktrec.commands import asked, filtered
from recbole_ktrec.commands.kept import kept
from recbole_ktrec.commands.scored import _best
from recbole_ktrec.errors import DataError
from recbole_ktrec.model import unseen_items
from recbole_ktrec.nn.scorers import Dot, unit_rows
from recbole_ktrec.serving import Later, load_with_validation, new_items, recommend, recommend_from, users_for
from tests.model.conftest import TOPICS
from tests.support import Settings

NOW = Path("now/tiny")
MODELS = pytest.mark.parametrize("model", ["KTEASE", "KTRec"])


def served(settings: dict[str, object], model: str) -> tuple[Any, Any, Any]:
    run_recbole(model=model, dataset="tiny", config_dict={**settings, "checkpoint_dir": "kept"})
    shutil.copytree("dataset/tiny", NOW)
    (saved,) = Path("kept").glob("*.pth")
    return load_with_validation(saved)


def more(interactions: str, items: str = "") -> None:
    for text, kind in ((interactions, "inter"), (items, "item")):
        with (NOW / f"tiny.{kind}").open("a", encoding="utf-8") as file:
            file.write(text)


@MODELS
def test_lists_that_are_asked_for_together_are_each_ones_own(textual: Settings, model: str) -> None:
    """A list is made when it is read: others were asked for by then, and the model had their histories."""
    found, dataset, _ = served(textual(closed_form=True), model)
    before, histories = found.taken, [["i2", "i4", "i6"], ["i3", "i5"], ["i8"]]
    alone = [list(recommend_from(found, dataset, history, 9)) for history in histories]
    together = [recommend_from(found, dataset, history, 9) for history in histories]
    assert [list(one) for one in together] == alone and found.taken is before
    with ThreadPoolExecutor(6) as pool:
        many = list(pool.map(lambda at: list(recommend_from(found, dataset, histories[at % 3], 9)), range(60)))
    assert many == [alone[at % 3] for at in range(60)]


def test_users_whom_a_filter_left_out_get_each_their_own(textual: Settings) -> None:
    with Path("dataset/tiny/tiny.inter").open("a", encoding="utf-8") as file:
        file.write("".join(f"e\ti{item}\t4\t9\n" for item in (4, 8)) + "".join(f"o\ti{i}\t4\t9\n" for i in (3, 5)))
    found, dataset, _ = served(textual(user_inter_num_interval="[3,inf)"), "KTEASE")
    alone = {user: list(recommend(found, dataset, [user], 5)) for user in ("e", "u1", "o")}
    together = {user: recommend(found, dataset, [user], 5) for user in alone}
    assert {user: list(rows) for user, rows in together.items()} == alone
    assert [row for row in recommend(found, dataset, ["o", "u1", "e", "u1"], 5)] == [
        row for user in ("o", "u1", "e", "u1") for row in alone[user]
    ]


@MODELS
def test_a_day_serves_on_while_the_next_one_is_read(textual: Settings, model: str) -> None:
    """Its files may be replaced, the new ones may be damaged; what was asked of it stays its own."""
    found, dataset, valid = served(textual(closed_form=True), model)
    more("e\teven\t4\t9\ne\ti2\t4\t9\n", f"even\t{TOPICS[0][0]}\nodd\t{TOPICS[1][0]}\n")

    def today() -> tuple[Any, Later, Any]:
        later = Later.read(found, dataset, Path("now"))
        new = new_items(found, later, valid)
        return later.given(found, new), later, new

    def asked(day: tuple[Any, Later, Any]) -> list[Any]:
        return [*recommend(*day[:2], ["e", "u3"], 40, day[2]), *recommend_from(*day[:2], ["odd", "i4"], 40, day[2])]

    first = today()
    lists, late = asked(first), recommend(*first[:2], ["e", "u3"], 40, first[2])
    assert {row[2] for row in lists} >= {"even", "odd"} and "even" not in {row[2] for row in lists if row[0] == "e"}
    more("e\todd\t4\t9\nu3\todd\t4\t9\n")
    second = today()
    assert asked(second) != lists and asked(first) == lists
    assert list(late) == [row for row in lists if row[0] != "new user"]
    assert "odd" not in {row[2] for row in asked(second) if row[0] == "e"}
    for text in ("", "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu1\ti1\t4\n"):
        (NOW / "tiny.inter").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=r"now/tiny/tiny\.inter"):
            today()
        assert asked(first) == lists
    (NOW / "tiny.inter").unlink()
    assert asked(first) == lists


def test_a_day_that_cannot_be_given_leaves_the_model_with_the_one_before(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, dataset, _ = served(textual(closed_form=True), "KTRec")
    more("e\teven\t4\t9\n", f"even\t{TOPICS[0][0]}\n")
    first = Later.read(found, dataset, Path("now"))
    first.give(found)
    lists = list(recommend(found, first, ["e"], 9))

    def broken(*_: object) -> None:
        raise OSError("no encoder")

    monkeypatch.setattr(unseen_items, "ClosedPart", broken)
    with pytest.raises(OSError, match="no encoder"):
        Later.read(found, dataset, Path("now")).give(found)
    assert list(recommend(found, first, ["e"], 9)) == lists


def test_texts_are_compared_only_where_somebody_took_a_new_item(
    textual: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes of a catalogue of 33,921 texts."""
    found, dataset, _ = served(textual(closed_form=True), "KTEASE")
    made, real = list[int](), unseen_items.ClosedPart
    monkeypatch.setattr(unseen_items, "ClosedPart", lambda *args: made.append(1) or real(*args))
    more("e\ti2\t4\t9\n", f"even\t{TOPICS[0][0]}\n")
    Later.read(found, dataset, Path("now")).give(found)
    assert not made and found.taken.beside is None
    more("e\teven\t4\t9\n")
    later = Later.read(found, dataset, Path("now"))
    later.given(found)
    assert made == [1] and found.taken.beside is None


def test_one_list_costs_no_pass_over_all_users(textual: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    found, dataset, valid = served(textual(closed_form=True), "KTRec")
    more("e\teven\t4\t9\n", f"even\t{TOPICS[0][0]}\n")
    later = Later.read(found, dataset, Path("now"))
    new = new_items(found, later, valid)
    day = later.given(found, new)
    list(recommend(day, later, ["u1"], 5, new))
    for name in ("iter_atomic", "histories"):
        monkeypatch.setattr(filtered, name, lambda *_: pytest.fail("a file is read"))
    monkeypatch.setattr(later, "inter_matrix", lambda *_: pytest.fail("all interactions are read"))
    rows = list[int]()
    take = type(day).take
    monkeypatch.setattr(type(day), "take", lambda self, taken: (rows.append(taken.matrix.shape[0]), take(self, taken)))
    assert list(recommend(day, later, ["u1", "e", "nobody"], 5, new)) and list(
        users_for(day, later, "even", ["u1"], 5, new)
    )
    assert list(recommend_from(day, later, ["i3", "even"], 5, new)) and rows == [2], "padding, and who is asked for"


def test_what_a_service_should_know_is_logged(
    textual: Settings, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    found, dataset, _ = served(textual(), "KTEASE")
    capsys.readouterr()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        list(recommend(found, dataset, ["nobody"], 5))
    assert [one.name.partition(".")[0] for one in caplog.records] == ["recbole_ktrec"]
    assert "user [nobody] is not in the data: the list is" in caplog.text and not capsys.readouterr().err


def test_days_that_are_over_are_forgotten(textual: Settings) -> None:
    found, dataset, valid = served(textual(closed_form=True), "KTEASE")
    more("e\teven\t4\t9\n", f"even\t{TOPICS[0][0]}\n")
    later = Later.read(found, dataset, Path("now"))
    new = new_items(found, later, valid)
    list(recommend(later.given(found, new), later, ["e", "nobody"], 5, new))
    gone = [weakref.ref(one) for one in (later, new)]
    del later, new
    gc.collect()
    assert [one() for one in gone] == [None, None]


def test_what_is_kept_is_made_once_for_each_data_set_and_again_for_other_interactions() -> None:
    class Data:
        inter_feat = "first"

    made, one, other = list[str](), Data(), Data()
    read = kept(lambda data: made.append(data.inter_feat) or len(made))
    assert [read(one), read(one), read(other), read(one)] == [1, 1, 2, 1]
    one.inter_feat = "second"
    assert [read(one), read(one)] == [3, 3]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(read, [one] * 20)) == {3} and threading.active_count() >= 1


@pytest.mark.parametrize("k", [1, 3, 5, 6, 9])
def test_the_best_are_those_of_a_full_sort_equal_ones_in_the_order_of_their_numbers(k: int) -> None:
    for row in ([1, 3, 3, 2, 3, -np.inf], [-np.inf] * 6, [np.nan, 1, np.nan, 2, 1, 1], [0] * 6):
        scores = np.array(row, dtype=np.float32)
        assert _best(scores, k).tolist() == np.argsort(-scores, kind="stable")[:k].tolist()


def test_the_nearest_id_is_looked_for_among_few(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"[PAD]": 0, "u1": 1, "u2": 2}
    assert asked.meant("u22", known) == " Did you mean [u2]?"
    monkeypatch.setattr(asked, "_MOST_NEAR", 2)
    assert asked.meant("u22", known) == "" and "commas" in asked.meant("u1,u2", known)


def test_catalogues_that_threads_score_at_once_are_not_mixed_up() -> None:
    """Known and new items were scored by each other's vectors: one that came between was taken for one's own."""
    users, items, others = (torch.eye(3)[:rows] for rows in (1, 3, 2))

    class Busy(Dot):
        """Another thread asks for ``others`` whenever what was made last is put down."""

        _last = property(
            lambda self: self.__dict__.get("kept", ()),
            lambda self, made: self.__dict__.update(kept=(*made[-1:], other)),
        )

    other = others, unit_rows(others)
    with torch.no_grad():
        scorer = Busy(3, 1.0)
        assert [scorer.grid(users, items).tolist() for _ in range(2)] == [[[1, 0, 0]]] * 2
    with torch.no_grad():
        scorer = Dot(3, 1.0)
        made = [id(scorer._unit(one)) for one in (items, others, items, others)]
    assert made[:2] == made[2:], "known and new items, one after the other"
