"""Raw files are read where they lie: in folders, archives, compressed; nothing may point outside an archive."""

import bz2
import gzip
import hashlib
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec.errors import DataError, MissingExtraError
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.reading import blocks

TEXT = b"user,item\n1,2\n"


def content(inputs: Inputs, name: str) -> bytes:
    (member,) = inputs.find("x", name)
    with inputs.stream(member) as stream:
        return stream.read()


def tar_of(path: Path, *infos: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in infos:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_known_by_its_first_bytes(raw: Callable[..., Path], pack: Callable[[bytes], bytes]) -> None:
    folder = raw({"sub/a.csv": pack(TEXT)})
    inputs = Inputs.of([folder])
    assert content(inputs, "a.csv") == TEXT
    stored = (folder / "sub" / "a.csv").read_bytes()
    assert inputs.read["sub/a.csv"] == {"bytes": len(stored), "sha256": hashlib.sha256(stored).hexdigest()}
    assert inputs.head(inputs.members[0], 4) == b"user"


def test_zip_and_tar_are_read_in_place(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ml/deep/a.csv.gz", gzip.compress(TEXT))
    tar_of(tmp_path / "b.tar.gz", (tarfile.TarInfo("./x/b.csv"), TEXT))
    inputs = Inputs.of([tmp_path])
    assert content(inputs, "a.csv") == TEXT and content(inputs, "B.CSV") == TEXT
    assert set(inputs.read) == {"a.zip!ml/deep/a.csv.gz", "b.tar.gz!./x/b.csv"}
    assert inputs.read["b.tar.gz!./x/b.csv"]["sha256"] == hashlib.sha256(TEXT).hexdigest()


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "C:\\a.csv", "..\\a.csv"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_member_that_points_outside_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), TEXT)
    else:
        tar_of(path, (tarfile.TarInfo(name), TEXT))
    with pytest.raises(DataError, match="points outside"):
        Inputs.of([path])


@pytest.mark.parametrize(("kind", "target"), [(tarfile.SYMTYPE, "../../etc/passwd"), (tarfile.LNKTYPE, "/etc/passwd")])
def test_a_link_that_points_outside_is_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    info = tarfile.TarInfo("d/link.csv")
    info.type, info.linkname = kind, target
    with pytest.raises(DataError, match="points outside"):
        Inputs.of([tar_of(tmp_path / "a.tar.gz", (info, b""))])


def test_a_link_inside_is_no_file_of_its_own(tmp_path: Path) -> None:
    info = tarfile.TarInfo("d/link.csv")
    info.type, info.linkname = tarfile.SYMTYPE, "../a.csv"
    inputs = Inputs.of([tar_of(tmp_path / "a.tar.gz", (tarfile.TarInfo("a.csv"), TEXT), (info, b""))])
    assert [member.path for member in inputs.members] == ["a.csv"]


@pytest.mark.parametrize("cut", [20, 60, 515])
def test_a_truncated_file_is_named(raw: Callable[..., Path], cut: int) -> None:
    noise = random.Random(0).randbytes(500)
    inputs = Inputs.of([raw({"a.gz": gzip.compress(noise)[:cut]})])
    with pytest.raises(DataError, match=r"\[a.gz\] cannot be read to its end.*Fetch it again"):
        content(inputs, "a")


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar"])
def test_a_damaged_archive_is_named(raw: Callable[..., Path], name: str) -> None:
    folder = raw({name: b"no archive at all", "b.csv": TEXT})
    with pytest.raises(DataError, match="The archive .* cannot be read"):
        Inputs.of([folder / name])
    inputs = Inputs.of([folder])
    assert content(inputs, "b.csv") == TEXT
    with pytest.raises(DataError, match=rf"found: {name}, b.csv.*The archive .*{name}\] cannot be read: .*[^.]\.$"):
        inputs.find("x", "ratings.csv")
    with pytest.raises(DataError, match="The archive .* cannot be read"):
        content(inputs, "a*")


