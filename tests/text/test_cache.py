from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ktrec.errors import CacheError
from recbole_ktrec.text.cache import NO_TEXT, VectorCache, text_key

DIM = 4
PRINT: dict[str, Any] = {
    "encoder": "org/tiny", "revision": None, "sha256": "0" * 64, "pooling": "mean", "prompt": "", "max_length": 8,
    "dtype": "float32",
}  # fmt: skip
KEYS = [text_key(f"text {i}") for i in range(10)]
ROWS = np.arange(10 * DIM, dtype=np.float32).reshape(10, DIM)


def opened(root: Path, **changes: Any) -> VectorCache:
    cache = VectorCache(root, {**PRINT, **changes})
    cache.refresh()
    return cache


def filled(root: Path, count: int = 10) -> VectorCache:
    cache = opened(root)
    with cache.writing():
        cache.describe(DIM)
        missing = cache.missing(KEYS[:count])
        cache.append([KEYS[i] for i in missing], ROWS[missing])
    return cache


def cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def test_text_key() -> None:
    assert text_key(None) == NO_TEXT
    assert len(text_key("a")) == 16 and text_key("a") != text_key("b")
    assert text_key("\ud800"), "a lone surrogate has a key too"


def test_what_is_stored_is_found_by_another_process(tmp_path: Path) -> None:
    filled(tmp_path)
    again = opened(tmp_path)
    assert again.dim == DIM and again.missing(KEYS) == []
    order = [KEYS[3], NO_TEXT, KEYS[0], KEYS[3]]
    np.testing.assert_array_equal(again.gather(order), [ROWS[3], [0] * DIM, ROWS[0], ROWS[3]])


def test_missing_names_each_new_text_once_and_never_no_text(tmp_path: Path) -> None:
    cache = filled(tmp_path, 2)
    assert cache.missing([KEYS[0], KEYS[5], NO_TEXT, KEYS[5], KEYS[6]]) == [1, 4]


def test_only_what_shapes_vectors_makes_another_folder(tmp_path: Path) -> None:
    assert opened(tmp_path).folder == opened(tmp_path, revision="main").folder
    for part, value in {"sha256": "1" * 64, "pooling": "cls", "prompt": "x", "max_length": 9, "dtype": "f"}.items():
        assert opened(tmp_path, **{part: value}).folder != opened(tmp_path).folder


def test_the_folder_says_what_it_holds(tmp_path: Path) -> None:
    folder = filled(tmp_path).folder
    assert folder.parent == tmp_path / "vectors" and folder.name.startswith("org-tiny-")
    assert json.loads((folder / "fingerprint.json").read_text()) == {**PRINT, "dim": DIM}


@pytest.mark.parametrize("name", ["vectors.f32", "rows.index"])
@pytest.mark.parametrize("share", [0.5, 0.53, 0.0])
def test_a_file_cut_short_costs_its_tail_only(tmp_path: Path, name: str, share: float) -> None:
    cut(filled(tmp_path).folder / name, share)
    cache = opened(tmp_path)
    lost = 10 - int(10 * share)
    assert cache.missing(KEYS) == list(range(10 - lost, 10))
    filled(tmp_path)
    repaired = opened(tmp_path)
    assert repaired.missing(KEYS) == []
    np.testing.assert_array_equal(repaired.gather(KEYS), ROWS)
    assert (repaired.folder / "vectors.f32").stat().st_size == ROWS.nbytes


def test_changed_bytes_are_noticed_and_encoded_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = filled(tmp_path).folder
    with (folder / "vectors.f32").open("r+b") as handle:
        handle.seek(2 * 4 * DIM)
        handle.write(b"\xff\xff")
    assert opened(tmp_path).missing(KEYS) == [2]
    assert "1 vectors" in caplog.text and "damaged" in caplog.text
    filled(tmp_path)
    caplog.clear()
    np.testing.assert_array_equal(opened(tmp_path).gather(KEYS), ROWS)
    assert "damaged" not in caplog.text


