"""Trials: the same budget, the same draws, sensible errors."""

from __future__ import annotations

from typing import Any

import pytest

from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.options import read_yaml
from recbole_ktrec.evaluation.tuning import best_trial, trials
from recbole_ktrec.resources import resource_dir

RANGES: dict[str, Any] = {
    "lr": {"loguniform": [0.001, 0.1]},
    "drop": {"uniform": [0.0, 0.5]},
    "n": {"int": [1, 3]},
    "size": {"choice": [[64], [8, 8]]},
}


def test_defaults_first_then_different_draws_within_the_ranges() -> None:
    found = trials("A", RANGES, 20, seed=0)
    assert found[0] == {} and len(found) == 20
    assert len({str(draw) for draw in found}) == 20
    for draw in found[1:]:
        assert 0.001 <= draw["lr"] <= 0.1 and 0 <= draw["drop"] <= 0.5
        assert draw["n"] in (1, 2, 3) and draw["size"] in ([64], [8, 8])


def test_seed_and_label_decide() -> None:
    assert trials("A", RANGES, 5, 0) == trials("A", RANGES, 5, 0)
    assert trials("A", RANGES, 5, 0) != trials("B", RANGES, 5, 0)
    assert trials("A", RANGES, 5, 0) == trials("A", RANGES, 9, 0)[:5], "a larger budget goes on where the smaller ended"


def test_a_small_space_is_used_up() -> None:
    assert len(trials("A", {"k": {"choice": [1, 2]}}, 50, 0)) == 3
    assert trials("Pop", {}, 50, 0) == [{}]


def test_best_trial() -> None:
    assert best_trial([0.1, None, 0.3, 0.3], bigger=True) == 2
    assert best_trial([0.1, None, 0.3], bigger=False) == 0
    assert best_trial([None], bigger=True) is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"chioce": [1]}, "Did you mean \\[choice\\]"),
        ({"uniform": [2, 1]}, "smaller one first"),
        ({"loguniform": [0, 1]}, "smaller one first"),
        ({"choice": 3}, "list of values"),
        ([1, 2], "must be one of"),
    ],
)
def test_bad_ranges_name_the_key(spec: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"\[depth\].*{message}|{message}.*\[depth\]"):
        trials("A", {"depth": spec}, 3, 0)


@pytest.mark.parametrize("path", sorted((resource_dir("properties") / "tuning").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_ranges_can_be_drawn_and_are_read_by_their_model(path: Any) -> None:
    from recbole_ktrec.evaluation.options import check_keys
    from recbole_ktrec.register.unknown import known_models

    ranges = read_yaml(path)
    assert path.stem in known_models()
    check_keys(path.stem, path.stem, ranges)
    assert all(set(draw) == set(ranges) for draw in trials(path.stem, ranges, 4, 0)[1:])
