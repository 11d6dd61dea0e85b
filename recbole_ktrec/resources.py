"""Where the property files and dataset configurations lie: inside an installed wheel, or beside the package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_dir(name: str) -> Path:
    """Return the folder ``properties`` or ``dataset_configs``.

    A wheel carries the folder inside the package; a checkout (and an editable install) has it beside the package.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"The folder [{name}] of recbole_ktrec is missing: reinstall the package.")


def model_property_file(model: str) -> Path:
    """Return the plugin's property file of ``model`` (it may not exist)."""
    return resource_dir("properties") / "model" / f"{model}.yaml"


def dataset_property_file(dataset: str) -> Path:
    """Return the plugin's property file of ``dataset`` (it may not exist)."""
    return resource_dir("dataset_configs") / f"{dataset}.yaml"
