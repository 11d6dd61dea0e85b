"""Options of the commands: both spellings, and the nearest one of a misspelt one."""

from __future__ import annotations

import pytest

from recbole_ktrec.cli import main
from recbole_ktrec.commands import benchmark, convert, encode, pretrain, recommend, run, transfer_report
from recbole_ktrec.commands.options import files_in
from recbole_ktrec.commands.parser import Parser

COMPARED = ["--dataset", "tiny", "--models", "Pop", "--output", "out"]


@pytest.mark.parametrize(
    ("command", "given", "name"),
    [
        (benchmark, [*COMPARED, "--{}", "x"], "data path"),
        (convert, ["--{}", "5"], "user core"),
        (convert, ["--{}=5"], "max per day"),
        (encode, ["--{}", "a.item"], "item file"),
        (pretrain, ["--datasets", "a", "--output", "o", "--{}", "a.yaml"], "config files"),
        (transfer_report, ["--dataset", "a", "--pretrained", "k", "--output", "o", "--{}", "0.3"], "cold share"),
    ],
)
def test_dash_and_underscore_are_the_same(command: object, given: list[str], name: str) -> None:
    found = []
    for mark in "-_":
        parser = Parser()
        command.add_arguments(parser)  # type: ignore[attr-defined]
        args, rest = parser.parse_known_args([one.format(name.replace(" ", mark)) for one in given])
        assert rest == []
        found.append(args)
    assert found[0] == found[1] and getattr(found[0], name.replace(" ", "_"))


def test_values_that_begin_with_dashes_are_no_options() -> None:
    parser = Parser()
    convert.add_arguments(parser)
    given = ["table", "--boilerplate", "-- sent from my phone", "--mapping", "x"]
    assert parser.parse_args(given).boilerplate == ["-- sent from my phone"]
    parser._check(["table", "--", "--odd.csv"])  # after the dashes there are no options


def test_the_user_s_folder_is_found_behind_an_equals_sign_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    parser = Parser()
    run.add_arguments(parser)
    args, rest = parser.parse_known_args(["--config_files=~/a.yaml", "--data-path=~/data", "--topk=~", "--x=a~/b"])
    assert args.config_files == "/home/me/a.yaml" and rest == ["--data-path=/home/me/data", "--topk=~", "--x=a~/b"]
    assert files_in(" ~/a.yaml  ~/b.yaml c.yaml") == ["/home/me/a.yaml", "/home/me/b.yaml", "c.yaml"]


def test_an_abbreviation_is_none_of_the_mistakes() -> None:
    parser = Parser()
    recommend.add_arguments(parser)
    assert parser.parse_args(["--check", "a.pth"]).checkpoint.name == "a.pth"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["convert", "table", "--user-croe", "5"], "Unknown option [--user-croe]. Did you mean [--user-core]?"),
        (["convert", "table", "--user_croe=5"], "Unknown option [--user_croe]. Did you mean [--user-core]?"),
        (["convert", "--zzz", "5"], "Unknown option [--zzz]. ktrec convert --help lists them."),
        (["convert", "movielens", "more"], "Argument [more] is not expected: ktrec convert --help lists what"),
        (["recommend", "--checkpont", "a.pth"], "Unknown option [--checkpont]. Did you mean [--checkpoint]?"),
        (["benchmark", *COMPARED, "--sheds", "1"], "Unknown option [--sheds]. Did you mean [--seeds]?"),
        (["benchmark", "--modls", "Pop"], "Unknown option [--modls]. Did you mean [--models]?"),
        (["benchmark", *COMPARED, "--epochs", "1"], "Argument [--epochs] is not of the form --key=value"),
        (["transfer-report", "--pretraned", "k"], "Unknown option [--pretraned]. Did you mean [--pretrained]?"),
        (["run", "--data_path", "dataset"], "Argument [--data_path] is not of the form --key=value"),
        (["run", "--learning_rat", "1"], "Argument [--learning_rat] is not of the form --key=value"),
    ],
)
def test_a_misspelt_option_is_named_with_the_nearest_one(
    given: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    error = capsys.readouterr().err
    assert message in error and "usage" not in error
