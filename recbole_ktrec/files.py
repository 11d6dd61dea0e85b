"""Files that appear whole or not at all, written beside and then renamed; files of keys and values."""

from __future__ import annotations

import contextlib
import functools
import glob
import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from recbole_ktrec.errors import ConfigError, DataError, nearest

#: A partial file has the process and the thread that write it in its name.
_WRITER = re.compile(r"\.(\d+)-\d+\.partial$")
_ABANDONED = 3600.0


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write; it takes the name ``path`` if all goes well, and vanishes if not.

    Two processes (or threads) that write the same file do not meet: the last one to finish wins, whole. What a killed
    one has left of the same file goes, see :func:`remove_abandoned`.
    """
    remove_abandoned(path.parent, path.name)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def remove_abandoned(folder: Path, name: str = "") -> None:
    """Remove what killed processes have left of the file ``name``, or of any, in ``folder``.

    One that was written to within :data:`_ABANDONED` seconds stays, since the process may be of another machine.
    """
    for left in folder.glob(f"{glob.escape(name) or '*'}.*.partial"):
        writer = _WRITER.search(left.name)
        with contextlib.suppress(OSError):  # another process has just removed or renamed it
            if writer and time.time() - left.stat().st_mtime > _ABANDONED and not _lives(int(writer[1])):
                left.unlink()


def _lives(process: int) -> bool:
    if os.name == "nt":  # a signal would end it there; a file that is open cannot be removed anyway
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # of another user; no process of this machine
        pass
    return True


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


class _Loader(yaml.SafeLoader):
    """Reads YAML, but refuses a key that stands twice in one mapping, of which it would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of ``node``.

        Raises:
            MarkedYAMLError: a key stands there twice.
        """
        found: set[tuple[str, str]] = set()
        for key, _ in node.value:
            same = (key.tag, str(key.value))
            if isinstance(key, yaml.ScalarNode) and same in found:
                raise yaml.MarkedYAMLError(problem=f"key [{key.value}] stands there twice", problem_mark=key.start_mark)
            found.add(same)
        return super().construct_mapping(node, deep)


def read_mapping(path: Path, what: str = "") -> dict[str, Any]:
    """Read a YAML file of keys and values; an empty one has none.

    Args:
        what: stands before the path in messages.

    Raises:
        ConfigError: the file is missing, is no YAML in UTF-8, has a key twice, or holds no mapping.
    """
    title = f"{what} [{path}]".lstrip()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
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
