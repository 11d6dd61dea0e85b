"""A data set is known again by a sample of its hashes, sorted, filtered or renamed."""

from __future__ import annotations

import numpy as np
import pytest

from recbole_ktrec.model.likeness import of_interactions, part_in, read, sketch
from recbole_ktrec.text import text_hashes


def hashes(first: int, last: int, draw: np.random.Generator | None = None) -> np.ndarray:
    """Return those of some numbered interactions, in random order."""
    numbers = np.arange(first, last) if draw is None else draw.permutation(np.arange(first, last))
    return of_interactions([f"u{one % 97}" for one in numbers], [f"i{one}" for one in numbers])


def test_a_copy_in_another_order_is_all_there_and_another_set_is_not() -> None:
    sketched = sketch(hashes(0, 5000))
    assert len(read(sketched)) == 4096 and part_in(hashes(0, 5000, np.random.default_rng(1)), sketched) == 1
    assert part_in(hashes(5000, 9000), sketched) == 0
    assert part_in(hashes(0, 10), sketched) == 0, "too few to tell"


@pytest.mark.parametrize(("first", "last", "part"), [(0, 2000, 1.0), (2500, 7500, 0.5), (0, 20_000, 0.25)])
def test_the_part_of_one_in_the_other_is_told(first: int, last: int, part: float) -> None:
    assert part_in(hashes(first, last), sketch(hashes(0, 5000))) == pytest.approx(part, abs=0.03)


def test_user_and_item_are_not_interchangeable_and_small_sets_are_whole() -> None:
    one, other = of_interactions(["a"], ["b"]), of_interactions(["b"], ["a"])
    assert one != other and of_interactions(["a"], ["b"]) == one
    texts = [f"text {k}" for k in range(40)]
    assert len(text_hashes([*texts, None, "", *texts])) == 40
    assert part_in(text_hashes(texts), sketch(text_hashes(texts[:20]))) == 0.5


def test_a_damaged_sketch_is_none() -> None:
    with pytest.raises(ValueError, match="hex"):
        read("xyz")
    with pytest.raises(ValueError, match="buffer"):
        read("abcd")
