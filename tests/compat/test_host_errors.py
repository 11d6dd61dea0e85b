"""RecBole's bare errors become one line with what to do; other errors keep their traceback."""

from __future__ import annotations

import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.compat.host_errors import explained, remedy


def _error(source: str, filename: str, tmp_path) -> BaseException:
    path = tmp_path / filename
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    try:
        exec(compile(source, str(path), "exec"), {})
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Some feat is empty, please check the filtering settings.", "no interaction passes user_inter_num_interval"),
        ("train_neg_sample_args [{'a': 1}] should be None when the loss_type is CE.", "set train_neg_sample_args to ~"),
        ("[timestamp] is not exist in interaction [", "load_col does not load [timestamp]"),
        ("Neither [dataset/shop] exists in the device nor [x] a known dataset name.", "[dataset/shop], seen from"),
    ],
)
def test_known_messages_come_with_advice(message: str, advice: str) -> None:
    assert advice in remedy(message)


def test_only_what_recbole_raises_itself_is_explained(tmp_path) -> None:
    raised = _error("raise ValueError('no such\\n  thing.')\n", "recbole/data/x.py", tmp_path)
    assert explained(raised) == "RecBole: no such thing."
    assert explained(_error("{}['missing']\n", "recbole/data/y.py", tmp_path)) is None
    assert explained(_error("raise ValueError('ours')\n", "elsewhere/z.py", tmp_path)) is None


def test_the_command_line_prints_one_line(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--model=Pop", "--dataset=ml-100k", "--metrics=[NDGC]", "--threads=1"]) == 2
    told = capsys.readouterr().err
    assert "ktrec run: RecBole: There is no metric named 'NDGC'." in told and "Traceback" not in told


def test_a_stopped_command_says_so(capsys, monkeypatch) -> None:
    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("recbole_ktrec.cli._run", stop)
    assert main(["benchmark"]) == 130
    assert capsys.readouterr().err == "\nktrec benchmark: stopped. The same command goes on from here.\n"
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "\nktrec run: stopped.\n"


def test_version(capsys) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0 and capsys.readouterr().out.startswith("recbole_ktrec ")
