"""Texts -> vectors, through the cache: what is stored is read, what is not is encoded once and stored."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text.cache import NO_TEXT, VectorCache, text_key
from recbole_ktrec.text.entities import PAD, EntityFile, warn_once
from recbole_ktrec.text.fingerprint import encoder_fingerprint
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.scripts import script_warning
from recbole_ktrec.text.settings import TextSettings

if TYPE_CHECKING:
    import torch

    from recbole_ktrec.text.encoder import TextEncoder

_CHUNK = 4096  # texts tokenised at a time
_FLUSH_SECONDS = 10.0  # a killed run loses no more than this
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoded:
    """Vectors of texts, and what it took to get them.

    Attributes:
        matrix: float32 [texts, dim], read-only, memory-mapped from the cache; zero where there is no text.
        fingerprint: what the vectors depend on besides the texts.
        distinct: different texts among them.
        encoded: how many of those were encoded now; the others came from the cache.
        seconds: time spent on encoding them, once the encoder was loaded.
        folder: where they are stored.
    """

    matrix: np.ndarray
    fingerprint: dict[str, Any]
    distinct: int
    encoded: int
    seconds: float
    folder: Path


@dataclass(frozen=True)
class ItemVectors:
    """Text vectors of items (or users), lined up with the tokens that they were asked for.

    Attributes:
        matrix: float32 [tokens, dim], read-only, memory-mapped; zero for ``[PAD]`` and where there is no text.
        has_text: bool [tokens].
        fingerprint: what a checkpoint stores and compares (:func:`recbole_ktrec.text.check_fingerprint`).
        missing: tokens without text, ``[PAD]`` not counted.
        encoded: details of the encoding.
        hashes: one of each different text, see :func:`text_hashes`; empty for texts that are made of others.
    """

    matrix: np.ndarray
    has_text: np.ndarray
    fingerprint: dict[str, Any]
    missing: int
    encoded: Encoded
    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint64))


def item_vectors(
    file: EntityFile,
    tokens: Sequence[str],
    settings: TextSettings,
    device: torch.device | str = "cpu",
    show_progress: bool = True,
    texts: Sequence[str | None] | None = None,
) -> ItemVectors:
    """Return a text vector for each of ``tokens``, read from ``file`` by token.

    Args:
        texts: those of ``tokens``, where they are read already.

    Raises:
        DataError: the file or a column of it cannot be used.
        EncoderError: the encoder cannot be found or loaded.
        CacheError: the cache cannot be written.
    """
    texts = file.texts(tokens, settings) if texts is None else texts
    encoded = encode(texts, settings, device, show_progress)
    has_text = np.array([text is not None for text in texts], dtype=bool)
    missing = sum(text is None and str(token) != PAD for text, token in zip(texts, tokens, strict=True))
    if told := script_warning(texts, settings):
        warn_once(f"[{file.path}]: {told}")
    _logger.info(
        "%d %s with text, %d without; %d distinct texts: %d encoded now, %d from [%s].",
        has_text.sum(), file.id_column, missing, encoded.distinct, encoded.encoded,
        encoded.distinct - encoded.encoded, encoded.folder,
    )  # fmt: skip
    return ItemVectors(encoded.matrix, has_text, encoded.fingerprint, missing, encoded, text_hashes(texts))


def text_hashes(texts: Sequence[str | None]) -> np.ndarray:
    """Return a hash of each different text, by which those of another data set are known again: uint64 ``[m]``."""
    distinct = np.array([*{text for text in texts if text}], dtype=object)
    return np.unique(pd.util.hash_array(distinct, categorize=False))


def encode(
    texts: Sequence[str | None],
    settings: TextSettings,
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> Encoded:
    """Return the vectors of ``texts``, zeros for None, and what it took to get them.

    Raises:
        EncoderError: the encoder cannot be found or loaded.
        CacheError: the cache cannot be written.
    """
    fingerprint = encoder_fingerprint(settings, locate_encoder(settings))
    keys = [text_key(text) for text in texts]
    cache = VectorCache(settings.cache_folder(), fingerprint)
    count, seconds = 0, 0.0
    matrix = cache.view(keys)
    if matrix is None:
        cache.refresh()
        if cache.dim is None or cache.missing(keys):
            count, seconds = _fill(cache, keys, texts, settings, device, show_progress)
        matrix = cache.gather(keys)
    return Encoded(matrix, fingerprint, len({*keys} - {NO_TEXT}), count, seconds, cache.folder)


def _fill(
    cache: VectorCache,
    keys: Sequence[bytes],
    texts: Sequence[str | None],
    settings: TextSettings,
    device: torch.device | str,
    show_progress: bool,
) -> tuple[int, float]:
    """Encode and store what the cache lacks; return how many texts that were, and the seconds that it took."""
    from recbole_ktrec.text.encoder import TextEncoder

    with cache.writing():
        missing = cache.missing(keys)  # another process may have been at work while this one waited
        if cache.dim is not None and not missing:
            return 0, 0.0
        encoder = TextEncoder.load(settings, device)
        cache.describe(encoder.dim)
        missing = cache.missing(keys)
        wanted = {keys[i]: text for i in missing if (text := texts[i]) is not None}

        def store(some: list[bytes], vectors: np.ndarray) -> None:
            _check_vectors(vectors, encoder.dim, settings)
            cache.append(some, vectors)

        _logger.info("Encoding %d texts with [%s].", len(wanted), settings.encoder)
        with tqdm(total=len(wanted), desc="Encoding texts", unit="text", disable=not show_progress) as bar:
            started = time.perf_counter()
            _encode_all(encoder, wanted, store, bar.update)
    return len(wanted), time.perf_counter() - started


def _check_vectors(vectors: np.ndarray, dim: int, settings: TextSettings) -> None:
    """Refuse, before they are stored for good, vectors that no model can use."""
    if vectors.shape[1] != dim:
        raise EncoderError(
            f"text_encoder [{settings.encoder}] gives vectors of length [{vectors.shape[1]}], its configuration says "
            f"[{dim}]: it cannot be used here."
        )
    if not np.isfinite(vectors).all():
        hint = ": use bfloat16 or float32." if settings.dtype == "float16" else "."
        raise EncoderError(
            f"text_encoder [{settings.encoder}], text_dtype [{settings.dtype}], gives vectors that are not finite{hint}"
        )


def _encode_all(
    encoder: TextEncoder,
    wanted: dict[bytes, str],
    store: Callable[[list[bytes], np.ndarray], None],
    progress: Callable[[int], Any],
) -> None:
    """Encode ``wanted`` longest first, chunk by chunk, and store every few seconds."""
    ordered = sorted(wanted, key=lambda key: -len(wanted[key]))
    pending = _Pending(store)
    for start in range(0, len(ordered), _CHUNK):
        keys = ordered[start : start + _CHUNK]
        ids = encoder.tokenize([wanted[key] for key in keys], remember=False)
        empty = [key for key, row in zip(keys, ids, strict=True) if not row]
        if empty:  # text that the tokenizer drops altogether
            pending.add(empty, np.zeros((len(empty), encoder.dim), np.float32))
        try:
            for positions, vectors in encoder.encode(ids):
                pending.add([keys[i] for i in positions], vectors.numpy())
                progress(len(positions))
        except KeyboardInterrupt:
            pending.flush()
            raise
    pending.flush()


class _Pending:
    """Vectors that wait to be stored; storing each batch alone would cost a disk flush a batch."""

    def __init__(self, store: Callable[[list[bytes], np.ndarray], None]) -> None:
        self._store = store
        self._keys: list[bytes] = []
        self._vectors: list[np.ndarray] = []
        self._last = time.monotonic()

    def add(self, keys: list[bytes], vectors: np.ndarray) -> None:
        self._keys += keys
        self._vectors.append(vectors)
        if time.monotonic() - self._last >= _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._keys:
            self._store(self._keys, np.concatenate(self._vectors))
        self._keys, self._vectors, self._last = [], [], time.monotonic()
