"""The ``contrastive_*`` keys: how a language model is trained further on pairs of the source domains.

The defaults stand here; ``properties/contrastive.yaml`` repeats them for people, and a test holds the two together.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import Any

from recbole_ktrec.errors import ConfigError, number, one_of

#: What is common for each way of training; the adapters of LoRA start at zero and bear larger steps.
_LEARNING_RATES = {"last_layers": 1e-4, "lora": 5e-4, "full": 1e-5}
#: What is measured on the held-out domain, and whether a higher value is the better one.
CRITERIA = {"loss": False, "mrr": True}
_DTYPES = ("float32", "bfloat16")
_logger = logging.getLogger(__name__)
_WHOLE = ("batch_size", "user_items", "steps", "eval_step", "patience", "warmup_steps", "eval_pairs")


@dataclass(frozen=True)
class ContrastiveSettings:
    """Each attribute is the key ``contrastive_<attribute>``; ``seed`` is the run's own.

    See ``properties/contrastive.yaml`` for what each one means.

    Raises:
        ConfigError: a value is out of its range; the message names the key.
    """

    batch_size: int = 192
    user_items: int = 6
    temperature: float = 0.05
    learning_rate: float | None = None
    warmup_steps: int = 20
    max_grad_norm: float = 1.0
    steps: int = 500
    eval_step: int = 50
    patience: int = 3
    criterion: str = "loss"
    eval_pairs: int = 512
    user_power: float = 0.5
    field_pairs: float = 0.0
    held_out: str | None = None
    dtype: str = "float32"
    seed: int = 2020

    def __post_init__(self) -> None:
        for name in _WHOLE:
            least = 2 if name in ("batch_size", "user_items", "eval_pairs") else 1
            number(f"contrastive_{name}", getattr(self, name), whole=True, least=least)
        for name in ("temperature", "max_grad_norm", *(["learning_rate"] if self.learning_rate is not None else [])):
            number(f"contrastive_{name}", getattr(self, name), above=0)
        number("contrastive_user_power", self.user_power, least=0)
        number("contrastive_field_pairs", self.field_pairs, least=0, most=1)
        one_of("contrastive_criterion", self.criterion, CRITERIA)
        one_of("contrastive_dtype", self.dtype, _DTYPES)
        if self.held_out is not None and not isinstance(self.held_out, str):
            raise ConfigError(f"contrastive_held_out [{self.held_out}] is not the name of a data set.")

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the configuration keys, such as ``contrastive_steps``."""
        return tuple(f"contrastive_{field.name}" for field in fields(cls) if field.name != "seed")

    @classmethod
    def from_mapping(cls, mapping: Any) -> ContrastiveSettings:
        """Read the keys (and ``seed``) from a dict or a RecBole ``Config``; a missing one or None takes its default."""
        given = {key.removeprefix("contrastive_"): _value(mapping, key) for key in (*cls.keys(), "seed")}
        read = cls(**{name: value for name, value in given.items() if value is not None})
        if read.steps < read.warmup_steps:
            _logger.warning(
                f"contrastive_steps [{read.steps}] are fewer than contrastive_warmup_steps [{read.warmup_steps}]: the "
                "learning rate never reaches its full value. Give fewer contrastive_warmup_steps."
            )
        return read

    def rate(self, training: str) -> float:
        """Return the learning rate for a way of training (``last_layers``, ``lora`` or ``full``)."""
        return self.learning_rate if self.learning_rate is not None else _LEARNING_RATES[training]


def _value(mapping: Any, key: str) -> Any:
    try:
        return mapping[key]
    except KeyError:
        return None
