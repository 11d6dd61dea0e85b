"""Lists longer than the catalogue are refused before the training: RecBole's ranking fails at its first evaluation."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from recbole_ktrec.errors import ConfigError


def refuse_long_lists(data_utils: ModuleType) -> bool:
    """Let ``data_preparation`` compare ``topk`` with the items of the data set."""
    original = data_utils.data_preparation  # type: ignore[attr-defined]

    @functools.wraps(original)
    def data_preparation(config: Any, dataset: Any) -> Any:
        check(config, dataset)
        return original(config, dataset)

    data_utils.data_preparation = data_preparation  # type: ignore[attr-defined]
    return True


def check(config: Any, dataset: Any) -> None:
    """Compare the longest list with the catalogue, whose number of items counts the padding.

    Raises:
        ConfigError: RecBole ranks fewer items than ``topk`` asks for.
    """
    from recbole.utils import EvaluatorType

    ranked, longest = config["eval_type"] == EvaluatorType.RANKING, max(config["topk"] or [0])
    if ranked and longest > dataset.item_num:
        raise ConfigError(
            f"topk [{longest}] is more than the [{dataset.item_num - 1}] items of [{dataset.dataset_name}]."
        )
