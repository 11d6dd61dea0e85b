"""Which files a user's own model comes from, and a hash of them: its results depend on these.

Nothing is run for it: the file of its module, what that imports from the same folder, and so on, and its property file.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.files import file_sha256
from recbole_ktrec.register.models import MODELS, is_of_package, model_class, register_model

#: Told by their versions and by the hash of the package's own code.
_TOLD_ELSEWHERE = ("recbole", "recbole_ktrec")


def own_source(name: str) -> dict[str, Any] | None:
    """Return what another process registers the model ``name`` by, and the hash of its source; None unless it is one
    that a user has registered.

    Raises:
        ConfigError: it stands in the script that runs, or in no file, where another process cannot import it.
    """
    if name not in MODELS or is_of_package(name):
        return None
    module, kind, _, own = MODELS[name]
    model_class(name)
    file = Path(getattr(sys.modules[module], "__file__", None) or "")
    if module == "__main__" or file.suffix != ".py":
        raise ConfigError(
            f"Model [{name}] stands in [{module}], which no other process can import: write it at the top of a file of "
            "its own, such as my_models.py, and register it by that."
        )
    folder = file.resolve().parents[module.count(".") + (file.stem == "__init__")]
    told: dict[str, Any] = {"model": name, "module": module, "kind": kind, "folder": str(folder)}
    told["property_file"] = None if own is None else str(own)
    return {**told, "files": _names(told), "sha256": _digest(told)}


def restore(told: Mapping[str, Any]) -> None:
    """Register in this process the model that :func:`own_source` has told of in another one.

    Raises:
        ConfigError: its source has changed since.
    """
    if _digest(told) != told["sha256"]:
        raise ConfigError(
            f"[{', '.join(told['files'])}] in [{told['folder']}] changed while the comparison ran: the same command "
            f"again measures [{told['model']}] as it is now."
        )
    holding = [folder for folder in sys.path if _file_of(told["module"], Path(folder))]
    if holding[:1] != [told["folder"]]:
        sys.path.insert(0, told["folder"])
    register_model(told["model"], told["module"], told["kind"], told["property_file"])


def _names(told: Mapping[str, Any]) -> list[str]:
    own = told["property_file"]
    return [*_files(told["module"], Path(told["folder"])), *([] if own is None else [Path(own).name])]


def _digest(told: Mapping[str, Any]) -> str:
    """Return a SHA-256 over the files, by their names below the folder: one that was moved is the same."""
    lines = [f"{name} {file_sha256(path)}" for name, path in _files(told["module"], Path(told["folder"])).items()]
    lines += [] if told["property_file"] is None else [f"settings {file_sha256(Path(told['property_file']))}"]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(module: str, folder: Path) -> dict[str, Path]:
    """Return name below ``folder`` -> file of ``module`` and of all that it imports from there, in order."""
    found, waiting = dict[str, Path](), [module]
    installed = {"site-packages", "dist-packages"} & set(folder.parts)
    while waiting:
        parts = waiting.pop().split(".")
        if parts[0] in _TOLD_ELSEWHERE or (installed and parts[0] != module.partition(".")[0]):
            continue
        for end in range(1, len(parts) + 1):  # a package is run before what is in it
            name = ".".join(parts[:end])
            path = _file_of(name, folder)
            if path is not None and (key := path.relative_to(folder).as_posix()) not in found:
                found[key] = path
                waiting += _imported(path, name)
    return dict(sorted(found.items()))


def _file_of(module: str, folder: Path) -> Path | None:
    """Return the file of ``module`` below ``folder``, None if it is not there."""
    base = folder.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.parent / f"{base.name}.py") if path.is_file()), None)


def _imported(path: Path, module: str) -> Iterator[str]:
    """Yield the dotted names that the file of ``module`` imports anywhere; some may be of what is in a module."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:  # whoever imports it is told
        return
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            whole = [*above, *([node.module] if node.module else [])]
            yield from (".".join([*whole, alias.name]) for alias in node.names)
