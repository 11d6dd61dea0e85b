"""Built-in models on ml-100k give the metrics of the old stack.

The figures were measured without the plugin on numpy 1.23.5, pandas 1.5.3, scipy 1.10.1 and scikit-learn 1.2.2, which
RecBole was written for; numpy 1.26.4, pandas 2.3.3, scipy 1.17.1 and the remedies give the same in every digit. The
tolerance is for other processors and versions of torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

#: model -> epochs, {metric: (valid, test)}
KNOWN = {
    "EASE": (1, {"recall@10": (0.2389, 0.2805), "ndcg@10": (0.2563, 0.3295)}),
    "BPR": (20, {"recall@10": (0.1810, 0.2085), "ndcg@10": (0.1994, 0.2494)}),
    "LightGCN": (5, {"recall@10": (0.1252, 0.1361), "ndcg@10": (0.1336, 0.1521)}),
    "FM": (5, {"auc": (0.7576, 0.7563), "logloss": (0.5905, 0.5923)}),
}


@pytest.mark.parametrize("model", KNOWN)
def test_metrics_of_the_old_stack(model: str, workplace: Path) -> None:
    from recbole.quick_start import run_recbole

    epochs, known = KNOWN[model]
    quiet: dict[str, Any] = {"epochs": epochs, "show_progress": False, "state": "ERROR", "use_gpu": False}
    result = run_recbole(model=model, dataset="ml-100k", config_dict=quiet)
    for metric, (valid, test) in known.items():
        assert result["best_valid_result"][metric] == pytest.approx(valid, abs=0.001)
        assert result["test_result"][metric] == pytest.approx(test, abs=0.001)
