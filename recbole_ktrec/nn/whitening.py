"""ZCA whitening of text vectors.

Vectors of a pre-trained encoder crowd into a narrow cone: any two items look alike. Whitening over the catalogue
spreads them, which is worth 15 to 30 % of NDCG (see also Su et al. 2021, arXiv:2103.15316).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recbole_ktrec.nn.matrices import unit_length

#: This share of the mean eigenvalue is added to each: a catalogue smaller than the vectors are long leaves directions
#: without variance, which full whitening would blow up to pure noise.
_SHRINKAGE = 0.1


@dataclass(frozen=True)
class Whitening:
    """The affine map ``normalise((x - mean) @ matrix)`` fitted on one catalogue.

    Attributes:
        mean: float32 ``[dim]``.
        matrix: float32 ``[dim, width]``.
        directions: those that are kept ``[dim, width]``, None if all are.
    """

    mean: np.ndarray
    matrix: np.ndarray
    directions: np.ndarray | None = None

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Return the whitened rows of ``vectors`` ``[n, dim]``, float32 ``[n, width]`` of length 1."""
        return unit_length((np.asarray(vectors, dtype=np.float32) - self.mean) @ self.matrix)

    def rows(self, vectors: np.ndarray, has_text: np.ndarray) -> np.ndarray:
        """Return whitened rows ``[n, width]`` of ``vectors`` ``[n, dim]``, zero where ``has_text`` ``[n]`` is false."""
        known = np.flatnonzero(has_text)
        result = np.zeros((len(vectors), self.matrix.shape[1]), dtype=np.float32)
        result[known] = self(vectors[known])
        return result


def fit_whitening(
    vectors: np.ndarray, power: float, width: int | None = None, directions: np.ndarray | None = None
) -> Whitening:
    """Fit ``(x - mean) C^-power`` on the rows of ``vectors`` ``[n, dim]``, C being their covariance, shrunk.

    Args:
        vectors: one row an item that has a text.
        power: .5 whitens fully, 0 only centres.
        width: keep this many leading principal directions (rotated out, as PCA does); None keeps the space as it is.
        directions: keep these ``[dim, width]`` of another catalogue, so that both are in one space; None: its own.
    """
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    values, basis = np.linalg.eigh(centred.T @ centred / max(len(vectors) - 1, 1))
    values, basis = values[::-1], basis[:, ::-1]
    scales = (np.maximum(values, 0) + _SHRINKAGE * max(values.mean(), 1e-12)) ** -power
    matrix = (basis * scales) @ basis.T
    if directions is None and width is not None and width < len(values):
        directions = basis[:, :width]
    if directions is not None:
        matrix = matrix @ directions
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32), directions)


def whitened_text(vectors: np.ndarray, has_text: np.ndarray, power: float, width: int | None = None,
                  directions: np.ndarray | None = None) -> np.ndarray:  # fmt: skip
    """Return whitened rows ``[n, width]`` of ``vectors`` ``[n, dim]``; rows without a text are zero.

    Args:
        has_text: bool ``[n]``; only these rows take part in the fit.
        power, width, directions: see :func:`fit_whitening`.
    """
    known = np.flatnonzero(has_text)
    if not len(known):
        return np.zeros((len(vectors), min(width or vectors.shape[1], vectors.shape[1])), dtype=np.float32)
    return fit_whitening(vectors[known], power, width, directions).rows(vectors, has_text)
