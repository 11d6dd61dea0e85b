"""The text priors of one data set: how alike the texts of its items are, in vectors and in terms."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.model.item_text import load_item_text, load_texts
from recbole_ktrec.model.trained_encoder import UntrainedEncoder
from recbole_ktrec.nn.lexical import tf_idf
from recbole_ktrec.nn.term_weights import learned_terms
from recbole_ktrec.nn.text_prior import text_neighbours
from recbole_ktrec.nn.whitening import whitened_text

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lexical:
    """How shared terms count.

    Attributes:
        weight: beside the text vectors; 0 leaves them out.
        learned: whether the weight of each term is learned from interactions, see
            :mod:`recbole_ktrec.nn.term_weights`; else it is its inverse document frequency.
    """

    weight: float
    learned: bool = False


class Terms:
    """The terms of one data set's texts, made when they are first asked for.

    Args:
        config, dataset: of RecBole.
        interactions: of the training part, ``[n_users, n_items]``: what the weights of terms are learned from.
    """

    def __init__(self, config: Any, dataset: Any, interactions: sp.csr_matrix) -> None:
        self._interactions, self._texts = interactions, functools.partial(load_texts, config, dataset)

    @functools.cached_property
    def words(self) -> sp.csr_matrix:
        """TF-IDF rows, ``[n_items, terms]``."""
        return tf_idf(self._texts())

    @functools.cached_property
    def learned(self) -> sp.csr_matrix:
        """Rows of terms whose weights are learned, ``[n_items, terms]``."""
        texts = self._texts()
        _logger.info(f"KTEASE: terms of {len(texts) - 1:,} items, weighted by what users take together")
        return learned_terms(texts, self._interactions)


class TextPriors:
    """The text priors of one data set.

    Args:
        config, dataset: of RecBole.
        neighbours: of an item.
        terms: of the same texts; no encoder changes them.
    """

    def __init__(self, config: Any, dataset: Any, neighbours: int, terms: Terms) -> None:
        self.found, self.neighbours, self.terms = load_item_text(config, dataset), neighbours, terms

    def whitened(self, power: float) -> np.ndarray:
        """Return the whitened vectors, ``[n_items, d]``."""
        return whitened_text(np.asarray(self.found.matrix), self.found.has_text, power)

    def prior(self, vectors: np.ndarray, lexical: Lexical, power: float = 1.0) -> sp.csc_matrix:
        """Return the prior of ``vectors`` ``[n_items, d]``, see :func:`recbole_ktrec.nn.text_prior.text_neighbours`."""
        _logger.info(f"KTEASE: text neighbours of {len(vectors) - 1:,} items")
        rows = None
        if lexical.weight:
            rows = self.terms.learned if lexical.learned else self.terms.words
        return text_neighbours(vectors, rows, self.neighbours, lexical.weight, power)


def untrained_texts(config: Any, dataset: Any, texts: TextPriors) -> TextPriors:
    """Return the text priors as they are without the artifact: ``texts``, or those of the run's own encoder if the
    artifact brought another one."""
    view = UntrainedEncoder.of(config)
    if view is config:
        return texts
    try:
        return TextPriors(view, dataset, texts.neighbours, texts.terms)
    except EncoderError as error:
        _logger.warning(f"The guard compares without the untrained encoder, which cannot be had: {error}")
        return texts
