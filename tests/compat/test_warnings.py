"""What torch and pandas say of RecBole's age is left out; what they say of other code, or say else, is heard."""

from __future__ import annotations

import warnings

import pytest

import recbole_ktrec
from recbole_ktrec.compat.warnings_of_age import leave_out

OLD = "torch.sparse.SparseTensor(indices, values, shape, *, device=) is deprecated.  Please use another."


@pytest.mark.parametrize(
    ("message", "category", "module", "heard"),
    [
        (OLD, UserWarning, "recbole.model.general_recommender.lightgcn", 0),
        ("old", FutureWarning, "recbole.data.dataset.dataset", 0),
        ("Max value of user's history is 900", UserWarning, "recbole.data.dataset.dataset", 1),
        (OLD, UserWarning, "recbole_ktrec.model.ktrec", 1),
    ],
)
def test_only_recbole_s_age_is_left_out(message: str, category: type[Warning], module: str, heard: int) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert leave_out(recbole_ktrec)
        warnings.warn_explicit(message, category, "file.py", 1, module=module, registry={})
    assert len(caught) == heard