@pytest.mark.parametrize("dim", [DIM // 2, DIM + 1])
def test_a_wrong_length_in_the_description_is_put_right(tmp_path: Path, dim: int) -> None:
    path = filled(tmp_path).folder / "fingerprint.json"
    path.write_text(json.dumps({**PRINT, "dim": dim}))
    for _ in range(2):
        np.testing.assert_array_equal(filled(tmp_path).gather(KEYS), ROWS)
    assert opened(tmp_path).missing(KEYS) == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"dim": null}'])
def test_a_damaged_description_is_written_again(tmp_path: Path, content: str) -> None:
    folder = filled(tmp_path).folder
    (folder / "fingerprint.json").write_text(content)
    assert opened(tmp_path).dim is None
    filled(tmp_path)
    assert opened(tmp_path).dim == DIM and opened(tmp_path).missing(KEYS) == []


@pytest.mark.parametrize("damage", ["half", "no checksum", "one byte", "empty"])
def test_a_damaged_view_is_copied_again(tmp_path: Path, damage: str) -> None:
    cache = filled(tmp_path)
    cache.gather(KEYS)
    (view,) = (cache.folder / "views").iterdir()
    if damage == "one byte":
        content = bytearray(view.read_bytes())
        content[-10] ^= 1
        view.write_bytes(content)
    else:
        os.truncate(
            view, {"half": view.stat().st_size // 2, "no checksum": view.stat().st_size - 4, "empty": 0}[damage]
        )
    assert cache.view(KEYS) is None
    np.testing.assert_array_equal(cache.gather(KEYS), ROWS)
    np.testing.assert_array_equal(cache.view(KEYS), ROWS)


def test_views_are_mapped_and_few(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    views = [cache.gather(KEYS[i:]) for i in range(6)]
    assert all(isinstance(view, np.memmap) for view in views)
    assert len(list((cache.folder / "views").iterdir())) == 4
    np.testing.assert_array_equal(views[0], ROWS)


def test_what_a_model_writes_into_its_vectors_stays_there(tmp_path: Path) -> None:
    """A buffer that shared them was loaded from a checkpoint, and the process ended by a signal: a read-only map."""
    cache = filled(tmp_path)
    cache.gather(KEYS)
    module = torch.nn.Module()
    module.register_buffer("texts", torch.as_tensor(cache.view(KEYS)))
    module.load_state_dict({"texts": torch.zeros(ROWS.shape)})
    assert not module.texts.any()
    np.testing.assert_array_equal(cache.view(KEYS), ROWS)


def test_two_threads_append_one_after_the_other(tmp_path: Path) -> None:
    threads = [threading.Thread(target=filled, args=(tmp_path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache = opened(tmp_path)
    assert (cache.folder / "rows.index").stat().st_size == 10 * 20, "whoever waits finds the rows of the first"
    np.testing.assert_array_equal(cache.gather(KEYS), ROWS)


APPENDER = """
import sys, numpy as np
from pathlib import Path
from recbole_ktrec.text.cache import VectorCache, text_key
root, who, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
for step in range(count):
    cache = VectorCache(root, {fingerprint})
    with cache.writing():
        cache.describe({dim})
        number = who * 100000 + step
        cache.append([text_key(str(number))], np.full((1, {dim}), number, np.float32))
"""


def appender(root: Path, who: int, count: int) -> subprocess.Popen[str]:
    code = APPENDER.format(fingerprint=PRINT, dim=DIM)
    command = [sys.executable, "-c", code, str(root), str(who), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def check_all(cache: VectorCache, numbers: list[int]) -> None:
    np.testing.assert_array_equal(
        cache.gather([text_key(str(number)) for number in numbers])[:, 0], np.array(numbers, np.float32)
    )


def test_two_processes_at_once_lose_and_mix_nothing(tmp_path: Path) -> None:
    processes = [appender(tmp_path, who, 40) for who in (1, 2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    check_all(opened(tmp_path), [who * 100000 + step for who in (1, 2) for step in range(40)])


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_process_leaves_its_rows_and_no_lock(tmp_path: Path) -> None:
    process = appender(tmp_path, 1, 100000)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    while sum(1 for step in range(20) if opened(tmp_path).missing([text_key(str(100000 + step))])):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    check_all(opened(tmp_path), [100000 + step for step in range(20)])
    started = time.monotonic()
    np.testing.assert_array_equal(filled(tmp_path).gather(KEYS), ROWS)
    assert time.monotonic() - started < 5, "the lock of a dead process is free"


def test_a_reader_needs_no_lock(tmp_path: Path) -> None:
    writer = filled(tmp_path, 5)
    with writer.writing():
        reader = opened(tmp_path)
        assert reader.missing(KEYS) == [5, 6, 7, 8, 9]
        writer.append(KEYS[5:], ROWS[5:])
        reader.refresh()
        assert reader.missing(KEYS) == []


FULL_DISK = """
import resource, signal, sys, numpy as np
from pathlib import Path
from recbole_ktrec.errors import CacheError
from recbole_ktrec.text.cache import VectorCache, text_key
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
cache = VectorCache(Path(sys.argv[1]), {fingerprint})
with cache.writing():
    cache.describe({dim})
    cache.append([text_key("0")], np.ones((1, {dim}), np.float32))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    try:
        keys = [text_key(str(i)) for i in range(100)]
        cache.append(keys, np.ones((100, {dim}), np.float32))
    except CacheError as error:
        print(error)
try:
    cache.gather([text_key("0")] * 200)
    print("view returned")
except CacheError as error:
    print("no view", error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the size of files stands for the full disk")
@pytest.mark.parametrize("limit", [1000, 1700], ids=["in the vectors", "in the index"])
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, limit: int) -> None:
    code = FULL_DISK.format(fingerprint=PRINT, dim=DIM)
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(limit)], capture_output=True, text=True)
    assert "cannot be written" in run.stdout and "text_cache_dir" in run.stdout, run.stdout + run.stderr
    assert "view returned" in run.stdout, "vectors that cannot be kept are returned all the same"
    cache = opened(tmp_path)
    assert (cache.folder / "vectors.f32").stat().st_size == 4 * DIM
    assert (cache.folder / "rows.index").stat().st_size == 20
    assert not list((cache.folder / "views").iterdir())
    assert cache.missing([text_key("0"), text_key("1")]) == [1]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("a file in the way")
    with pytest.raises(CacheError, match="cannot be written.*text_cache_dir"), opened(tmp_path).writing():
        pass


def test_reading_many_rows_is_fast(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path, PRINT)
    keys = [text_key(str(i)) for i in range(50_000)]
    rows = np.random.default_rng(0).random((50_000, 64), dtype=np.float32)
    with cache.writing():
        cache.describe(64)
        cache.append(keys, rows)
    started = time.perf_counter()
    matrix = opened(tmp_path).gather(keys)
    assert time.perf_counter() - started < 2
    np.testing.assert_array_equal(matrix, rows)
