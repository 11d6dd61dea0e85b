"""A model of the user's own as a row of ``ktrec benchmark``, in real processes, and by ``ktrec run``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recbole_ktrec
from recbole_ktrec.cli import main
from tests.register.conftest import SOURCE

ROOT = Path(recbole_ktrec.__file__).resolve().parent.parent
SCHEMA = ROOT / "recbole_ktrec" / "evaluation" / "results.schema.json"
Ktrec = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ktrec(workplace: Path) -> Ktrec:
    """A function that runs the command beside a module ``mine``, from a folder that Python does not look into."""
    (workplace / "mine.py").write_text(f"from helper import SCALE\n{SOURCE}\n")
    (workplace / "helper.py").write_text("SCALE = 1\n")
    (workplace / "TinyTower.yaml").write_text("tiny_width: 6\n")
    (workplace / "grid.yaml").write_text(
        "seeds: 1\ntopk: [5]\nmetrics: [Recall, NDCG]\nvalid_metric: NDCG@5\ntext_diversity: False\nrows: [Pop]\n"
        "all: {epochs: 2, eval_step: 1, state: ERROR, use_gpu: False}\n"
    )
    (workplace / "options.yaml").write_text("wide: {model: TinyTower, tiny_width: 12}\n")
    code = "import sys; sys.path.remove(''); from recbole_ktrec.cli import main; sys.exit(main())"

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, env=env, timeout=300)

    return run


def runs(output: str) -> dict[str, Any]:
    results = json.loads(Path(output, "results.json").read_text())
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(results, json.loads(SCHEMA.read_text()))
    return {run["model"]: run for run in results["runs"]}


def test_a_model_of_ones_own_is_a_row(ktrec: Ktrec) -> None:
    more = ["--config", "grid.yaml", "--options", "options.yaml", "--split", "cold_item"]
    done = ktrec("benchmark", "--dataset", "tiny", "--register", "TinyTower=mine", "--output", "out", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(Path("out", "results.json").read_text())
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(results, json.loads(SCHEMA.read_text()))
    found = {run["model"]: run for run in results["runs"]}
    assert list(found) == ["Pop", "TinyTower", "wide"], "registered, so a row"
    source = found["TinyTower"]["source"]
    assert source["files"] == ["helper.py", "mine.py", "TinyTower.yaml"] and source == found["wide"]["source"]
    assert found["wide"]["parameters"] == 2 * found["TinyTower"]["parameters"] and "source" not in found["Pop"]
    told = f"[TinyTower] of [mine] (helper.py, mine.py, TinyTower.yaml; SHA-256 {source['sha256'][:12]})"
    assert f"{told}: 2 rows, TinyTower, wide." in done.stdout and "best built-in row" not in done.stdout


def test_without_its_module_it_is_no_model(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "mine.py").write_text(SOURCE)
    assert main(["benchmark", "--dataset", "tiny", "--models", "TinyTower", "--output", "out"]) == 2
    told = capsys.readouterr().err
    assert "RecBole has no model [TinyTower]. One of your own: --register TinyTower=MODULE." in told


def test_run_and_recommend_take_it_too(ktrec: Ktrec) -> None:
    more = ["--epochs=1", "--topk=[5]", "--valid_metric=NDCG@5", "--state=ERROR", "--tiny_width=5"]
    done = ktrec("run", "--register", "TinyTower=mine", "--dataset=tiny", *more)
    assert done.returncode == 0, done.stderr
    assert "TinyTower on tiny" in done.stdout, "the only one registered is the one that is meant"
    (saved,) = Path("saved").glob("TinyTower-*.pth")
    asked = ["recommend", "--checkpoint", str(saved), "--users", "u1", "--topk", "3"]
    done = ktrec(*asked)
    assert done.returncode == 2 and "holds a model of the module [mine], which is not found: give --reg" in done.stderr
    done = ktrec(*asked, "--register", "TinyTower=mine")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 4, done.stderr
