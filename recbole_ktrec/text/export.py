"""A trained encoder as a Hugging Face folder, to be named in ``text_encoder`` like any other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text.encoder import TextEncoder
from recbole_ktrec.text.encoder_files import EncoderSource
from recbole_ktrec.text.encoder_loading import quiet
from recbole_ktrec.text.locate import locate_encoder
from recbole_ktrec.text.randomness import seeded
from recbole_ktrec.text.settings import TextSettings

_MODES = {"mean": "mean_tokens", "cls": "cls_token", "last": "lasttoken"}
#: Largest difference of a vector's parts, relative to the largest part, between the trained encoder and its files.
_TOLERANCE = 1e-4


def check_savable(settings: TextSettings) -> None:
    """Refuse, before it is trained, an encoder that :func:`export_encoder` could not save.

    Raises:
        EncoderError: it is a part of what its files describe, or they hold adapters beside its weights.
    """
    source = locate_encoder(settings)
    why = "it has a decoder, too, and its encoder alone is no model of its own" if _has_both(source, settings) else ""
    if (source.folder / "adapter_config.json").is_file():
        why = "it has adapters (adapter_config.json): merge them into its weights first"
    if why:
        raise EncoderError(f"text_encoder [{source.name}] in [{source.folder}] cannot be trained further here: {why}.")


def _has_both(source: EncoderSource, settings: TextSettings) -> bool:
    import transformers

    options = {"local_files_only": True, "trust_remote_code": settings.trust_remote_code}
    try:
        config = transformers.AutoConfig.from_pretrained(source.folder, **options)
    except (OSError, ValueError):  # loading it tells
        return False
    return bool(getattr(config, "is_encoder_decoder", False))


def export_encoder(encoder: TextEncoder, folder: Path, samples: Sequence[str]) -> None:
    """Write model (adapters merged), tokenizer and pooling of ``encoder`` into ``folder``, and check them.

    Args:
        encoder: its adapters are merged into its weights in place.
        folder: made if it is not there.
        samples: texts whose vectors must be the same from the files.

    Raises:
        EncoderError: the model cannot be saved, or its files give other vectors (an architecture whose encoder is
            only a part of what its configuration describes, such as T5).
    """
    import transformers

    expected = encoder.vectors(samples)
    folder.mkdir(parents=True, exist_ok=True)
    merge_adapters(encoder.model)
    with quiet(transformers):
        encoder.model.save_pretrained(folder)
    tokenizer = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if tokenizer is not None:  # truncation of the last call would be saved with it
        tokenizer.no_truncation()
        tokenizer.no_padding()
    encoder.tokenizer.save_pretrained(folder)
    _save_pooling(folder, encoder.fingerprint["pooling"], encoder.dim)
    _check(encoder, folder, samples, expected)


def merge_adapters(model: nn.Module) -> None:
    """Add the product of each LoRA adapter to the weight beside it, and take the adapters out."""
    for name, module in list(model.named_modules()):
        if hasattr(module, "lora_A") and hasattr(module, "get_base_layer"):
            merge: Any = module.merge
            merge()
            parent, _, child = name.rpartition(".")
            base: Any = module.get_base_layer
            setattr(model.get_submodule(parent), child, base())


def _save_pooling(folder: Path, pooling: str, dim: int) -> None:
    """Write the setting where sentence-transformers has it, and :func:`fingerprint.resolve_pooling` reads it."""
    modes = {f"pooling_mode_{mode}": mode == _MODES[pooling] for mode in _MODES.values()}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    text = json.dumps({"word_embedding_dimension": dim, **modes}, indent=1)
    (folder / "1_Pooling" / "config.json").write_text(text, encoding="utf-8")


def _check(encoder: TextEncoder, folder: Path, samples: Sequence[str], expected: torch.Tensor) -> None:
    settings = replace(encoder.settings, encoder=str(folder), encoder_revision=None, pooling="auto")
    with seeded(0, encoder.device):  # parts that the files lack, and nobody reads, are drawn
        found = TextEncoder.load(settings, encoder.device).vectors(samples)
    largest = expected.abs().max().clamp(min=1e-6)
    difference = float((found - expected).abs().max() / largest)
    if not difference <= _TOLERANCE:
        raise EncoderError(
            f"text_encoder [{encoder.settings.encoder}]: its trained weights were saved, but read back they give other "
            f"vectors (relative difference {difference:.2g}), so this architecture cannot be trained further here."
        )
