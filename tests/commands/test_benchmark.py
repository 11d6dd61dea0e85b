"""``ktrec benchmark`` from the outside: real processes, and kills at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import recbole_ktrec
from recbole_ktrec.cli import main
from tests.support import repeatable

ROOT = Path(recbole_ktrec.__file__).resolve().parent.parent


def write_grid(folder: Path) -> Path:
    """A grid file that makes every model quick."""
    path = folder / "grid.yaml"
    path.write_text(
        "seeds: 1\ntopk: [5]\nmetrics: [Recall, NDCG]\nvalid_metric: NDCG@5\ntext_diversity: False\n"
        "all: {epochs: 4, eval_step: 1, embedding_size: 8, state: ERROR, use_gpu: False}\n"
    )
    return path


def test_one_model_in_a_process_of_its_own(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(write_grid(workplace))
    options = workplace / "options.yaml"
    options.write_text("broken: {model: BPR, embedding_size: -1}\n")
    command = ["benchmark", "--dataset", "tiny", "--models", "Pop", "broken", "--output", "out", "--config", config]
    assert main([*command, "--options", str(options)]) == 1, "a model without a result is said by the exit code"
    results = json.loads((workplace / "out" / "results.json").read_text())
    pop, broken = results["runs"]
    assert pop["status"] == "done" and 0 <= pop["test"]["ndcg@5"] <= 1
    assert pop["memory"]["peak_bytes"] > 50 * 2**20 and pop["timing"]["wall_seconds"] > 0
    assert broken["status"] == "failed" and "negative dimension" in broken["error"]
    said = capsys.readouterr().out
    assert "| Pop |" in said and "No result: broken on tiny, seed 2020" in said
    assert sorted(path.name for path in (workplace / "out").iterdir() if path.is_file()) == [
        "report.html", "report.md", "results.json", "table.csv",
    ]  # fmt: skip
    assert not (workplace / "log").exists() and not (workplace / "saved").exists(), "RecBole's litter stays out"


def test_any_model_runs_on_a_split_that_was_written(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--split", "cold_item", "--seeds", "1", "--config", str(write_grid(workplace))]
    assert main(["benchmark", "--dataset", "tiny", "--models", "EASE", "--output", "out", *more]) == 0
    (split,) = (workplace / "out" / "splits").iterdir()
    capsys.readouterr()
    where = [f"--dataset={split.name}", "--data_path=out/splits"]
    assert main(["run", "--model=EASE", *where, "--topk=[5]", "--valid_metric=NDCG@5", "--state=ERROR"]) == 0
    lines = map(str.split, capsys.readouterr().out.splitlines())
    said = {line[0]: line[2] for line in lines if len(line) == 3}  # metric, valid, test
    results = json.loads((workplace / "out" / "results.json").read_text())
    assert float(said["ndcg@5"]) == pytest.approx(results["runs"][0]["test"]["ndcg@5"], abs=1e-4)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--models", "Popp"], "no model [Popp]. Did you mean [Pop]"),
        (["--models", "Pop", "--split", "cold"], "Unknown split [cold]"),
        (["--models", "Pop", "--jobs", "0"], "--jobs [0] must be 1 or more"),
        (["--models", "Pop", "--time-limit", "-5"], "--time-limit [-5.0] is not a number above 0"),
        (["--models", "Pop", "--memory-limit", "0"], "--memory-limit [0.0] is not a number above 0"),
        (["--models", "Pop", "--seeds", "-1", "5", "--split", "cold_item"], "seeds [-1, 5] must be"),
        (["--models", "Pop", "--share", "0.7"], "--share [0.7]: the split random takes no share"),
        (["--models", "Pop", "--share", "0.7", "--split", "leave_one_out"], "the split leave_one_out takes no share"),
        (["--models", "Pop", "--dataset", "nowhere"], "nowhere"),
        (["--models", "Pop", "--epoch=1"], "Unknown key [--epoch]. Did you mean"),
        (["--models", "Pop", "--seed", "3"], "[--seed] is not of the form --key=value"),
        (["--models", "Pop", "--seed=3"], "[seed] is the same for every row, so give --seeds"),
        (["--models", "Pop", "--valid_metric", "NDCG@7"], "validation metric [NDCG@7] is none of those measured"),
        (
            ["--models", "Pop", "--metrics", "GAUC", "Recall", "--valid-metric", "GAUC@10"],
            "validation metric [GAUC@10]: GAUC is over whole rankings",
        ),
        (["--models", "KTRec", "--fusion=summ"], "Row [KTRec]: fusion [summ] is not one of id, text, sum"),
        (["--models", "KTEASE", "--user_power=2"], "Row [KTEASE]: user_power [2] is not a number from 0 to 1"),
        (["--models", "BPR", "--tune", "2", "--eval_step=0"], "Row [BPR]: with eval_step 0 nothing is validated"),
        (
            ["--models", "Pop", "SASRec"],
            "Row [SASRec]: [SASRec] is a sequential model: RecBole runs it on histories in their order, not on the "
            "split random. Give --split leave_one_out,",
        ),
        (["--models", "GRU4Rec", "--split", "time"], "not on the split time. Give --split leave_one_out,"),
        (["--models", "Pop", "--threshold={rating: 4}"], 'Give val_interval: {rating: "[4,inf)"} instead'),
        (
            ["--models", "Pop", "--load_col={inter: [user_id, item_id, label]}"],
            'Give val_interval: {label: "(0,inf)"}',
        ),
        (["--models", "Pop", "--LABEL_FIELD=rating", "--load_col=~"], "Column [rating] holds labels"),
        (["--models", "Pop", "--topk", "10", "500"], "topk [500] is more than the [30] items of [tiny]"),
    ],
)
def test_mistakes_end_with_a_message(
    workplace: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert main(["benchmark", "--dataset", "tiny", "--output", "out", *more]) == 2
    assert message in capsys.readouterr().err
    assert not (workplace / "out").exists(), "a refused one leaves nothing"


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("BPR: {shown_on: 2024-05-01}", "shown_on"),
        ("all: {val_interval: {timestamp: 2024-05-01}}", "val_interval"),
        ("BPR: {tune: {shown_on: {choice: [2024-05-01]}}}", "shown_on"),
        ("BPR: {shown_on: {2024-05-01: 1}}", "shown_on"),
        ("BPR: {shown_on: !!set {a}}", "shown_on"),
    ],
)
def test_a_value_that_no_job_can_be_told_is_refused_before_all_of_them(
    workplace: Path, capsys: pytest.CaptureFixture[str], said: str, key: str
) -> None:
    (workplace / "options.yaml").write_text(f"{said}\n")
    asked = ["--models", "BPR", "--options", "options.yaml", "--output", "out", "--tune", "1"]
    assert main(["benchmark", "--dataset", "tiny", *asked]) == 2
    assert f"{key} [" in (told := capsys.readouterr().err) and "put it in quotes" in told
    assert not (workplace / "out").exists()


def children(pid: int) -> list[int]:
    """Process ids of the children of ``pid`` (Linux)."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_ten_kills_at_random_change_nothing(workplace: Path) -> None:
    """Parent and children are killed by SIGKILL at ten random moments; then the same results.json."""
    config = str(write_grid(workplace))
    command = [sys.executable, "-W", "ignore", "-m", "recbole_ktrec", "benchmark", "--dataset", "tiny", "--models"]
    command += ["Pop", "ItemKNN", "EASE", "BPR", "--seeds", "2", "--jobs", "2", "--config", config, "--tune", "2"]
    command += ["--split", "cold_item", "--share", "0.3", "--data-path", str(workplace / "dataset"), "--output"]

    def start(output: str) -> subprocess.Popen[bytes]:
        log = (workplace / f"{output}.log").open("ab")
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen([*command, output], cwd=workplace, stdout=log, stderr=log, env=env)

    def results(output: str) -> dict[str, Any]:
        return json.loads((workplace / output / "results.json").read_text())

    assert start("calm").wait(timeout=900) == 0
    rng = random.Random(5)
    victims = ["parent", "child"] * 5
    rng.shuffle(victims)
    process = start("killed")
    deadline = time.monotonic() + 1500
    while victims and time.monotonic() < deadline:
        if process.poll() is not None:  # it was done sooner: again, with half of the jobs to do
            for path in sorted((workplace / "killed" / "jobs").glob("*.json"))[::2]:
                path.unlink()
            process = start("killed")
        young = children(process.pid)
        if not young and (victims[0] == "child" or rng.random() < 0.95):
            time.sleep(0.05)  # most parents are killed at work, a few while they start
            continue
        time.sleep(rng.uniform(0, 6))
        if victims[0] == "parent":
            process.kill()
            process.wait()
            victims.pop(0)
            process = start("killed")
        elif young := children(process.pid):
            with contextlib.suppress(ProcessLookupError):  # it ended just now: another one
                os.kill(rng.choice(young), signal.SIGKILL)
                victims.pop(0)
    process.wait(timeout=900)
    assert start("killed").wait(timeout=900) == 0
    assert not victims, "all ten took place"
    assert repeatable(results("killed")) == repeatable(results("calm"))
    assert not list((workplace / "killed" / "jobs").glob("*.scratch"))
