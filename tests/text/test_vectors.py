from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recbole_ktrec.text import EntityFile, TextSettings, encode, item_vectors, vectors
from recbole_ktrec.text.encoder import TextEncoder

TOKENS = ["[PAD]", "i4", "i1", "i3", "i2", "i9"]


def test_vectors_line_up_by_token(item_file: Path, settings: TextSettings) -> None:
    vectors = item_vectors(EntityFile(item_file), TOKENS, settings)
    assert vectors.matrix.shape == (6, 16) and vectors.matrix.dtype == np.float32
    assert vectors.has_text.tolist() == [False, True, True, False, True, False]
    assert vectors.missing == 2, "i3 has empty cells, i9 no row; [PAD] does not count"
    expected = TextEncoder.load(settings).vectors(["red robot. Space", "Red robot. Space", None, "Blue doll"]).numpy()
    np.testing.assert_allclose(vectors.matrix[1:5], expected, atol=1e-5)
    assert not vectors.matrix[[0, 3, 5]].any() and vectors.matrix[[1, 2, 4]].any(axis=1).all()


def test_the_matrix_is_mapped(item_file: Path, settings: TextSettings) -> None:
    matrix = item_vectors(EntityFile(item_file), TOKENS, settings).matrix
    assert isinstance(matrix, np.memmap)


def test_a_second_run_encodes_nothing_and_a_changed_item_one(
    item_file: Path, settings: TextSettings, count_encoded: Callable[[], int]
) -> None:
    first = item_vectors(EntityFile(item_file), TOKENS, settings)
    assert count_encoded() == first.encoded.encoded == first.encoded.distinct == 3
    again = item_vectors(EntityFile(item_file), TOKENS, settings)
    assert count_encoded() == again.encoded.encoded == 0
    np.testing.assert_array_equal(again.matrix, first.matrix)
    shuffled = item_vectors(EntityFile(item_file), TOKENS[::-1], settings)
    assert count_encoded() == 0
    np.testing.assert_array_equal(shuffled.matrix, first.matrix[::-1])
    item_file.write_text(item_file.read_text().replace("Blue doll", "Green doll"))
    changed = item_vectors(EntityFile(item_file), TOKENS, settings)
    assert count_encoded() == changed.encoded.encoded == 1
    different = (changed.matrix != first.matrix).any(axis=1)
    assert different.tolist() == [token == "i2" for token in TOKENS]


def test_a_warm_cache_loads_no_model(settings: TextSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(["red", "blue"], settings)

    def refuse(*_: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(TextEncoder, "load", refuse)
    assert encode(["blue", None], settings).matrix.any(axis=1).tolist() == [True, False]


@pytest.mark.parametrize(
    "change", [{"pooling": "cls"}, {"prompt": "item "}, {"max_length": 3}, {"dtype": "bfloat16"}], ids=str
)
def test_what_shapes_a_vector_is_part_of_the_key(
    settings: TextSettings, change: dict[str, object], count_encoded: Callable[[], int]
) -> None:
    before = encode(["red robot doll for kids"], settings).matrix
    assert count_encoded() == 1
    after = encode(["red robot doll for kids"], replace(settings, **change)).matrix
    assert count_encoded() == 1
    assert not np.array_equal(before, after)


def test_batches_do_not_change_the_key_or_the_vectors(
    settings: TextSettings, tmp_path: Path, count_encoded: Callable[[], int]
) -> None:
    texts = ["red", "blue doll", "green puzzle for kids", "toy"]
    whole = encode(texts, settings).matrix
    count_encoded()
    small = replace(settings, batch_tokens=4)
    assert encode(texts, small).encoded == count_encoded() == 0
    np.testing.assert_allclose(encode(texts, replace(small, cache_dir=str(tmp_path / "b"))).matrix, whole, atol=1e-5)


def test_only_missing_texts_give_zeros_of_the_right_width(settings: TextSettings) -> None:
    assert encode([None, None], settings).matrix.shape == (2, 16)
    assert encode([], settings).matrix.shape == (0, 16)


def failing_after(batches: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the encoder break off after so many batches."""
    original, left = TextEncoder._encode_batch, [batches]

    def encode_batch(self: TextEncoder, ids: list[list[int]]) -> object:
        if not left[0]:
            raise error
        left[0] -= 1
        return original(self, ids)

    monkeypatch.setattr(TextEncoder, "_encode_batch", encode_batch)


TEXTS = ["red", "blue doll", "green puzzle for", "toy train for kids", "a"]


@pytest.mark.parametrize(("error", "flush"), [(KeyboardInterrupt(), 10.0), (RuntimeError("killed"), 0.0)], ids=str)
def test_a_run_that_is_broken_off_goes_on_where_it_was(
    error: BaseException, flush: float, settings: TextSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(settings, batch_tokens=1)
    monkeypatch.setattr(vectors, "_FLUSH_SECONDS", flush)
    with monkeypatch.context() as patch:
        failing_after(3, error, patch)
        with pytest.raises(type(error)):
            encode(TEXTS, small)
    again = encode(TEXTS, small)
    assert (again.distinct, again.encoded) == (5, 2)
    np.testing.assert_allclose(again.matrix, TextEncoder.load(settings).vectors(TEXTS), atol=1e-5)


def test_two_that_want_the_same_at_once_encode_it_once(
    settings: TextSettings, count_encoded: Callable[[], int]
) -> None:
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(encode(TEXTS, settings).matrix)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_encoded() == 5
    assert len(found) == 3 and all(np.array_equal(matrix, found[0]) for matrix in found)


def test_a_text_that_the_tokenizer_drops_is_stored_as_zeros(
    llama_folder: Path, count_encoded: Callable[[], int]
) -> None:
    settings = TextSettings(encoder=str(llama_folder), max_length=32)
    assert encode(["\u2028", "red"], settings).matrix.any(axis=1).tolist() == [False, True]
    assert count_encoded() == 1
    assert encode(["\u2028", "red"], settings).encoded == 0


def test_a_script_that_the_default_encoder_does_not_know_is_told_once(
    item_file: Path, settings: TextSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("recbole_ktrec.text.scripts.DEFAULT_ENCODER", settings.encoder)
    item_file.write_text(item_file.read_text().replace("Blue doll", "新闻" * 40))
    for _ in range(2):
        item_vectors(EntityFile(item_file), TOKENS, settings)
    (told,) = (record.message for record in caplog.records if "not Latin" in record.message)
    assert told.startswith(f"[{item_file}]: ")
