"""Train and evaluate one model on one data set, as RecBole's run_recbole does, and print a short table at the end.

Any setting of RecBole or of the model is given as --key=value, such as --epochs=20, --topk=[5,10] or
--metrics=['Recall','NDCG'] --valid_metric=NDCG@10. The model is KTRec and the data set ml-100k (which RecBole ships)
unless a configuration file or an option says otherwise; other data sets are looked up in --data_path (dataset/).

  ktrec run
  ktrec run --model=BPR --dataset=ml-100k --epochs=20
  ktrec run --dataset=my-shop --data_path=data --config_files='shop.yaml tuned.yaml' --learning_rate=0.003
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import math
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from recbole_ktrec.commands.data import check_dataset, data_folder
from recbole_ktrec.commands.options import check_options, files_in, read_config_files, read_options
from recbole_ktrec.commands.session import add_threads, set_threads, terminable
from recbole_ktrec.commands.values import check_values, doubts, long_lists
from recbole_ktrec.errors import KTRecError
from recbole_ktrec.register.arguments import no_command_line, quoted
from recbole_ktrec.register.models import MODELS
from recbole_ktrec.register.own_models import HELP, register_own
from recbole_ktrec.register.properties import config_files_for, converted_file, dataset_files, model_files
from recbole_ktrec.resources import resource_dir


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is not a key of RecBole's configuration."""
    parser.allow_abbrev = False
    parser.epilog = f"Every key of the plugin, with its meaning: {resource_dir('properties')}/*.yaml and model/*.yaml"
    parser.usage = f"{parser.prog} [--model=M] [--dataset=D] [--config_files='A.yaml B.yaml'] [--key=value ...]"
    parser.add_argument("--model", help="a model of RecBole or this plugin (default: KTRec, or the registered one)")
    parser.add_argument("--register", nargs="+", default=[], metavar="M=MODULE", help=HELP)
    parser.add_argument("--dataset", help="name of a data set (default: ml-100k)")
    parser.add_argument("--config_files", default="", help="YAML files, separated by blanks; later ones override")
    add_threads(parser)
    parser.add_argument("--nproc", type=int, default=1, help="processes on this machine (default: %(default)s)")
    parser.add_argument("--world_size", type=int, default=-1, help="processes on all machines (default: nproc)")
    parser.add_argument("--group_offset", type=int, default=0, help="rank of the first process of this machine")
    parser.add_argument("--ip", default="localhost", help="address of the first machine (default: %(default)s)")
    parser.add_argument("--port", help="port of the first machine (default: a free one)")


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Run, and print where everything is."""
    args, rest = parser.parse_known_args(argv)
    options, files = read_options(rest), files_in(args.config_files)
    registered = register_own(args.register)
    filed = read_config_files(files)
    said = {**filed, **options}
    model = args.model or said.get("model", registered[0] if len(registered) == 1 else "KTRec")
    dataset = args.dataset or said.get("dataset", "ml-100k")
    beside = [str(file) for file in converted_file(dataset, said.get("data_path"))]
    warnings = check_options(options, model, {**read_config_files(beside), **filed})
    files = beside + files
    own = [*(model_files(model) if model in MODELS else ()), *dataset_files(dataset)]
    in_force = {**read_config_files([*map(str, own), *files]), **options}
    check_values(in_force, model)
    warnings += doubts(in_force)
    check_dataset(dataset, in_force)
    warnings += _leaks(dataset, in_force) if model in MODELS else []
    for warning in warnings:  # and at the end, where the log has not carried them away
        print(f"warning     {warning}", file=sys.stderr, flush=True)
    for hint in long_lists(model, in_force):
        print(f"hint        {hint}", file=sys.stderr, flush=True)
    threads = set_threads(args.threads, args.nproc)
    start = time.time()
    with no_command_line():
        result, saved = _train(args, model, dataset, config_files_for(model, dataset) + files, quoted(options))
    checkpoint = saved.get("checkpoint") or _newest(said.get("checkpoint_dir", "saved"), model, start)
    if not saved and checkpoint is not None:
        saved = _read_back(checkpoint)
    print(f"\n{model} on {dataset}\n{table(result)}")
    for warning in warnings:
        print(f"warning     {warning}")
    for line in (*learned_lines(saved), *transfer_lines(getattr(saved.get("model"), "transfer_choice", {}))):
        print(line)
    for file in [*(dataset_files(dataset) if model in MODELS else config_files_for(model, dataset)), *files]:
        print(f"settings    {file}")
    print(f"checkpoint  {checkpoint or '-'}")
    print(f"time        {time.time() - start:.1f} s ({threads} thread{'s' if threads > 1 else ''})")
    return 0


def learned_lines(saved: Mapping[str, Any]) -> list[str]:
    """Return which epoch's weights were kept (-1: none ran), and what part of the scores is the closed form's."""
    lines, model = list[str](), saved.get("model")
    if (kept := saved.get("epoch")) is not None:
        told = f"{kept + 1} (counted from 1; RecBole's log counts from 0)" if kept >= 0 else "none, no epoch ran"
        lines.append(f"best epoch  {told}")
    if not math.isnan(closed := getattr(model, "closed_share", math.nan)):
        why = ": zero-shot trains nothing" if getattr(model, "zero_shot", False) else ", as ranks validation data best"
        lines.append(f"scores      {1 - closed:.0%} neural, {closed:.0%} closed form{why}")
    return lines


def _leaks(dataset: str, said: dict[str, Any]) -> list[str]:
    """Warn of an artifact that was learned from the run's own data; what is damaged is told by the model."""
    if not said.get("pretrained"):
        return []
    from recbole_ktrec.model.artifact import load
    from recbole_ktrec.model.artifact_card import artifact_folder
    from recbole_ktrec.model.transfer import leakage

    with contextlib.suppress(KTRecError):
        folder, artifact = data_folder(dataset, said), load(artifact_folder(said))
        return [found] if (found := leakage(artifact, {**said, "dataset": dataset, "data_path": folder})) else []
    return []


