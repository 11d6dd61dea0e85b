"""Checkpoints of ``ktrec run``, read with the data that they were trained on."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from recbole_ktrec.commands.session import without_rays_handler
from recbole_ktrec.errors import ConfigError, DataError, nearest


def load(checkpoint: Path) -> tuple[Any, Any]:
    """Return the model of a checkpoint and its whole data set, see :func:`load_with_validation`."""
    return load_with_validation(checkpoint)[:2]


def load_with_validation(checkpoint: Path) -> tuple[Any, Any, Any]:
    """Return the model of a checkpoint, its whole data set and RecBole's loader of the validation part.

    Raises:
        DataError: the file is not there, or is no checkpoint.
        ConfigError: the model scores the next step of a sequence, not a user.
    """
    if checkpoint.is_dir():
        saved = sorted(checkpoint.glob("*.pth"), key=lambda path: path.stat().st_mtime)
        latest = f" Its latest is [{saved[-1]}]." if saved else ""
        raise DataError(f"The checkpoint [{checkpoint}] is a folder: name a file of it.{latest}")
    if not checkpoint.is_file():
        others = [str(path) for path in checkpoint.parent.glob("*.pth")] if checkpoint.parent.is_dir() else []
        raise DataError(f"The checkpoint [{checkpoint}] does not exist.{nearest(str(checkpoint), others)}")
    with without_rays_handler():
        from recbole.quick_start import load_data_and_model
    from recbole.utils import ModelType

    before = logging.root.manager.disable
    logging.disable(logging.INFO)  # RecBole prints every setting
    try:
        _, model, dataset, _, valid, _ = load_data_and_model(str(checkpoint))
    except (UnpicklingError, EOFError, OSError, LookupError, TypeError, RuntimeError, ImportError) as error:
        if why := _no_checkpoint(error):
            raise DataError(f"[{checkpoint}] is no checkpoint of `ktrec run`: {why}") from error
        if module := _module_of_its_own(error):
            raise ConfigError(
                f"[{checkpoint}] holds a model of the module [{module}], which is not found: give --register "
                f"MyModel={module} in the folder where it lies (Python: import it first)."
            ) from error
        raise
    finally:
        logging.disable(before)
    if model.type == ModelType.SEQUENTIAL:
        raise ConfigError(f"[{checkpoint}] holds a sequential model: ktrec recommend serves models that score users.")
    return model.eval(), dataset, valid


def _module_of_its_own(error: Exception) -> str | None:
    """Return the module of a user's own that the checkpoint names and Python does not find."""
    read = any(frame.name == "find_class" for frame in traceback.extract_tb(error.__traceback__))
    return error.name if read and isinstance(error, ModuleNotFoundError) else None


def _no_checkpoint(error: Exception) -> str:
    """Return what is wrong with the file, or nothing where the error is of something else than reading it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if isinstance(error, ImportError):  # the first byte of a text is read as a name; else a model's package is missing
        return "it holds something else" if last.name == "_legacy_load" else ""
    if isinstance(error, UnpicklingError | EOFError) or "torch/serialization" in Path(last.filename).as_posix():
        return str(error).partition("\n")[0] or "it is damaged"
    of_checkpoint = last.name == "load_data_and_model" and "checkpoint" in (last.line or "")
    return "it holds something else" if of_checkpoint else ""
