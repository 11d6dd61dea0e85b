"""Products in blocks: whatever the number of threads, the same bits, and errors of a block are told."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from recbole_ktrec.nn.closed_form import times_sparse
from recbole_ktrec.nn.matrices import each_block


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_a_product_is_the_same_with_any_number_of_threads(threads: int) -> None:
    draw = np.random.default_rng(1)
    dense = draw.standard_normal((300, 40)).astype(np.float32)
    sparse = sp.random(40, 25, density=0.3, format="csc", dtype=np.float32, random_state=2)
    found = times_sparse(dense, sparse)
    assert found.dtype == np.float32 and found.flags.c_contiguous
    np.testing.assert_array_equal(found, (sparse.T.tocsr() @ np.ascontiguousarray(dense.T)).T)
    np.testing.assert_allclose(found, dense @ sparse.toarray(), atol=1e-5)


def test_every_block_is_done_once_in_no_more_threads_than_torch_takes(threads: int) -> None:
    done, by = [], set()

    def work(some: slice) -> None:
        by.add(threading.get_ident())
        done.append((some.start, some.stop))

    each_block(work, 7, 2)
    assert sorted(done) == [(0, 2), (2, 4), (4, 6), (6, 7)] and len(by) <= threads
    each_block(work, 0, 2)
    assert len(done) == 4


def test_what_a_block_raises_is_raised(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        each_block(lambda some: 1 // (some.start - 4), 9, 2)
