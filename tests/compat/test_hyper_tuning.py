"""A search over settings, with the extra [tune] and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


def test_a_missing_hyperopt_is_told_with_the_command(fresh_python: Callable[..., str]) -> None:
    code = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "hyperopt" else find(name, *rest)
import recbole_ktrec
from recbole.trainer import HyperTuning
try:
    HyperTuning(print, space={})
except ImportError as error:
    print(error)
"""
    assert "RecBole's HyperTuning needs [hyperopt==0.2.5]: pip install 'recbole-ktrec[tune]'" in fresh_python(code)


@pytest.mark.parametrize(("algo", "trials"), [("exhaustive", 4), ("random", 2)])
def test_search(algo: str, trials: int, settings: Callable[..., dict[str, Any]], workplace: Path) -> None:
    pytest.importorskip("hyperopt", reason="needs the extra [tune]")
    from recbole.quick_start import objective_function
    from recbole.trainer import HyperTuning

    fixed = settings(model="BPR", dataset="tiny", epochs=1)
    (workplace / "fixed.yaml").write_text(yaml.safe_dump(fixed))
    space = {"choice": {"learning_rate": [0.05, 1e-5], "embedding_size": [4, 16]}}
    search = HyperTuning(
        objective_function, params_dict=space, fixed_config_file_list=["fixed.yaml"], algo=algo, max_evals=trials
    )
    search.run()
    assert len(search.score_list) == trials
    assert search.best_score == max(search.score_list) > 0
