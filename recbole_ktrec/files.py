"""Files that appear whole or not at all, written beside and then renamed; files of keys and values."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from recbole_ktrec.errors import ConfigError, DataError, nearest


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write; it takes the name ``path`` if all goes well, and vanishes if not.

    Two processes (or threads) that write the same file do not meet: the last one to finish wins, whole.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """As :func:`replacing`; the folder is made.

    Raises:
        DataError: the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            yield partial
    except OSError as error:
        raise DataError(f"[{path}] cannot be written: {error.strerror or error}.") from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write ``content`` (text as UTF-8) to ``path``; a killed run leaves at most a ``.partial`` beside it.

    Raises:
        DataError: the disk refuses.
    """
    with whole_file(path) as partial:
        partial.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def nearest_folder(folder: Path) -> str:
    """Return the hint at the folder beside ``folder`` whose name is most alike, see :func:`errors.nearest`."""
    root = folder.parent
    return nearest(folder.name, [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else [])


def check_name(name: str) -> None:
    """Raise DataError if the data set ``name`` is a path, which RecBole would look for below ``data_path``."""
    folder = Path(name)
    if folder.name != name:
        where = f"give its name, [{folder.name}], and the folder that holds it, --data_path={folder.parent}"
        raise DataError(f"Data set [{name}] is a path: {where}.")


def check_data_folder(folder: Path, title: str, advice: str) -> None:
    """Raise DataError, with the nearest name, if the folder of a data set is not there.

    Args:
        title, advice: what the message begins and ends with.
    """
    if not folder.is_dir():
        where = f"the folder [{folder.absolute()}] does not exist.{nearest_folder(folder)}"
        raise DataError(f"{title}: {where} {advice}")


def check_interactions(folder: Path, name: str, title: str) -> None:
    """Raise DataError if the folder of data set ``name`` lacks its ``.inter`` file."""
    if not (folder / f"{name}.inter").is_file():
        raise DataError(f"{title}: the folder [{folder.absolute()}] has no file [{name}.inter].")


def read_mapping(path: Path, what: str = "") -> dict[str, Any]:
    """Read a YAML file of keys and values; an empty one has none.

    Args:
        what: stands before the path in messages.

    Raises:
        ConfigError: the file is missing, is no YAML in UTF-8, or holds no mapping.
    """
    title = f"{what} [{path}]".lstrip()
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{title} cannot be read: {error}") from error
    if content is not None and not isinstance(content, dict):
        raise ConfigError(f"{title} must hold a mapping of keys to values, and holds a {type(content).__name__}.")
    return content or {}


def with_numbers(value: Any) -> Any:
    """Turn YAML 1.1's strings such as ``1e-3`` into the numbers that people mean (RecBole's reader does so too)."""
    if isinstance(value, dict):
        return {key: with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    if isinstance(value, str) and value[:1] in "+-.0123456789" and "e" in value.lower():
        try:
            return float(value)
        except ValueError:
            return value
    return value


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file; in a hub cache the file's blob already bears it as its name."""
    real = path.resolve()
    if real.parent.name == "blobs" and len(real.name) == 64:
        return real.name
    stat = real.stat()
    return _hash(real, stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _hash(path: Path, size: int, modified: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()