def test_a_damaged_archive_beside_is_warned_of(convert: Callable[..., Any], capsys: pytest.CaptureFixture[str]) -> None:
    rows, _ = convert({"a.zip": b"none", "c.csv": "user_id,item_id\na,x\n"}, "--interactions", "c.csv")
    assert rows["inter"][1:] == [["a", "x"]]
    assert "a.zip] cannot be read: File is not a zip file: nothing of it was read" in capsys.readouterr().out


def test_zstd_without_its_extra_names_the_command(raw: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    inputs = Inputs.of([raw({"a.zst": b"\x28\xb5\x2f\xfd rest"})])
    with pytest.raises(MissingExtraError, match=r"pip install 'recbole-ktrec\[zstd\]'"):
        content(inputs, "a")


def zstd(*parts: bytes, **parameters: int) -> bytes:
    """Return the parts as frames, one after the other."""
    module = pytest.importorskip("zstandard", reason="extra [zstd] is not installed")
    chosen = module.ZstdCompressionParameters.from_level(3, **parameters)
    frames = [(module.ZstdCompressor(compression_params=chosen).compressobj(), part) for part in parts]
    return b"".join(frame.compress(part) + frame.flush() for frame, part in frames)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_zstd_of_one_and_of_several_frames(raw: Callable[..., Path], end: bytes) -> None:
    lines = [b"%d,%d" % (k, k * k) for k in range(50_000)]
    text, half = b"\n".join(lines) + end, 300_001
    skip = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    files = {"a.zst": zstd(text), "b.zst": zstd(text[:half], text[half:]), "c.zst": skip + zstd(text)}
    inputs = Inputs.of([raw(files)])
    for member in inputs.members:
        with inputs.stream(member) as stream:
            chunks = list(blocks(stream, member.name, 1 << 16))
        assert b"".join(chunk for _, _, chunk in chunks) == text
        assert sum(count for _, count, _ in chunks) == len(lines)
        assert inputs.head(member, 5) == text[:5]
    assert {name: each["sha256"] for name, each in inputs.read.items()} == {
        name: hashlib.sha256(stored).hexdigest() for name, stored in files.items()
    }


def test_zstd_of_a_long_window(raw: Callable[..., Path]) -> None:
    noise = random.Random(0).randbytes(1000) + b"\n"
    inputs = Inputs.of([raw({"a.zst": zstd(noise, window_log=28)})])
    assert content(inputs, "a") == noise


@pytest.mark.parametrize("cut", [20, 600, -1])
def test_a_truncated_zstd_is_named(raw: Callable[..., Path], cut: int) -> None:
    noise = random.Random(0).randbytes(1000)
    inputs = Inputs.of([raw({"a.zst": zstd(noise, noise[:500])[:cut], "b.zst": zstd(noise) + b"junk"})])
    with pytest.raises(DataError, match=r"\[a.zst\] cannot be read to its end: comp.*Fetch it again"):
        content(inputs, "a")
    with pytest.raises(DataError, match=r"\[b.zst\] cannot be read to its end.*Fetch it again"):
        content(inputs, "b")


def test_roles_patterns_and_what_is_missing(raw: Callable[..., Path]) -> None:
    folder = raw(
        {
            "meta_Toys.json": "{}",
            "Toys.json": "{}",
            ".hidden.json": "{}",
            ".d/x.json": "{}",
            "d/conversion.json": "{}",
            "odd": "x",
        }
    )
    inputs = Inputs.of([folder], {"meta": folder / "odd"})
    assert [m.path for m in inputs.find("reviews", "*review*", "*.json", exclude="meta*")] == ["Toys.json"]
    assert [m.path for m in inputs.find("meta", "meta*.json")] == ["odd"]
    assert inputs.find("users", "*user*", required=False) == []
    with pytest.raises(DataError, match=r"No file for \[users\].*found: .*Toys.json.*--file users=PATH"):
        inputs.find("users", "*user*")
    with pytest.raises(DataError, match="does not exist"):
        Inputs.of([folder / "absent"])


def test_a_file_of_a_role_may_be_in_the_user_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "r.csv").write_text("a\n")
    assert [member.path for member in Inputs.of([], {"ratings": "~/r.csv"}).find("ratings")] == ["r.csv"]


