"""Which parameters of a pre-trained transformer are trained."""

from __future__ import annotations

import importlib.util
from typing import Any

from torch import nn

from recbole_ktrec.errors import ConfigError, MissingExtraError, counted, one_of
from recbole_ktrec.text.settings import TRAININGS, TextSettings

_FINAL_NORMS = ("norm", "final_layer_norm", "ln_f", "final_norm", "layer_norm")


def check_extra(mode: str) -> None:
    """Refuse ``lora`` without peft, before anything is encoded.

    Raises:
        MissingExtraError: the message holds the install command.
    """
    if mode == "lora" and importlib.util.find_spec("peft") is None:
        raise MissingExtraError("peft", "lora", "text_encoder_training: lora")


def choose(model: Any, mode: str, settings: TextSettings) -> None:
    """Set ``requires_grad`` of all parameters of ``model`` by ``mode``; ``lora`` also puts adapters in.

    Args:
        settings: ``last_layers`` and ``lora_*`` are used.

    Raises:
        ConfigError: unknown mode, or fewer layers than ``text_last_layers``.
        MissingExtraError: ``lora`` without peft.
    """
    one_of("text_encoder_training", mode, TRAININGS)
    model.requires_grad_(mode == "full")
    if mode == "last_layers":
        _train_last_layers(model, settings.last_layers)
    elif mode == "lora":
        _add_lora(model, settings.lora_rank, settings.lora_alpha, settings.lora_dropout)


def quiet_frozen(module: nn.Module) -> None:
    """Put every part of ``module`` without a trained parameter into evaluation mode (no dropout there)."""
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        module.eval()
        return
    for child in module.children():
        quiet_frozen(child)


def transformer_layers(model: nn.Module) -> nn.ModuleList:
    """Return the stack of layers: the longest list of modules in ``model``, those inside of another one aside.

    Such are the experts of a layer, which may be more than there are layers.
    """
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    stacks = [lists[name] for name in lists if not any(name.startswith(f"{other}.") for other in lists)]
    if not stacks:
        raise ConfigError(f"text_encoder_training: [{type(model).__name__}] has no list of layers; use full or frozen.")
    return max(stacks, key=len)


def _train_last_layers(model: nn.Module, count: int) -> None:
    layers = transformer_layers(model)
    if not 1 <= count <= len(layers):
        raise ConfigError(f"text_last_layers [{count}]: [{type(model).__name__}] has {counted(len(layers), 'layer')}.")
    for layer in list(layers)[-count:]:
        layer.requires_grad_(True)
    for name, module in model.named_children():
        if name in _FINAL_NORMS:
            module.requires_grad_(True)


def _add_lora(model: Any, rank: int, alpha: float, dropout: float) -> None:
    """Put low-rank adapters into the attention (Hu et al. 2022, arXiv:2106.09685); their start changes nothing."""
    check_extra("lora")
    from peft import LoraConfig, inject_adapter_in_model
    from peft.utils import constants

    by_type: dict[str, Any] = constants.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING
    targets = by_type.get(model.config.model_type, "all-linear")
    if any("lora_" in name for name, _ in model.named_parameters()):
        raise ConfigError("text_encoder_training: this encoder has its LoRA adapters already.")
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=targets)  # type: ignore[arg-type]
    inject_adapter_in_model(config, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
