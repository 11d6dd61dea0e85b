"""What the result of a job depends on: settings, data, code, versions, and what the paths in the settings hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import KTRecError
from recbole_ktrec.evaluation.code import code_sha256
from recbole_ktrec.evaluation.environment import versions
from recbole_ktrec.files import file_sha256, read_mapping
from recbole_ktrec.model.artifact import content_sha256
from recbole_ktrec.model.artifact_card import artifact_folder
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.properties import model_files
from recbole_ktrec.text import TextSettings, locate_encoder


def job_key(spec: Mapping[str, Any]) -> str:
    """Return a hash of ``spec`` and of what the paths in it hold, but not of where that lies."""
    config = spec["config"]
    where = {"dataset": None, "data_path": None}  # a folder that was moved holds the same data
    held = contents(config)
    measured_with = {"versions": versions(), "defaults": model_defaults(spec["model"]), "contents": held}
    placeless = {**config, **dict.fromkeys(("source_data_path", *set(held) & set(config)))}
    identity = {**spec, "config": placeless, "prepared": {**spec["prepared"], **where}, **measured_with}
    if spec["model"] in MODELS:
        identity["code"] = code_sha256()
    if "source" in spec:
        identity["source"] = spec["source"]["sha256"]
    if "texts" in spec:
        identity["texts"] = {**spec["texts"], **contents(spec["texts"])}
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:24]


def model_defaults(model: str) -> list[dict[str, Any]]:
    """Return what the property files of a registered model say: other defaults give another result."""
    return [read_mapping(path) for path in model_files(model)] if model in MODELS else []


def contents(config: Mapping[str, Any]) -> dict[str, str]:
    """Return key -> digest of what it names, of those that are given and are there (the job says what is missing)."""
    found = {}
    if config.get("pretrained"):
        found["pretrained"] = _artifact(artifact_folder(config))
    if config.get("text_encoder"):
        found["text_encoder"] = _encoder(config)
    for name in source_names(config):
        folder = Path(str(config["source_data_path"])).expanduser() / name
        files = [folder / f"{name}.{suffix}" for suffix in ("inter", "item", "user", "yaml")]
        found[f"source {name}"] = " ".join(file_sha256(path) for path in files if path.is_file())
    return {key: digest for key, digest in found.items() if digest}


def source_names(config: Mapping[str, Any]) -> list[str]:
    """Return the data sets that ``source_datasets`` names, one without brackets too."""
    given = config.get("source_datasets") or []
    return [given] if isinstance(given, str) else [str(name) for name in given]


def _artifact(folder: Path) -> str:
    try:
        return content_sha256(folder)
    except KTRecError:
        return ""


def _encoder(config: Mapping[str, Any]) -> str:
    """Of an encoder in a folder: one that is named is told by its name and the versions of the packages."""
    try:
        settings = TextSettings.from_mapping(config)
        return locate_encoder(settings).sha256() if Path(settings.encoder).expanduser().is_dir() else ""
    except KTRecError:
        return ""
