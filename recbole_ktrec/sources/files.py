"""Where raw data lies: folders, single files, zip and tar archives, each read in place and decompressed on the way."""

from __future__ import annotations

import bz2
import fnmatch
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from tqdm import tqdm

from recbole_ktrec.errors import ConfigError, DataError, MissingExtraError, nearest
from recbole_ktrec.sources import zstd
from recbole_ktrec.sources.reading import check_start

#: First bytes of a compressed file -> what opens it (the last: a frame to skip, as pzstd writes first).
MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x50\x2a\x4d\x18": "zstd",
}
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
#: What a decompressor raises on a damaged or truncated file.
DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError)


class DamagedArchive(DataError):
    """An archive whose members cannot be listed."""


@dataclass(frozen=True)
class Member:
    """One file, on disk or inside an archive.

    Attributes:
        name: what messages call it, such as ``ml-1m.zip!ml-1m/ratings.dat``.
        path: its path below the input that was given, with forward slashes.
        size: bytes as stored on disk, or as unpacked from an archive.
        open: opens the stored bytes (still compressed if it is, say, a ``.gz``).
        damage: why nothing is listed of an archive, which then is a member itself.
    """

    name: str
    path: str
    size: int
    open: Callable[[], BinaryIO]
    damage: str = ""

    @property
    def base(self) -> str:
        """The last part of the path, in lower case."""
        return PurePosixPath(self.path).name.lower()

    def fits(self, pattern: str) -> bool:
        """Say whether the last parts of the path, as many as ``pattern`` (in lower case) has, are or match it."""
        end = "/".join(PurePosixPath(self.path.lower()).parts[-1 - pattern.count("/") :])
        return end == pattern or fnmatch.fnmatchcase(end, pattern)


@dataclass
class Inputs:
    """All files below the given paths, and what was read of them (``read``: name -> bytes and SHA-256).

    Attributes:
        given: role -> the files that were named for it.
        asked: the roles for which files were looked for.
    """

    members: list[Member]
    given: Mapping[str, list[Member]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    read: dict[str, dict[str, object]] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Sequence[str | Path], roles: Mapping[str, str | Path] | None = None) -> Inputs:
        """List ``paths`` (folders, files, archives); ``roles`` names files outright: ``{"reviews": "~/x.gz"}``."""
        found = [(path, member) for path in paths for member in _members(Path(path))]
        alike = len({member.name for _, member in found}) < len(found)  # MINDsmall_train and MINDsmall_dev, say
        members = [replace(one, name=f"{path}/{one.name}") if alike else one for path, one in found]
        return cls(members, {role: _members(Path(path).expanduser()) for role, path in (roles or {}).items()})

    def find(self, role: str, *patterns: str, exclude: str = "", required: bool = True) -> list[Member]:
        """Return the files of ``role``: those given by name, else those that fit the first pattern that any file fits
        (case does not count; ``.gz`` and the like may follow), but for those of ``exclude``."""
        self.asked.add(role)
        if role in self.given:
            return self.given[role]
        for pattern in patterns:
            wanted = [pattern.lower() + end for end in ("", ".gz", ".bz2", ".xz", ".zst")]
            found = [m for m in self.members if not m.fits(exclude) and any(map(m.fits, wanted))]
            if found:
                return sorted(found, key=lambda m: m.name)
        if required:
            have = ", ".join(sorted(m.path for m in self.members)[:12]) or "nothing"
            raise DataError(
                f"No file for [{role}] (looked for {', '.join(patterns)}); found: {have}. "
                f"Name it with --file {role}=PATH.{''.join(f' {each}.' for each in self.damaged())}"
            )
        return []

    def damaged(self) -> list[str]:
        """Return what is to be said of archives in folders that could not be opened."""
        return [member.damage for member in self.members if member.damage]

    def one(self, role: str, *patterns: str, required: bool = True) -> list[Member]:
        """Return the file of ``role`` as :meth:`find` does, in a list; several would be taken for parts of one.

        Raises:
            DataError: there are several; the message names two.
        """
        found = self.find(role, *patterns, required=required)
        if len(found) > 1:
            raise DataError(
                f"[{found[0].name}] and [{found[1].name}] are of two data sets, or one twice: leave one, or say "
                f"--file {role}=PATH."
            )
        return found

    def check_roles(self) -> None:
        """Fail if a file was given for a role that nothing looked for.

        Raises:
            ConfigError: names the role and those that were looked for.
        """
        for role in self.given.keys() - self.asked:
            known = ", ".join(sorted(self.asked))
            raise ConfigError(
                f"--file {role}: no file of that role is read here, only: {known}.{nearest(role, self.asked)}"
            )

    def head(self, member: Member, size: int) -> bytes:
        """Return the first ``size`` bytes of a file, decompressed (fewer if it is shorter or damaged)."""
        with member.open() as stored:
            try:
                start = bytes(_decompress(io.BufferedReader(cast(Any, stored)), member.name).read(size))
            except DAMAGE as error:
                raise DataError(f"[{member.name}] cannot be read: {error}. Fetch it again.") from error
        check_start(start, member.name)
        return start

    @contextmanager
    def stream(self, member: Member) -> Iterator[BinaryIO]:
        """Open a file for reading, decompressed, with a progress bar over its stored bytes; hash it on the way."""
        with tqdm(total=member.size, unit="B", unit_scale=True, desc=member.base, disable=None, leave=False) as bar:
            try:
                with member.open() as stored:
                    watched = _Watched(stored, bar)
                    raw = io.BufferedReader(cast(Any, watched), 1 << 20)
                    yield _decompress(raw, member.name)
                    while raw.read(1 << 20):  # what follows the compressed data belongs to the hash
                        pass
            except DAMAGE as error:
                if isinstance(error, (DataError, MissingExtraError)):
                    raise
                raise DataError(f"[{member.name}] cannot be read to its end: {error}. Fetch it again.") from error
        self.read.setdefault(member.name, {"bytes": watched.bytes, "sha256": watched.digest.hexdigest()})


