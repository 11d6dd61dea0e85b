"""RecBole's bare errors become one line with what to do; other errors keep their traceback."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.compat.host_errors import explained, remedy


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Some feat is empty, please check the filtering settings.", "no interaction passes user_inter_num_interval"),
        (
            "train_neg_sample_args [{'a': 1}] should be None when the loss_type is CE.",
            "(--train_neg_sample_args=None of ktrec run)",
        ),
        ("The ordering args for sequential recommendation has to be 'TO'", "{LS: valid_and_test}, order: TO, group_by"),
        ("Full sort evaluation do not match value-based metrics!", "eval_args: {mode: uni1} or {mode: labeled}"),
        ("Field [rating] not defined in dataset.", "[rating] is wanted (by val_interval, say) and not loaded"),
        ("[timestamp] is not exist in interaction [", "[timestamp] is wanted"),
        (
            "Neither [dataset/shop] exists in the device nor [x] a known dataset name.",
            "at [dataset/shop] seen from here",
        ),
    ],
)
def test_known_messages_come_with_advice(message: str, advice: str) -> None:
    assert advice in remedy(message)


def caught(action: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as error:
        action()
    return error.value


def test_only_what_recbole_raises_about_what_it_was_given_is_explained() -> None:
    from recbole.data.interaction import Interaction
    from recbole.model.abstract_recommender import AbstractRecommender

    assert explained(caught(lambda: Interaction({}).missing)) is None, "a typo of ours ends in a raise of RecBole's"
    assert explained(caught(lambda: int("x"))) is None
    assert explained(caught(lambda: AbstractRecommender.full_sort_predict(None, None))) is None, "it says nothing"
    told = "RecBole: [<class 'int'>] is not supported for initialize `Interaction`!."
    assert explained(caught(lambda: Interaction(3))) == told


def test_a_folder_called_recbole_is_not_recbole(tmp_path: Path) -> None:
    path = tmp_path / "recbole" / "mine.py"
    path.parent.mkdir()
    path.write_text("raise ValueError('mine')\n", encoding="utf-8")
    assert explained(caught(lambda: runpy.run_path(str(path)))) is None


def test_the_command_line_prints_one_line(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--model=Pop", "--dataset=ml-100k", "--val_interval={rating: '[6,inf)'}", "--threads=1"]) == 2
    told = capsys.readouterr().err
    assert "ktrec run: RecBole: Some feat is empty" in told and "Traceback" not in told


def test_a_stopped_command_says_so(capsys, monkeypatch) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("recbole_ktrec.cli._run", stop)
    assert main(["benchmark"]) == 130
    assert capsys.readouterr().err == "\nktrec benchmark: stopped. The same command goes on from here.\n"
    assert main(["run"]) == 130
    assert (
        capsys.readouterr().err
        == "\nktrec run: stopped. A checkpoint that it has saved is not finished; the same command begins anew.\n"
    )


def test_version(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0 and capsys.readouterr().out.startswith("recbole_ktrec ")
