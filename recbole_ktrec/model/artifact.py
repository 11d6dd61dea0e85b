"""What `ktrec pretrain` makes: a folder with ``weights.safetensors`` and ``card.json``; no pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import DataError, EncoderError
from recbole_ktrec.files import file_sha256, write_whole
from recbole_ktrec.model import likeness
from recbole_ktrec.model.artifact_card import CARD, FORMAT, FUSION, checked_card, read_card
from recbole_ktrec.model.prior_shape import UNTRAINED, PriorShape, plainest
from recbole_ktrec.model.statistics_file import load_statistics, save_statistics
from recbole_ktrec.nn.co_consumption import Statistics, mapped, metric, pooled
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.text import check_fingerprint

WEIGHTS = "weights.safetensors"
#: How much longer or shorter than a source's the histories of a target may be for the source's shape to be taken.
_FARTHEST = 4.0
#: What a choice notes of an artifact whose shape is not taken for that, and of one whose language model is.
UNLIKE = "histories too unlike those of its sources"
READ_WITH_ITS_MODEL = "read with its language model"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifact:
    """Knowledge from source domains.

    Attributes:
        statistics: source -> its co-consumption statistics.
        matrix: the map of whitened texts, float32 ``[d, d]``.
        shape: of the prior, by the mean over the sources, see :func:`plainest`; :meth:`shape_for` takes nearer ones.
        whitening: exponent of the whitening that the statistics were taken with.
        card: everything that is told of them, as ``card.json`` holds it.
        folder: where it was read from.
        said: what was warned of: both parts of KTRec ask for the shape.
    """

    statistics: dict[str, Statistics]
    matrix: np.ndarray
    shape: PriorShape
    whitening: float
    card: dict[str, Any]
    folder: Path | None = None
    said: set[str] = field(default_factory=set, compare=False, repr=False)

    def learned_from(
        self, names: Collection[str], inter_sha256: str | None = None, pairs: np.ndarray | None = None
    ) -> str | None:
        """Return the source that is the data set of one of ``names``, of an .inter file with that digest, or that holds
        much of its interactions, hashed in ``pairs`` by :mod:`recbole_ktrec.model.likeness`; None if there is none."""
        for one in self.card["sources"]:
            same = pairs is not None and self._part(one, "interactions_sketch", pairs) >= likeness.SAME_INTERACTIONS
            if same or one["name"] in names or (inter_sha256 and one.get("inter_sha256") == inter_sha256):
                return str(one["name"])
        return None

    def same_texts(self, texts: np.ndarray) -> tuple[str, float] | None:
        """Return the source with most of the texts that are hashed in ``texts``, and their share; None where that is
        less than half of them."""
        found = [(self._part(one, "texts_sketch", texts), str(one["name"])) for one in self.card["sources"]]
        share, name = max(found)
        return (name, share) if share >= likeness.SAME_TEXTS else None

    @staticmethod
    def _part(source: Mapping[str, Any], key: str, hashes: np.ndarray) -> float:
        """Return the share of ``hashes`` that ``source`` holds; 0 where its card, of before, does not tell."""
        return likeness.part_in(hashes, source[key]) if source.get(key) else 0.0

    def check(self, fingerprint: Mapping[str, Any], width: int) -> None:
        """Refuse text vectors of another encoder or length; the message names both encoders.

        Raises:
            EncoderError: they are not those of the sources.
        """
        check_fingerprint(self.card["encoder"], fingerprint, f"The artifact [{self.folder}]")
        if width != len(self.matrix):
            raise EncoderError(
                f"The artifact [{self.folder}] is for text vectors of length [{len(self.matrix)}], not of [{width}]."
            )

    def transferred(self, vectors: np.ndarray, shape: PriorShape | None = None) -> np.ndarray:
        """Return whitened text vectors ``[n, d]`` as the sources' users see them, rows of length 1 or 0.

        Args:
            shape: another exponent or strength than the artifact's own.
        """
        if shape is None or (shape.exponent, shape.strength) == (self.shape.exponent, self.shape.strength):
            return mapped(vectors, self.matrix)
        return mapped(vectors, metric(self.pooled, shape.exponent, shape.strength) if shape.strength else None)

    def shape_for(self, interactions: sp.csr_matrix, plain: PriorShape = UNTRAINED) -> PriorShape:
        """Return the shape that did best on sources whose users have about as many items as those here, see
        :func:`plainest`.

        A source counts ``1 / (1 + log2(ratio of the mean history lengths)^2)``. Where no source is within a factor of
        four, what they say does not carry over, and the shape is the one without an artifact. (The best shape for users
        with seven items lost a third of the kernel's NDCG@10 on users with 147.)

        Args:
            interactions: of the target, ``[n_users, n_items]``; with none, every source counts the same.
            plain: the shape without an artifact.
        """
        tried = self.card["tried"]
        lengths, distance = self._lengths(interactions)
        if distance.min() > np.log2(_FARTHEST):
            theirs = ", ".join(f"{one:.0f}" for one in lengths.values())
            self._warn(
                f"Histories of {density(interactions)[1]:.0f} items in the mean, and of {theirs} in the sources of "
                f"[{self.folder}]: too unlike for what these say of texts to carry over. {self._unused('They')}."
            )
            return plain
        weights = 1 / (1 + distance**2)
        values = [float(weights @ [one["ratios"][name] for name in lengths]) for one in tried] / weights.sum()
        shapes = [PriorShape(**{part.name: one[part.name] for part in fields(PriorShape)}) for one in tried]
        return shapes[plainest(shapes, values)]

    def taken_because(self, why: str, interactions: sp.csr_matrix) -> str:
        """Return ``why`` an artifact is taken that no validation data chose, and that texts are compared as without it
        where histories are too unlike those of its sources, see :meth:`shape_for`."""
        unlike = self._lengths(interactions)[1].min() > np.log2(_FARTHEST)
        return f"{why}; {UNLIKE}: {self._unused('texts')}" if unlike else why

    def _warn(self, text: str) -> None:
        if text not in self.said:
            self.said.add(text)
            _logger.warning(text)

    def _unused(self, texts: str) -> str:
        read = f", but {READ_WITH_ITS_MODEL}" if self.card.get("language_model") else ""
        return f"{texts} are compared as without an artifact{read}"

    def _lengths(self, interactions: sp.csr_matrix) -> tuple[dict[str, float], np.ndarray]:
        """Return the mean history length of each source on which shapes were tried (others have no say), and how far
        they are from that here, in powers of two."""
        judges = self.card["tried"][0]["ratios"]
        lengths = {one["name"]: float(one["history_length"]) for one in self.card["sources"] if one["name"] in judges}
        here = density(interactions)[1] if interactions.nnz else [*lengths.values()]
        return lengths, np.abs(np.log2(np.array([*lengths.values()]) / here))

    @property
    def pooled(self) -> Statistics:
        """The sources' statistics, each source counting the same."""
        return pooled(list(self.statistics.values()))

    def filled(self, options: Options, interactions: sp.csr_matrix) -> Options:
        """Return ``options``, open numbers being those of the source whose density is nearest."""
        known = self.card["fusion"]
        if not known:
            return options
        here = np.log(density(interactions))
        near = min(known, key=lambda one: float(np.abs(np.log(one["density"]) - here).sum()))
        open_ = {name: near[name] for name in FUSION if getattr(options, name) is None}
        return replace(options, **open_)


def density(interactions: sp.csr_matrix) -> list[float]:
    """Return interactions per item and per user, of those that have any."""
    items, users = len(np.unique(interactions.indices)), int((np.diff(interactions.indptr) > 0).sum())
    return [max(interactions.nnz, 1) / max(items, 1), max(interactions.nnz, 1) / max(users, 1)]


def save(artifact: Artifact, folder: Path) -> None:
    """Write the artifact; files of the folder that are there are replaced as wholes.

    A card that differs from the one that is there in its time alone keeps that, so what was measured with it is valid.
    """
    save_statistics(folder / WEIGHTS, artifact.statistics, map=artifact.matrix)
    card = {
        **artifact.card,
        "format": FORMAT,
        "shape": asdict(artifact.shape),
        "whitening": artifact.whitening,
        "weights_sha256": _digest(folder / WEIGHTS),
    }
    card = json.loads(json.dumps(card))
    with contextlib.suppress(DataError):
        before = read_card(folder)
        card = before if {**before, "made": None} == {**card, "made": None} else card
    write_whole(folder / CARD, json.dumps(card, indent=1) + "\n")


def _digest(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise DataError(f"[{path}] cannot be read: {error.strerror}; `ktrec pretrain` makes it.") from error


def content_sha256(folder: Path) -> str:
    """Return a SHA-256 over the weights and the card (which holds the digest of a language model's weights).

    Raises:
        DataError: one of them cannot be read.
    """
    return hashlib.sha256(" ".join(_digest(folder / name) for name in (WEIGHTS, CARD)).encode()).hexdigest()


def load(folder: Path) -> Artifact:
    """Read an artifact.

    Raises:
        DataError: a file is missing, damaged or of another format; the message names it.
    """
    path, card = folder / CARD, checked_card(folder)
    if card.get("weights_sha256") != _digest(folder / WEIGHTS):
        raise DataError(f"[{folder / WEIGHTS}] is damaged, or not the file that [{path}] tells of.")
    statistics, others = load_statistics(folder / WEIGHTS)
    if not statistics or "map" not in others or not np.isfinite(others["map"]).all():
        raise DataError(f"[{folder / WEIGHTS}] holds no usable statistics.")
    return Artifact(statistics, others["map"], PriorShape(**card["shape"]), float(card["whitening"]), card, folder)
