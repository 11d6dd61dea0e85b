"""What was taken close together counts more as a pair, where held-out interactions say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from recbole_ktrec.nn.closed_form import Design
from recbole_ktrec.nn.fit import Fit
from recbole_ktrec.nn.fit_options import Options
from recbole_ktrec.nn.item_statistics import ItemStatistics
from recbole_ktrec.nn.samples import Sample
from recbole_ktrec.nn.text_prior import no_prior
from recbole_ktrec.nn.windows import WINDOWS, with_windows
from tests.nn.test_successors import places_of
from tests.support import sample_from


def binary(places: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix((places > 0).astype(np.float32))


def test_pairs_by_hand() -> None:
    places = places_of([[1, 2, 3, 4, 5, 6], [1, 4]], 7)
    weights, penalties = np.array([1.0, 2.0], dtype=np.float32), np.ones(7, dtype=np.float32)
    found = with_windows(Design(binary(places), weights, penalties), places, 4).gram()
    np.testing.assert_allclose(found.diagonal(), [0, 3, 1, 1, 3, 1, 1], atol=1e-6)
    # Cuts from the end: 6 5 4 3 | 2 1 and 6 5 | 4 3 2 1: items 3 and 4 share both, 2 and 3 one, 1 and 6 none.
    np.testing.assert_allclose(found[3, 4], 1.0, atol=1e-6)
    np.testing.assert_allclose(found[2, 3], 0.3 + 0.35, atol=1e-6)
    np.testing.assert_allclose(found[1, 6], 0.3, atol=1e-6)
    np.testing.assert_allclose(found[1, 4], 0.3 + 0.35 + 2.0, atol=1e-6)  # the second user's only pair, whole


def test_nothing_happened() -> None:
    nothing = sp.csr_matrix((2, 3), dtype=np.float32)
    found = with_windows(Design.of(nothing, 0.0, 0.0), nothing, 5)
    assert found.rows.shape[1] == 3 and found.rows.nnz == 0 and len(found.weights) == found.rows.shape[0]


def test_no_pair_counts_more_than_in_the_whole_history() -> None:
    draw = np.random.default_rng(0)
    places = places_of([list(draw.permutation(30)[: draw.integers(1, 30)]) for _ in range(20)], 30)
    users = Design.of(binary(places), 0.5, 0.3)
    whole, close = users.gram(), with_windows(users, places, 5).gram()
    assert (close <= whole + 1e-5).all() and (close >= 0.3 * whole - 1e-5).all() and (close < whole - 0.01).any()
    long = with_windows(users, places, 60).gram()
    np.testing.assert_allclose(long, whole, rtol=1e-5)


def test_without_an_order_there_are_none() -> None:
    places = places_of([[1, 2, 3]], 4)
    users = Design.of(binary(places), 0.5, 0.3)
    ordered = ItemStatistics(users, places)
    assert ordered.windowed(2).design.rows.shape[0] > 1 and ordered.windowed(0) is ordered
    assert ItemStatistics(users).windowed(2).design is users


def visits(together: bool, users: int = 200, groups: int = 20) -> tuple[sp.csr_matrix, sp.csr_matrix, Sample]:
    """Users take seven of eight items of one group and one of each of ten others, group by group or in any order."""
    draw = np.random.default_rng(3)
    paths, outs = zip(*(_path(draw, together, groups) for _ in range(users)), strict=True)
    kept = [[item for item in path if item != out] for path, out in zip(paths, outs, strict=True)]
    places = places_of(kept, 1 + 8 * groups)
    everyone = np.arange(users)
    return binary(places), places, sample_from(binary(places), everyone, everyone, np.array(outs), places)


def _path(draw: np.random.Generator, together: bool, groups: int) -> tuple[list[int], int]:
    """Return what a user took, in order, and which of it is held out: one of the seven."""
    first, *others = draw.permutation(groups)[:11]
    seven = 1 + 8 * first + draw.permutation(8)[:7]
    path = np.insert(np.array([1 + 8 * one + draw.integers(8) for one in others]), draw.integers(11), seven)
    return list(path if together else draw.permutation(path)), int(draw.choice(seven))


@pytest.mark.parametrize("nearest", [0, 20])
def test_fit_finds_out_whether_what_is_close_belongs_together(nearest: int) -> None:
    training, places, sample = visits(together=True)
    options = Options(nearest_items=nearest, history_decay=0.0, regularisation=120.0)
    prior = no_prior(training.shape[1])
    fit = Fit(training, prior, options, sample, places)
    fitted = fit.run()
    assert fit.settled().cooccurrence_window in WINDOWS[1:]
    plain = Fit(training, prior, replace(options, cooccurrence_window=0), sample, places).run()
    assert sample.ndcg(fitted(training)) > 1.02 * sample.ndcg(plain(training))
    other = fit.with_prior(prior, fit.settled())
    assert other.choice().ndcg == fit.choice().ndcg and other.counted is fit.counted

    training, places, sample = visits(together=False)
    fit = Fit(training, prior, options, sample, places)
    assert fit.counted.statistics.window == 0


def test_where_new_items_are_asked_for_none_is_tried() -> None:
    training, places, sample = visits(together=True)
    n = training.shape[1]
    new = np.arange(n) % 4 == 1
    cut = [part @ sp.diags((~new).astype(np.float32)) for part in (training, places, sample.rows, sample.places)]
    for part in cut:
        part.eliminate_zeros()
    left = [sp.csr_matrix(part) for part in cut]
    held = Sample(left[2], sample.positives, places=left[3])
    alike = sp.csc_matrix(np.roll(np.eye(n, dtype=np.float32), 1, axis=0))
    asked = Fit(left[0], alike, Options(history_decay=0.0), held, left[1])
    assert asked.counted.statistics.window == 0
    without_texts = Fit(left[0], no_prior(n), Options(history_decay=0.0), held, left[1])
    assert without_texts.counted.statistics.window > 0


def test_a_number_is_kept_to_and_an_order_needed() -> None:
    training, places, sample = visits(together=True)
    prior = no_prior(training.shape[1])
    fit = Fit(training, prior, Options(cooccurrence_window=15), None, places)
    counted = fit.counted.statistics
    assert counted.window == 15 and counted.design.rows.shape[0] > training.shape[0]
    decayed = Fit(training, prior, Options(history_decay=0.1), sample, places)
    assert decayed.counted.statistics.window == 0, "recency makes histories local as it is"
    assert Fit(training, prior, Options(), None, places).settled().cooccurrence_window == 0
    assert Fit(training, prior, Options(), sample).settled().cooccurrence_window == 0
