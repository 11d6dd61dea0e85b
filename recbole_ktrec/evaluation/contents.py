"""What the paths in a configuration hold: a result depends on that, not on where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import KTRecError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.model.artifact import content_sha256
from recbole_ktrec.model.artifact_card import artifact_folder
from recbole_ktrec.text import TextSettings, locate_encoder


def contents(config: Mapping[str, Any]) -> dict[str, str]:
    """Return key -> digest of what it names, of those that are given and are there (the job says what is missing)."""
    found = {}
    if config.get("pretrained"):
        found["pretrained"] = _artifact(artifact_folder(config))
    if config.get("text_encoder"):
        found["text_encoder"] = _encoder(config)
    for name in _sources(config):
        folder = Path(str(config["source_data_path"])).expanduser() / name
        files = [folder / f"{name}.{suffix}" for suffix in ("inter", "item", "user", "yaml")]
        found[f"source {name}"] = " ".join(file_sha256(path) for path in files if path.is_file())
    return {key: digest for key, digest in found.items() if digest}


def _sources(config: Mapping[str, Any]) -> list[str]:
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
