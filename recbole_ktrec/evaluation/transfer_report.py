"""The whole of ``ktrec transfer-report``: jobs to numbers to files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import MissingExtraError
from recbole_ktrec.evaluation.code import keep_code
from recbole_ktrec.evaluation.notes import nameless_notes, parts_notes
from recbole_ktrec.evaluation.report.transfer import render
from recbole_ktrec.evaluation.results import write_json
from recbole_ktrec.evaluation.runner import Runner
from recbole_ktrec.evaluation.stored import check_folder, other_report, stored
from recbole_ktrec.evaluation.texts import encode_ahead
from recbole_ktrec.evaluation.transfer_grid import Curve, encoding_grid, plan_curve
from recbole_ktrec.evaluation.transfer_results import SCHEMA, assemble
from recbole_ktrec.files import write_whole
from recbole_ktrec.model.artifact import content_sha256
from recbole_ktrec.model.artifact_card import checked_card


def run_curve(curve: Curve, runner: Runner, output: Path, overwrite: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Run what is not done yet; write ``results.json``, ``report.md`` and ``curve.png``; return results and notes.

    Args:
        overwrite: whether the report of another curve may be replaced; its jobs stay.

    Raises:
        ConfigError: ``output`` holds such a report, or what another command has written.
    """
    check_folder(output, SCHEMA)
    if not overwrite:
        _refuse_other_curve(curve, output)
    with runner.locked():
        plan = plan_curve(curve, output / "splits")
        splits = replace(plan.data, prepared=dict(enumerate(plan.prepared.values())))
        notes = parts_notes(plan.data) + nameless_notes(plan.data)
        notes += encode_ahead(encoding_grid(plan), [splits], runner.workers)
        notes += keep_code(runner.folder)
        runner.run(list(plan.jobs.values()), "Curve")
        results = assemble(plan, runner)
        write_json(output / "results.json", results)
        notes += write_files(results, output)
    return results, notes


def _refuse_other_curve(curve: Curve, output: Path) -> None:
    """Refuse a folder with the report of another curve, or with shares that are not asked for now; more may be."""
    settings = {
        "dataset": curve.dataset, "model": curve.model, "transfer": curve.transfer, "split": curve.kind,
        "cold_share": curve.held_out, "sample": curve.sample,
    }  # fmt: skip
    was = stored(output, "settings") or {}
    if other := [key for key, value in settings.items() if was.get(key, value) != value]:
        raise other_report(output, f"of {', '.join(f'{key} [{was[key]}]' for key in other if was[key] is not None)}")
    if lost := [share for share in was.get("shares", ()) if share not in curve.shares]:
        raise other_report(output, f"with {', '.join(f'{share:g} %' for share in lost)}")
    checked_card(curve.pretrained)  # a folder that is no artifact is told as such
    artifact, sha256 = stored(output, "artifact") or {}, content_sha256(curve.pretrained)
    if (held := artifact.get("sha256", sha256)) != sha256:
        sources = ", ".join(f"[{name}]" for name in artifact.get("sources", ()))
        raise other_report(output, f"of another artifact, learned from {sources} (sha256 {held[:16]})")


def write_files(results: dict[str, Any], output: Path) -> list[str]:
    """Write the report and, with matplotlib, the plot; return what could not be done."""
    notes, plotted = [], True
    try:
        from recbole_ktrec.evaluation.report.transfer_plot import draw

        draw(results, output / "curve.png")
    except MissingExtraError as error:
        notes, plotted = [str(error)], False
    write_whole(output / "report.md", render(results, plotted))
    return notes
