"""RecBole starts where ray cannot be imported, and takes the real one where it can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ktrec.compat.ray_tune import stand_in
from recbole_ktrec.errors import MissingExtraError

SHOW = """
import recbole_ktrec, ray, recbole.quick_start
from ray import tune
tune.report(ndcg=0.1)
print(ray.__doc__, tune.__name__)
"""


def test_recbole_starts_with_a_broken_ray(workplace: Path, fresh_python: Callable[..., str]) -> None:
    broken = workplace / "broken" / "ray"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("import numpy\nnumpy.bool8_gone\n")
    code = f"import sys; sys.path.insert(0, {str(broken.parent)!r})\n" + SHOW.replace("ray, recbole", "recbole", 1)
    assert "Stand-in" in fresh_python(code.replace("print(ray", "import ray; print(ray"))


def test_the_stand_in_reports_to_nobody_and_names_what_is_missing() -> None:
    tune = stand_in()["ray.tune"]
    assert tune.report(0.5, ndcg=0.1) is None
    with pytest.raises(MissingExtraError, match=r"ray\.tune\.run .*needs \[ray==2\.6\.3\]"):
        tune.run()
    assert not hasattr(tune, "__wrapped__")
