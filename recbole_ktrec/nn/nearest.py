"""B column by column, each item explained by the items nearest to it alone: for catalogues whose B does not fit.

What KTEASE minimises (:mod:`recbole_ktrec.nn.closed_form`) falls apart into one problem a column. Here column j has
entries in the rows S only, the items most alike by who took them and, for a share, by text (then those taken most):

    B_Sj = (X_S' W X_S + lambda D_S)^-1 (X_S' W x_j + lambda kappa D_S K_Sj)

That is fsSLIM (feature selection before the regression; Ning and Karypis, ICDM 2011) with the penalty of KTEASE; with
all other items in S it is the B of KTEASE itself (with shares for text neighbours or successors the two forms take
their steps in another order, so scores differ). Memory ``8 n_items |S|``, time ``n_items |S|^3``.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import Design
from recbole_ktrec.nn.matrices import row_blocks
from recbole_ktrec.nn.progress import progress_bar

_ROWS = 128
#: Of S, the share that is kept for the items most alike by text.
_TEXT_SHARE = 0.3


class NearestItems:
    """One problem a column; everything that does not depend on the column is made once.

    Args:
        design: X, W and D.
        prior: K, ``[n_items, n_items]``.
        most: size of S, about.
        targets: Y, ``[n_rows, n_items]``, whose columns are to be explained; X itself by default.
    """

    def __init__(self, design: Design, prior: sp.csc_matrix, most: int, targets: sp.csr_matrix | None = None) -> None:
        self.penalties, self.prior, self.most = design.penalties, prior, most
        roots = sp.diags(np.sqrt(design.weights))
        self.users = sp.csr_matrix(roots @ design.rows, dtype=np.float32)
        self.items = self.users.T.tocsr()
        self.targets = self.items if targets is None else sp.csr_matrix((roots @ targets).T, dtype=np.float32)
        self._popular = np.argsort(-np.diff(self.items.indptr), kind="stable")
        self._norms = np.sqrt(np.maximum(self.items.multiply(self.items).sum(axis=1).A1, 1e-9))
        self._scratch = np.zeros((2, len(self.penalties)), dtype=np.float32)

    def solve(self, regularisation: float, kappa: float) -> sp.csr_matrix:
        """Return B, sparse float32 ``[n_items, n_items]``; its diagonal is empty, as are columns of empty targets."""
        n = len(self.penalties)
        rows, values, ends = [], [], [0]
        for some in progress_bar(row_blocks(n, _ROWS), desc="nearest items", disable=n < 1 << 13):
            together = sp.csr_matrix(self.targets[some] @ self.users)
            for place, item in enumerate(range(some.start, some.stop)):
                own = slice(*together.indptr[place : place + 2])
                chosen, column = self._column(item, together.indices[own], together.data[own], regularisation, kappa)
                rows.append(chosen)
                values.append(column)
                ends.append(ends[-1] + len(chosen))
        parts = np.concatenate(values), np.concatenate(rows), np.array(ends)
        return sp.csc_matrix(parts, (n, n), dtype=np.float32).tocsr()

    def _column(self, item: int, taken: np.ndarray, counts: np.ndarray, regularisation: float,
                kappa: float) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """Return S and ``B_Sj``; ``taken`` holds the items that were taken with ``item``, ``counts`` how often."""
        if not len(taken):  # not even with itself: nobody took it, and it is scored in another way
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        others = taken != item
        taken, counts = taken[others], counts[others]
        own = slice(*self.prior.indptr[item : item + 2])
        alike, cosines = self.prior.indices[own], self.prior.data[own]
        by_users = _largest(taken, counts / self._norms[taken], self.most)
        by_text = _largest(alike, cosines, max(int(_TEXT_SHARE * self.most), self.most - len(by_users)))
        chosen = np.union1d(by_users, by_text).astype(np.int32)
        if (missing := self.most - len(chosen)) > 0:
            more = self._popular[: self.most + 1]
            chosen = np.union1d(chosen, more[~np.isin(more, chosen) & (more != item)][:missing]).astype(np.int32)
        self._scratch[0, taken], self._scratch[1, alike] = counts, cosines
        penalties = np.float32(regularisation) * self.penalties[chosen]
        target = self._scratch[0, chosen] + np.float32(kappa) * penalties * self._scratch[1, chosen]
        self._scratch[0, taken], self._scratch[1, alike] = 0, 0
        some = self.items[chosen]
        gram = (some @ some.T).toarray()
        gram[np.diag_indices(len(chosen))] += penalties
        return chosen, scipy.linalg.solve(gram, target, overwrite_a=True, check_finite=False, assume_a="pos")


def _largest(items: np.ndarray, values: np.ndarray, most: int) -> np.ndarray:
    """Return those of ``items`` with the ``most`` largest values."""
    return items[np.argpartition(-values, most)[:most]] if len(items) > most else items