class _Watched(io.RawIOBase):
    """Pass bytes through, counting and hashing them."""

    def __init__(self, stored: BinaryIO, bar: tqdm) -> None:
        self._stored, self._bar = stored, bar
        self.bytes, self.digest = 0, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._stored.readinto(buffer)  # type: ignore[attr-defined]
        self.bytes += count
        self.digest.update(buffer[:count])
        self._bar.update(count)
        return count


def _decompress(raw: io.BufferedReader, name: str) -> BinaryIO:
    start = raw.peek(6)[:6]
    kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "")
    if kind == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if kind == "bz2":
        return cast(BinaryIO, bz2.BZ2File(raw))
    if kind == "xz":
        return cast(BinaryIO, lzma.LZMAFile(raw))
    if kind == "zstd":
        return zstd.opened(cast(BinaryIO, raw), name)
    return raw


def _members(path: Path) -> list[Member]:
    if path.is_dir():
        found = [each for each in _files_below(path) if each.name != "conversion.json"]  # our own accounts
        return [member for each in sorted(found) for member in _of_folder(each, each.relative_to(path).as_posix())]
    if path.is_file():
        return _of_file(path, path.name)
    raise DataError(f"[{path}] does not exist.")


def _files_below(path: Path) -> Iterator[Path]:
    """Yield the files below a folder, but for hidden ones and those in hidden folders."""
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _of_folder(path: Path, shown: str) -> list[Member]:
    """List a file of a folder; an archive that is damaged may be none of those wanted, and fails where it is read."""
    try:
        return _of_file(path, shown)
    except DamagedArchive as error:
        return [
            Member(shown, shown, path.stat().st_size, partial(_fail, error), str(error).split("\n")[0].rstrip(".:"))
        ]


def _fail(error: Exception) -> BinaryIO:
    raise error


def _of_file(path: Path, shown: str) -> list[Member]:
    if not path.name.lower().endswith(ARCHIVES):
        return [Member(shown, shown, path.stat().st_size if path.exists() else 0, lambda: _opened(path))]
    try:
        return _of_zip(path, shown) if path.suffix.lower() == ".zip" else _of_tar(path, shown)
    except DAMAGE as error:
        if isinstance(error, DataError):
            raise
        raise DamagedArchive(f"The archive [{path}] cannot be read: {error}.") from error


def _opened(path: Path) -> BinaryIO:
    """Open a file; a link to nothing is told where it is read, not where it is listed."""
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"[{path}] cannot be opened: {error.strerror}.") from error


def _of_zip(path: Path, shown: str) -> list[Member]:
    def opener(name: str) -> Callable[[], BinaryIO]:
        return lambda: cast(BinaryIO, zipfile.ZipFile(path).open(name))

    with zipfile.ZipFile(path) as archive:
        entries = [info for info in archive.infolist() if not info.is_dir() and not _hidden(info.filename)]
    for info in entries:
        _refuse_outside(path, info.filename)
    return [
        Member(f"{shown}!{info.filename}", info.filename, info.file_size, opener(info.filename)) for info in entries
    ]


def _of_tar(path: Path, shown: str) -> list[Member]:
    def opener(name: str) -> Callable[[], BinaryIO]:
        return lambda: cast(BinaryIO, tarfile.open(path).extractfile(name))

    members = []
    with tarfile.open(path) as archive:
        for info in archive:
            _refuse_outside(path, info.name)
            if info.issym() or info.islnk():
                base = PurePosixPath(info.name).parent if info.issym() else PurePosixPath()
                _refuse_outside(path, str(base / info.linkname))
            elif info.isfile() and not _hidden(info.name):
                members.append(Member(f"{shown}!{info.name}", info.name, info.size, opener(info.name)))
    return members


def _hidden(name: str) -> bool:
    """Say whether a member is hidden, or what macOS puts beside each file of an archive."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)


def _refuse_outside(archive: Path, name: str) -> None:
    """Refuse a member whose path leaves the archive, however it is spelt."""
    depth = 0
    for part in name.replace("\\", "/").split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            break
    if depth < 0 or name.startswith(("/", "\\")) or name[1:2] == ":":
        raise DataError(f"The archive [{archive}] holds a member that points outside, [{name}]: refused.")
