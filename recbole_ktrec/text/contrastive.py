"""A language model trained further on source data sets: items that one user took should have like vectors.

A step takes parts of users' histories, every two items of one user being a pair (supervised contrastive loss, Khosla et
al. 2020, arXiv:2004.11362), or, with ``contrastive_field_pairs``, pairs of an item's own fields (symmetric in-batch
softmax over cosines: InfoNCE, van den Oord et al. 2018, arXiv:1807.03748). A batch is of one data set, the data sets in
turn, so that negatives are of the same domain and the model cannot win by telling domains apart. One data set is held
out; pairs of items that its users took are measured by the InfoNCE loss and by ranks. The weights that are best by
``contrastive_criterion`` are kept, the untouched encoder's among them: training that does not help there changes
nothing, and no encoder is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from recbole_ktrec.errors import CacheError, ConfigError, DataError
from recbole_ktrec.files import write_whole
from recbole_ktrec.text.contrastive_loop import ContrastiveTraining, held_out_name, refuse_other
from recbole_ktrec.text.contrastive_settings import ContrastiveSettings
from recbole_ktrec.text.export import check_savable, export_encoder
from recbole_ktrec.text.fingerprint import COMPARED, encoder_fingerprint
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.pairs import TextDomain
from recbole_ktrec.text.settings import TextSettings

ENCODER, REPORT = "encoder", "training.json"


# Long by what there is to say of it: half of it is the docstring.
def train_encoder(
    domains: Sequence[TextDomain],
    text: TextSettings,
    settings: ContrastiveSettings,
    output: str | Path,
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> Path | None:
    """Train the encoder that ``text`` names on all ``domains`` but the held-out one, and return its new folder.

    Killed, it goes on where it was when it is called again; finished, it returns at once. The same arguments give the
    same weights, interrupted or not.

    Args:
        domains: two or more, with different names.
        text: the encoder to begin with, and in ``encoder_training`` what of it is trained.
        output: a folder; the result is ``<output>/encoder``, fit for ``text_encoder``, with a record of the training in
            ``training.json``.

    Returns:
        That folder, or None where no step made it better on the held-out domain: the encoder is then the one that
        ``text`` names, and the record is in ``output`` itself.

    Raises:
        ConfigError: fewer than two domains, an unknown held-out one, nothing to be trained, or ``output`` holds a
            training with other settings or data.
        DataError: a domain has no pairs.
        EncoderError: the encoder cannot be loaded, trained or saved.
        CacheError: another process trains there, or the disk is full.
    """
    _check_arguments(domains, text, settings)
    folder = Path(output)
    job = describe_job(domains, text, settings)
    state = folder / f"{ENCODER}.training"
    state.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(state / "lock", timeout=0):
            if not _finished(folder, job):
                check_savable(text)
                run = ContrastiveTraining(domains, text, settings, state, job, torch.device(device))
                report = run.train(show_progress)
                _publish(run, folder, report)
    except Timeout as error:
        busy = f"Another process trains an encoder in [{folder}]: wait for it, or give another folder."
        raise CacheError(busy) from error
    shutil.rmtree(state, ignore_errors=True)
    return folder / ENCODER if (folder / ENCODER).is_dir() else None


def read_report(folder: str | Path) -> dict[str, Any] | None:
    """Return the record of the training in ``folder``, that of an encoder or what :func:`train_encoder` calls output;
    None if there is none."""
    path = Path(folder) / REPORT
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"[{path}] cannot be read as JSON: {error}") from error


def describe_job(
    domains: Sequence[TextDomain], text: TextSettings, settings: ContrastiveSettings
) -> dict[str, dict[str, Any]]:
    """Return what the result of a training depends on, as plain values."""
    fingerprint = encoder_fingerprint(text, locate_encoder(text))
    return {
        "encoder": {part: fingerprint[part] for part in COMPARED},
        "text settings": _training(text),
        "settings": {**asdict(settings), "held_out": held_out_name(domains, settings)},
        "data sets": {domain.name: _digest(domain) for domain in domains},
    }


def _training(text: TextSettings) -> dict[str, Any]:
    """Return what is trained; a key of another way of training stands there with its default, whatever was given."""
    trained = ("encoder_training", "last_layers", "lora_rank", "lora_alpha", "lora_dropout")
    read = [name for name in trained if name.startswith(("encoder_training", text.encoder_training))]
    return {f"text_{name}": getattr(text if name in read else TextSettings(), name) for name in trained}


def _digest(domain: TextDomain) -> str:
    total = hashlib.sha256()
    for part in (domain.texts, domain.field_pairs):
        total.update(json.dumps(list(part)).encode())
    for array in (domain.interactions.indptr, domain.interactions.indices):
        total.update(np.asarray(array, dtype=np.int64).tobytes())
    return total.hexdigest()


def _check_arguments(domains: Sequence[TextDomain], text: TextSettings, settings: ContrastiveSettings) -> None:
    names = [domain.name for domain in domains]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ConfigError(
            f"The language model is trained on two or more different data sets, one of them held out, not on {names}."
        )
    held_out_name(domains, settings)
    if text.encoder_training == "frozen":
        raise ConfigError("text_encoder_training [frozen] trains nothing: choose last_layers, lora or full.")


def _finished(output: Path, job: dict[str, dict[str, Any]]) -> bool:
    encoder = output / ENCODER
    where = encoder if encoder.exists() else output
    report = read_report(where)
    if report is None:
        if where is encoder:
            raise ConfigError(f"[{encoder}] exists and was not trained here: give another --output.")
        return False
    refuse_other(report["job"], job, where)
    return True


def _publish(run: ContrastiveTraining, output: Path, report: dict[str, Any]) -> None:
    """Write the encoder beside its folder and rename it; of one that stayed as it was, the record alone.

    Its files would have another digest than those that it came from, and every text would be encoded again.
    """
    text = json.dumps(report, indent=1)
    if not report["best_step"]:
        write_whole(output / REPORT, text)
        return
    partial = output / f"{ENCODER}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    export_encoder(run.encoder, partial, run.samples())
    (partial / REPORT).write_text(text, encoding="utf-8")
    os.replace(partial, output / ENCODER)
