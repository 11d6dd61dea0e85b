"""``--key=value`` of the command line, read without evaluating anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbole_ktrec.cli import main
from recbole_ktrec.commands.options import check_options, read_config_files, read_options, read_value
from recbole_ktrec.commands.parser import Parser
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.arguments import quoted


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("1e-3", 0.001),
        ("None", None),
        ("~", None),
        ("True", True),
        ("true", True),
        ("False", False),
        ("softmax", "softmax"),
        ("'softmax'", "softmax"),
        ("['Recall','NDCG']", ["Recall", "NDCG"]),
        ("[Recall, NDCG]", ["Recall", "NDCG"]),
        ("{'split': {'RS':[0.8,0.1,0.1]}, 'mode': 'full'}", {"split": {"RS": [0.8, 0.1, 0.1]}, "mode": "full"}),
        ("{split: {LS: valid_and_test}}", {"split": {"LS": "valid_and_test"}}),
        ("0,1", (0, 1)),
        ("[5,inf)", "[5,inf)"),
        ("", ""),
        ("__import__('os').getcwd()", "__import__('os').getcwd()"),
        ("2024-01-01", "2024-01-01"),
        ("a: b: c", "a: b: c"),
        ("query: ", "query: "),
        ("Title: {title}", "Title: {title}"),
        ("- a", "- a"),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert read_value(text) == value and type(read_value(text)) is type(value)


@settings(deadline=None)
@given(st.text())
def test_a_quoted_string_is_itself_after_recbole_s_evaluation(text: str) -> None:
    from recbole.config import Config

    config = Config.__new__(Config)
    assert config._convert_config_dict(quoted({"key": text})) == {"key": text}


def test_options() -> None:
    assert read_options(["--epochs=3", "--text_prompt=a=b", "--epochs=3"]) == {"epochs": 3, "text_prompt": "a=b"}
    assert read_options(["--data-path=a-b", "--text_prompt=a-b"]) == {"data_path": "a-b", "text_prompt": "a-b"}


@pytest.mark.parametrize("argument", ["epochs=3", "--epochs", "-e=3", "--=3"])
def test_other_forms_are_refused(argument: str) -> None:
    with pytest.raises(ConfigError, match=rf"Argument \[{argument}\] is not of the form --key=value"):
        read_options([argument])


def test_contradictions_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Key \[epochs\] stands there twice, with \[3\] and \[4\]"):
        read_options(["--epochs=3", "--epochs=4"])


def test_unknown_keys(caplog: pytest.LogCaptureFixture) -> None:
    told = ["Unknown key [--epoch]. Did you mean [epochs]? It is passed on to BPR."]
    assert check_options({"epoch": 3}, "BPR") == told
    (filed,) = check_options({"epochs": 3}, "BPR", ["epochs", "lerning_rate"])
    assert filed.startswith("Unknown key [lerning_rate] in a configuration file. Did you mean [learning_rate]?")
    assert told[0] in caplog.text
    check_options({"epochs": 3, "n_layers": 2, "nproc": 2}, "KTRec")
    assert check_options({}, "KTRec", ["lerning_rate"]) == []  # told by the model's own check, with the place
    with pytest.raises(ConfigError, match=r"Unknown key \[--epoch\]\. Did you mean \[epochs\]\?"):
        check_options({"epoch": 3}, "KTRec")


def test_a_built_in_model_does_not_read_the_plugin_s_keys() -> None:
    told = check_options({"pretrained": "knowledge", "epochs": 3}, "EASE")
    assert told == ["[--pretrained] is a key of recbole_ktrec: EASE does not read it."]


@pytest.mark.parametrize(("content", "why"), [("", "is empty"), ("- a\n", "must hold"), ("a: [\n", "be read")])
def test_bad_configuration_files_are_named(content: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(content)
    with pytest.raises(ConfigError, match=rf"Configuration file \[.*own\.yaml\].*{why}"):
        read_config_files([str(tmp_path / "own.yaml")])


def test_missing_configuration_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Configuration file \[nowhere\.yaml\] cannot be read"):
        read_config_files(["nowhere.yaml"])


def test_later_files_win(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\nepochs: 2\n")
    (tmp_path / "b.yaml").write_text("seed: 3\n")
    assert read_config_files([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]) == {"seed": 3, "epochs": 2}


@pytest.mark.parametrize("command", [["run", "--model=Pop"], ["benchmark", "--models", "Pop", "--output", "out"]])
@pytest.mark.parametrize("dataset", ["tiny", "ml-100k"])
def test_a_column_that_is_not_there_is_not_loaded_silently(
    workplace: Path, capsys: pytest.CaptureFixture[str], command: list[str], dataset: str
) -> None:
    wrong = "--load_col={inter: [user_id, item_id, tme]}"
    assert main([*command, "--dataset", dataset, wrong]) == 2
    said = capsys.readouterr().err
    assert "load_col: [inter] names [tme], which [" in said and f"{dataset}/{dataset}.inter] lacks." in said


def test_a_value_with_blanks_is_no_value_of_the_option_before_it() -> None:
    parser = Parser(allow_abbrev=False)
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--config_files")
    given = ["--models", "Pop", "EASE", "--load_col={inter: [user_id, item_id]}", "--config_files=a.yaml b.yaml"]
    args, rest = parser.parse_known_args(given)
    assert (args.models, args.config_files) == (["Pop", "EASE"], "a.yaml b.yaml")
    assert read_options(rest) == {"load_col": {"inter": ["user_id", "item_id"]}}
