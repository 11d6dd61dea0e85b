"""A source domain of `ktrec pretrain`: interactions, some of them held out, and the texts of its items."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from tqdm import tqdm

from recbole_ktrec.errors import DataError
from recbole_ktrec.evaluation.code import code_sha256
from recbole_ktrec.evaluation.options import OF_THE_DATA
from recbole_ktrec.evaluation.source import Source, read_source
from recbole_ktrec.files import file_sha256
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.model import likeness
from recbole_ktrec.model.artifact import density
from recbole_ktrec.nn.lexical import tf_idf
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.text_prior import blocks_of, neighbours_of_forms
from recbole_ktrec.nn.whitening import whitened_text
from recbole_ktrec.text import EntityFile, TextSettings, item_vectors, text_hashes
from recbole_ktrec.text.fingerprint import COMPARED

_PAD = "[PAD]"
#: What differs by less than this is equal but for rounding.
_EQUAL = np.float32(1 - 1e-6)
#: Keys that say which interactions and texts a source has, where its files lie and the encoder aside.
READ_BY = sorted({*OF_THE_DATA, "threshold", "text_fields", "text_template", "text_missing"} - {"data_path"})


@dataclass
class Domain:
    """One source.

    Attributes:
        name: of the data set.
        rest: what users took, without what is held out, ``[n_users, n_items]``; item 0 is padding.
        sample: the held-out interactions, one a user.
        columns: the items that are ranked, ``[c]``.
        vectors: whitened texts, ``[n_items, d]``.
        texts: the texts themselves.
        fingerprint: of the encoder.
        facts: what the card tells of it.
        key: what all of this depends on.
    """

    name: str
    rest: sp.csr_matrix
    sample: Sample
    columns: np.ndarray
    vectors: np.ndarray
    texts: list[str | None]
    fingerprint: dict[str, Any]
    facts: dict[str, Any]
    key: str

    @functools.cached_property
    def words(self) -> sp.csr_matrix:
        """TF-IDF rows, ``[n_items, features]``."""
        return tf_idf(self.texts)

    def ndcg(self, vectors: np.ndarray, forms: Sequence[tuple[float, float]], count: int) -> list[float]:
        """Return NDCG@10 of the held-out interactions, ranked by history and prior alone, with each of ``forms``.

        All of ``columns`` are ranked: what few random ones rank best is not what all do (Krichene and Rendle, 2020).
        Of equal scores the held-out one comes last.

        Args:
            vectors: of the texts ``[n_items, d]``.
            forms, count: see :func:`recbole_ktrec.nn.text_prior.neighbours_of_forms`.
        """
        words = self.words if any(weight for _, weight in forms) else None
        wanted, users = self.sample.positives.indices, np.arange(self.sample.rows.shape[0])
        own, asked = np.zeros((len(forms), len(users)), dtype=np.float32), np.unique(wanted)
        for form, some, prior in neighbours_of_forms(vectors, words, count, forms, asked):
            inside = np.isin(wanted, asked[some])
            place = np.searchsorted(asked[some], wanted[inside])
            own[form, inside] = (self.sample.rows[inside] @ prior).toarray()[np.arange(len(place)), place]
        above = np.zeros(own.shape, dtype=np.int64)
        priors = neighbours_of_forms(vectors, words, count, forms, self.columns)
        total = len(forms) * len(blocks_of(len(self.columns), len(vectors)))
        for form, some, prior in tqdm(priors, f"{self.name} as target", total, unit="block", leave=False):
            scores = (self.sample.rows @ prior).toarray()
            scores[self._barred(self.columns[some], wanted)] = -np.inf
            above[form] += (scores >= own[form][:, None] * _EQUAL).sum(axis=1)
        return [float(np.where(row < 10, 1 / np.log2(row + 2), 0).mean()) for row in above]

    def _barred(self, columns: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Return which of ``columns`` ``[b]`` do not count: known ones, and the one asked for: bool ``[m, b]``."""
        return (self.sample.rows[:, columns].toarray() > 0) | (columns[None] == wanted[:, None])