def transfer_lines(choice: dict[str, Any]) -> list[str]:
    """Return what a model took of its artifact, and why, a line for each part that chooses."""
    if not choice:
        return []
    closed = choice.get("closed_form")
    parts = (("text vectors: ", choice), ("closed form: ", closed)) if closed else (("", choice),)
    return [f"transfer    {part}{_taken(one['used'], one['why'])} ({one['why']})" for part, one in parts]


def _taken(used: str, why: str) -> str:
    """Return what was taken of an artifact: where no data chose it, ``why`` may say that its shape is not."""
    from recbole_ktrec.model.artifact import READ_WITH_ITS_MODEL, UNLIKE
    from recbole_ktrec.model.transfer import shown

    if used != "transferred":
        return f"{shown(used)} taken, artifact unused"
    if UNLIKE not in why:
        return "artifact taken"
    return "of the artifact its language model alone" if READ_WITH_ITS_MODEL in why else "artifact unused"


def _free_port(ip: str) -> str:
    with socket.socket() as free:
        free.bind((ip if ip in ("localhost", "127.0.0.1") else "", 0))
        return str(free.getsockname()[1])


def _train(
    args: argparse.Namespace, model: str, dataset: str, files: list[str], options: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run RecBole; return its result, and ``epoch``, ``model`` and ``checkpoint`` of the last save if it was here."""
    from recbole.quick_start import run
    from recbole.trainer import Trainer

    saved: dict[str, Any] = {}
    save = Trainer._save_checkpoint

    @functools.wraps(save)
    def _save_checkpoint(self: Any, epoch: int, *others: Any, **kwargs: Any) -> None:
        saved.update(epoch=epoch, model=self.model, checkpoint=kwargs.get("saved_model_file", self.saved_model_file))
        save(self, epoch, *others, **kwargs)

    processes = {"nproc": args.nproc, "world_size": args.world_size, "group_offset": args.group_offset}
    Trainer._save_checkpoint = _save_checkpoint
    try:
        with terminable():
            result = run(model, dataset, files, options, **processes, ip=args.ip, port=args.port or _free_port(args.ip))
    finally:
        Trainer._save_checkpoint = save
    return result or {}, saved


def _newest(folder: str, model: str, since: float) -> Path | None:
    """Return the checkpoint of ``model`` that other processes wrote after ``since``, if there is one."""
    found = [path for path in Path(folder).glob(f"{model}-*.pth") if path.stat().st_mtime >= since]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _read_back(checkpoint: Path) -> dict[str, Any]:
    """Return what :func:`_train` tells of a save, of one that other processes (``--nproc``) made."""
    import torch

    stored = torch.load(str(checkpoint), map_location="cpu", weights_only=False, mmap=True)  # str: torch 2.2
    kept, zero_shot = stored.get("other_parameter") or {}, stored["config"]["transfer"] == "zero_shot"
    told = {"transfer_choice": kept.get("transfer_choice") or {}, "closed_share": kept.get("closed_share", math.nan)}
    return {"epoch": stored.get("epoch"), "model": SimpleNamespace(**told, zero_shot=zero_shot)}


def table(result: dict[str, Any]) -> str:
    """Return the metrics of RecBole's ``result`` as lines ``metric  valid  test``."""
    valid, test = result.get("best_valid_result") or {}, result.get("test_result") or {}
    width = max([len(name) for name in (*valid, *test)], default=6)
    rows = [f"{'metric':<{width}}  {'valid':>8}  {'test':>8}"]
    for name in dict.fromkeys((*valid, *test)):
        cells = [f"{side[name]:>8.4f}" if name in side else f"{'-':>8}" for side in (valid, test)]
        rows.append(f"{name:<{width}}  {'  '.join(cells)}")
    return "\n".join(rows)
