"""``ktrec run`` from arguments to the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from recbole_ktrec.cli import main
from recbole_ktrec.commands.run import _read_back, learned_lines, table, transfer_lines

QUICK = ["--epochs=2", "--show_progress=False", "--state=ERROR", "--topk=[5]", "--valid_metric=NDCG@5", "--threads=1"]


def test_run_ends_with_a_table(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--model=BPR", "--dataset=tiny", *QUICK, "--metrics=['NDCG','ItemCoverage']"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[lines.index("BPR on tiny") + 1].split() == ["metric", "valid", "test"]
    said = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert len(said["ndcg@5"]) == len(said["itemcoverage@5"]) == 2
    assert Path(said["checkpoint"][0]).is_file()
    kept = torch.load(said["checkpoint"][0], weights_only=False)["epoch"]
    assert " ".join(said["best"]) == f"epoch {kept + 1} (counted from 1; RecBole's log counts from 0)"


def test_settings_come_from_files_and_options(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "a.yaml").write_text("model: Pop\ndataset: tiny\ncheckpoint_dir: elsewhere\n")
    (workplace / "dataset/tiny/tiny.yaml").write_text("learning_rat: 0.1\n")
    assert main(["run", "--config_files=a.yaml", *QUICK, "--epochs=2"]) == 0
    out = capsys.readouterr().out
    assert "Pop on tiny" in out and "settings    a.yaml\n" in out
    assert "warning     Unknown key [learning_rat] in a configuration file. Did you mean [learning_rate]?" in out
    assert len(list((workplace / "elsewhere").glob("Pop-*.pth"))) == 1


def test_nothing_else_of_the_arguments_leaks_in(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recbole.config import Config

    seen = []
    original = Config.__init__

    def spy(self: Config, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)
        seen.append(dict(self.final_config_dict))

    monkeypatch.setattr(Config, "__init__", spy)
    monkeypatch.setattr("sys.argv", ["pytest", "--cov=x", "--seed=1"])
    assert main(["run", "--model=Pop", "--dataset=tiny", *QUICK, "--wandb_project=max"]) == 0
    assert "cov" not in seen[0] and seen[0]["seed"] == 2020
    assert seen[0]["wandb_project"] == "max"


@pytest.mark.slow
def test_two_processes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--model=BPR", "--dataset=tiny", *QUICK, "--nproc=2"]) == 0
    out = capsys.readouterr().out
    assert "BPR on tiny" in out and "checkpoint  saved/BPR-" in out and "best epoch  " in out


def test_what_other_processes_trained_is_told_by_their_checkpoint(tmp_path: Path) -> None:
    """The model with what the guard took is theirs; the table of ``--nproc=2`` left that out."""
    choice = {"used": "untrained", "why": "no better"}
    config, kept = {"transfer": "full"}, {"transfer_choice": choice, "closed_share": 0.7}
    torch.save({"epoch": 1, "other_parameter": kept, "config": config}, tmp_path / "one.pth")
    torch.save({"epoch": 0, "other_parameter": None, "config": {"transfer": None}}, tmp_path / "plain.pth")
    read = _read_back(tmp_path / "one.pth")
    first, scores = learned_lines(read)
    assert first == "best epoch  2 (counted from 1; RecBole's log counts from 0)"
    assert scores == "scores      30% neural, 70% closed form, as ranks validation data best"
    torch.save({"epoch": 1, "other_parameter": kept, "config": {"transfer": "zero_shot"}}, tmp_path / "zero.pth")
    assert learned_lines(_read_back(tmp_path / "zero.pth"))[1].endswith("zero-shot trains nothing")
    assert transfer_lines(read["model"].transfer_choice) == ["transfer    untrained taken, artifact unused (no better)"]
    plain = _read_back(tmp_path / "plain.pth")
    assert plain["model"].transfer_choice == {} and len(learned_lines(plain)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=tinny"], "[tinny]: the folder [{here}/dataset/tinny] does not exist. Did you mean [tiny]? Give"),
        (["--dataset=dataset/tiny"], "is a path: give its name, [tiny], and the folder that holds it, --data"),
        (["--dataset=bare"], "[bare]: the folder [{here}/dataset/bare] has no file [bare.inter]"),
        (["--dataset=tiny", "--model=BPRR"], "Unknown model [BPRR]. Did you mean [BPR]?"),
        (["--dataset=tiny", "epochs=2"], "Argument [epochs=2] is not of the form --key=value"),
        (["--config_files=no.yaml"], "Configuration file [no.yaml] cannot be read"),
        (["--config_file=no.yaml", "--model=BPR"], "[config_file] in the command line: no file is read by it. Give"),
        (["--config=no.yaml"], "files with --config_files=A.yaml"),
        (["--config_files=more.yaml"], "[config_files] in configuration file [more.yaml]: no file is read by it"),
        (["--threads=0", "--model=BPR"], "--threads [0] must be at least 1"),
    ],
)
def test_errors_are_told_without_a_traceback(
    arguments: list[str], message: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "dataset" / "bare").mkdir()
    (workplace / "more.yaml").write_text("config_files: own.yaml\n")
    assert main(["run", *arguments]) == 2
    assert message.format(here=workplace) in capsys.readouterr().err


def test_ml_100k_works_from_any_folder(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--model=Pop", "--state=ERROR", "--show_progress=False", "--epochs=1"]) == 0
    assert "Pop on ml-100k" in capsys.readouterr().out


def test_table_of_a_run_without_validation() -> None:
    assert table({"best_valid_result": None, "test_result": {"ndcg@10": 0.25}}).splitlines()[1].split() == [
        "ndcg@10",
        "-",
        "0.2500",
    ]


def test_what_a_run_says_of_what_was_learned() -> None:
    assert learned_lines({}) == []
    blended = SimpleNamespace(closed_share=0.7, zero_shot=False)
    told = "scores      30% neural, 70% closed form, as ranks validation data best"
    assert learned_lines({"epoch": 3, "model": blended})[1:] == [told]
    untrained = SimpleNamespace(closed_share=1.0, zero_shot=True)
    assert learned_lines({"epoch": -1, "model": untrained}) == [
        "best epoch  none, no epoch ran",
        "scores      0% neural, 100% closed form: zero-shot trains nothing",
    ]


def test_what_a_run_says_of_its_artifact() -> None:
    assert transfer_lines({}) == []
    assert transfer_lines({"used": "transferred", "why": "zero-shot"}) == ["transfer    artifact taken (zero-shot)"]
    unlike = "zero-shot; histories too unlike those of its sources: texts are compared as without an artifact"
    for why, taken in (
        (unlike, "artifact unused"),
        (f"{unlike}, but read with its language model", "of the artifact its language model alone"),
    ):
        assert transfer_lines({"used": "transferred", "why": why}) == [f"transfer    {taken} ({why})"]
    told = "transfer    learned here alone taken, artifact unused (ahead)"
    assert transfer_lines({"used": "scratch", "why": "ahead"}) == [told]


def test_help_of_run_says_how_files_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--help"])
    assert stopped.value.code == 0
    assert "--config_files" in capsys.readouterr().out


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    known = "known: run, recommend, encode, convert, benchmark, pretrain, transfer-report, doctor."
    for name, hint in {"rn": " Did you mean [run]?", "demo": ""}.items():
        assert main([name]) == 2
        assert capsys.readouterr().err == f"ktrec: unknown command [{name}]; {known}{hint}\n"


def test_without_recbole_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "recbole" else find(name))
    monkeypatch.setattr("sys.version_info", (3, 12, 1))
    assert main(["run"]) == 2
    assert "RecBole is not installed: pip install --no-deps recbole==1.2.1" in capsys.readouterr().err


def test_the_plugin_without_recbole(workplace: Path, fresh_python: Callable[..., str]) -> None:
    code = """
import importlib.util, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "recbole" else find(name, *rest)
try:
    import recbole_ktrec
except ImportError as error:
    print(error)
"""
    flag = "--no-deps " if __import__("sys").version_info >= (3, 12) else ""
    assert fresh_python(code).strip() == f"RecBole is not installed: pip install {flag}recbole==1.2.1"


def test_ktease_says_what_it_does_not_train(workplace: Path, caplog: pytest.LogCaptureFixture) -> None:
    call = ["run", "--model=KTEASE", "--dataset=tiny", "--prior=none", "--source_datasets=[other]",
            "--text_encoder_training=full", *QUICK]  # fmt: skip
    caplog.set_level("WARNING")
    assert main(call) == 0
    assert "source_datasets is read by KTRec alone" in caplog.text
    assert "text_encoder_training [full] is read by KTRec and ktrec pretrain alone" in caplog.text