def hold_out(taken: sp.csr_matrix, users: int, draw: np.random.Generator) -> tuple[sp.csr_matrix, Sample]:
    """Take one interaction each from up to ``users`` users who have two or more.

    Returns:
        What is left, and the sample.
    """
    counts = np.diff(taken.indptr)
    chosen = np.sort(draw.permutation(np.flatnonzero(counts > 1))[:users])
    place = taken.indptr[chosen] + (draw.random(len(chosen)) * counts[chosen]).astype(int)
    items = taken.indices[place]
    rest = taken.copy()
    rest.data[place] = 0
    rest.eliminate_zeros()
    ones = np.ones(len(chosen), dtype=np.float32)
    positives = sp.csr_matrix((ones, (np.arange(len(chosen)), items)), shape=(len(chosen), taken.shape[1]))
    return rest, Sample(rest[chosen], positives)


def interactions(source: Source) -> tuple[sp.csr_matrix, list[str]]:
    """Return who took what, binary, and the item tokens; item 0 is padding. Dislikes by ``threshold`` take no part."""
    users, _ = pd.factorize(source.frame["user"], sort=True)
    items, tokens = pd.factorize(source.frame["item"], sort=True)
    shape = users.max(initial=-1) + 1, len(tokens) + 1
    ones = np.ones(len(users), dtype=np.float32) if "taken" not in source.frame else source.frame["taken"].to_numpy()
    taken = sp.csr_matrix((ones.astype(np.float32), (users, items + 1)), shape=shape)
    taken.sum_duplicates()
    taken.eliminate_zeros()
    taken.data[:] = 1
    return taken, [_PAD, *map(str, tokens)]


def item_file_of(source: Source) -> EntityFile:
    """Return the file that the texts of items are read from.

    Raises:
        DataError: it is missing.
    """
    path = source.file("item")
    if not path.is_file():
        raise DataError(f"[{path}] is missing: `ktrec pretrain` reads the texts of items from it.")
    return EntityFile(path, source.fields["ITEM_ID_FIELD"], source.encoding)


def read_by(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``values`` that say which interactions and texts a source has, as the card holds them."""
    return json.loads(json.dumps({key: values[key] for key in READ_BY if values.get(key) is not None}))


def _facts(source: Source, taken: sp.csr_matrix, texts: Sequence[str | None]) -> dict[str, Any]:
    """Return what the card tells of a source, ``taken`` being all that its users took, ``texts`` those of its items."""
    return {
        "name": source.name,
        "inter_sha256": source.inter_sha256,
        "item_sha256": file_sha256(source.file("item")),
        "users": taken.shape[0],
        "items": taken.shape[1] - 1,
        "interactions": int(taken.nnz),
        "history_length": density(taken)[1],
        "interactions_sketch": likeness.sketch(source.pairs),
        "texts_sketch": likeness.sketch(text_hashes(texts)),
    }


def _reading(settings: TextSettings) -> list[Any]:
    """Return how texts are read: not where the encoder and its cache lie, nor the batches, which changes nothing."""
    return [asdict(settings)[part] for part in ("fields", "template", "missing")]


def read_domain(name: str, values: Mapping[str, Any], options: PretrainOptions) -> Domain:
    """Read data set ``name`` as RecBole does, with the texts of its items.

    Args:
        values: configuration keys, RecBole's and ``text_*``.
        options: which whitening, seed, and how many users are held out and items ranked at most.

    Raises:
        DataError: a file cannot be used, or nobody took two items.
    """
    source = read_source(name, values)
    taken, tokens = interactions(source)
    draw = np.random.default_rng(options.seed)
    if not (np.diff(taken.indptr) > 1).any():
        raise DataError(f"[{source.file('inter')}]: nobody took two items, so there is nothing to learn from it.")
    rest, sample = hold_out(taken, options.held_out_users, draw)
    file, settings = item_file_of(source), TextSettings.from_mapping(values)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    texts = file.texts(tokens, settings)
    found = item_vectors(file, tokens, settings, device, texts=texts)
    drawn = 1 + draw.permutation(len(tokens) - 1)[: options.candidates]
    read_with = [found.fingerprint[part] for part in COMPARED], _reading(settings)
    parts = [code_sha256(), source.digest, dict(source.fields), values.get("threshold"), *read_with]
    parts += [options.whitening, options.held_out_users, options.candidates, options.seed]
    return Domain(
        name,
        rest,
        sample,
        np.union1d(drawn, sample.positives.indices),
        whitened_text(np.asarray(found.matrix), found.has_text, options.whitening),
        texts,
        found.fingerprint,
        {**_facts(source, taken, texts), "read_by": read_by(values)},
        hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16],
    )
