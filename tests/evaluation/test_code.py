"""Results of the plugin's own models depend on its code; those of RecBole's models do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ktrec.evaluation import code, job_key
from recbole_ktrec.evaluation.benchmark import run_benchmark
from recbole_ktrec.evaluation.code import code_sha256, digest_of, keep_code
from recbole_ktrec.evaluation.grid import Grid, make_job, prepare_datasets
from recbole_ktrec.evaluation.runner import Runner


def test_code_counts_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "a.py").write_text("x = 1\n")
    first = digest_of(tmp_path)
    (tmp_path / "nn" / "a.pyc").write_text("y")
    (tmp_path / "commands.py").write_text("y")
    assert digest_of(tmp_path) == first
    (tmp_path / "nn" / "a.py").write_text("x = 2\n")
    assert digest_of(tmp_path) != first
    assert len(code_sha256()) == 64


def test_only_rows_of_the_plugin_depend_on_it(tiny_grid: Callable[..., Grid], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tiny_grid("EASE", "KTEASE", "KTRec")
    plan = prepare_datasets(asked, Path("splits"))[0]

    def keys() -> list[str]:
        return [make_job(asked, plan, entry, 2020, "final", {}).key for entry in asked.entries]

    before = keys()
    monkeypatch.setattr(job_key, "code_sha256", lambda: "other")
    after = keys()
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]


def test_a_folder_that_was_made_with_other_code_is_told(
    tiny_grid: Callable[..., Grid], in_process: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def notes(*models: str) -> list[str]:
        return [one for one in run_benchmark(tiny_grid(*models), in_process, workplace / "out")[1] if "code" in one]

    assert notes("KTEASE") == [] == notes("KTEASE")
    monkeypatch.setattr(code, "code_sha256", lambda: "other")
    assert notes("Pop") == []
    (told,) = notes("KTEASE")
    assert told.startswith(f"[{in_process.folder}] was made with other code of recbole_ktrec") and "anew" in told
    assert notes("KTEASE") == []
    assert notes("Pop", "KTEASE") == []
    (in_process.folder / "code.sha256").unlink()
    assert keep_code(in_process.folder), "a folder of before does not tell"


@pytest.mark.parametrize("first", [("Pop", "KTEASE"), ("Pop",)])
def test_what_goes_on_after_a_kill_is_not_told_as_done_anew(
    tiny_grid: Callable[..., Grid],
    in_process: Runner,
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, ...],
) -> None:
    def killed(*_: object) -> None:
        (in_process.folder / "of-a-row.json").write_text('{"status": "done"}')
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recbole_ktrec.evaluation.benchmark.run_grid", killed)
        with pytest.raises(KeyboardInterrupt):
            run_benchmark(tiny_grid(*first), in_process, workplace / "out")
    assert not [one for one in run_benchmark(tiny_grid("KTEASE"), in_process, workplace / "out")[1] if "code" in one]
