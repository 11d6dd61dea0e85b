"""Samples of held-out interactions: which items are candidates, and which histories scores are made from."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recbole_ktrec.nn.samples import Sample


def test_other_histories_change_the_scores_and_not_the_candidates() -> None:
    """The user took item 1 and asks for item 3; read as one who took item 2, he may still not be offered item 1."""
    rows, asked = (sp.csr_matrix(np.eye(4, dtype=np.float32)[[item]]) for item in (1, 3))
    other = sp.csr_matrix(np.eye(4, dtype=np.float32)[[2]])
    sample = Sample(rows, asked)
    read = sample.reading(other)
    weights = np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 2, 0, 1], [0, 0, 0, 0]], dtype=np.float32)
    assert read.known.tolist() == sample.known.tolist() == [[True, True, False, False]]
    assert sample.ndcg_with(lambda some: some @ weights).tolist() == [np.float32(1 / np.log2(3))]
    assert read.ndcg_with(lambda some: some @ weights).tolist() == [1.0]
    assert sample.rows is rows, "the sample itself stays as it is"