def test_a_file_of_a_role_that_nothing_asks_for_is_refused(
    convert: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n"}
    given = f"raitings={tmp_path / 'raw' / 'ratings.csv'}"
    assert convert(files, "--file", given, source="movielens") == 2
    error = capsys.readouterr().err
    assert "--file raitings: no file of that role is read here, only: movies, ratings, tags" in error
    assert "Did you mean [ratings]?" in error


@pytest.mark.parametrize("role", ["interactions", "inter"])
def test_roles_of_a_table_are_its_parts(
    convert: Callable[..., Any], tmp_path: Path, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"c.csv": "user_id,item_id\na,x\n", "d/c.csv": "user_id,item_id\nb,y\n"}
    assert convert(files, "--interactions", "c.csv") == 2
    assert "Say which by --file interactions=PATH" in capsys.readouterr().err
    rows, _ = convert({}, "--interactions", "c.csv", "--file", f"{role}={tmp_path / 'raw' / 'd' / 'c.csv'}")
    assert rows["inter"][1:] == [["b", "y"]]
    assert convert({}, "--interactions", "*.csv", "--file", f"itms={tmp_path / 'raw' / 'c.csv'}", "--overwrite") == 2
    assert "--file itms: no file of that role is read here, only: interactions" in capsys.readouterr().err
    named = (
        "--file",
        f"interactions={tmp_path / 'raw' / 'd' / 'c.csv'}",
        "--file",
        f"items={tmp_path / 'raw' / 'c.csv'}",
    )
    rows, _ = convert({}, *named, "--overwrite")
    assert rows["inter"][1:] == [["b", "y"]] and rows["item"][1:] == [["x", "a"]]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("train/c.csv", {"train/c.csv": "u", "test/c.csv": "v"}),
        ("TRAIN/*.csv", {"raw/train/c.csv.gz": "u", "test/c.csv": "v"}),
        ("c[1].csv", {"c[1].csv": "u", "c1.txt": "v"}),
    ],
)
def test_a_pattern_may_name_a_folder_and_a_name_hold_brackets(
    convert: Callable[..., Any], pattern: str, files: dict[str, str]
) -> None:
    written = {name: f"user_id,item_id\n{user},x\n" for name, user in files.items()}
    rows, _ = convert(written, "--interactions", pattern)
    assert rows["inter"][1:] == [["u", "x"]]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"PAR1\x15\x04", "a parquet file: let its name end in .parquet"),
        (b"PK\x03\x04", "a zip archive or a workbook: let its name end in .zip or .xlsx"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS in the place of the file"),
        (b"\n<!DOCTYPE html>\n<html></html>\n", "a web page, such as one that asks for a login"),
        (b"c.csv" + bytes(252) + b"ustar", "a tar archive: let its name end in .tar"),
    ],
)
@pytest.mark.parametrize("name", ["c.csv", "ratings.csv"])
def test_a_file_that_holds_no_lines_is_told_for_what_it_is(
    convert: Callable[..., Any], name: str, start: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, options = ("table", ["--interactions", name]) if name == "c.csv" else ("movielens", [])
    assert convert({name: start}, *options, source=source) == 2
    assert f"[{name}] is {message}" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "mode"), [("b.tbz2", "w:bz2"), ("b.txz", "w:xz")])
def test_short_endings_of_tar_archives(tmp_path: Path, name: str, mode: Any) -> None:
    with tarfile.open(tmp_path / name, mode) as archive:
        info = tarfile.TarInfo("x/b.csv")
        info.size = len(TEXT)
        archive.addfile(info, io.BytesIO(TEXT))
    assert content(Inputs.of([tmp_path]), "b.csv") == TEXT
