"""What determines the vector of a text besides the text: compared by caches and by checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import EncoderError
from recbole_ktrec.text.encoder_files import EncoderSource
from recbole_ktrec.text.settings import TextSettings

#: The parts that make vectors differ; ``encoder`` and ``revision`` are names for people.
COMPARED = ("sha256", "pooling", "prompt", "max_length", "dtype")
#: What sentence-transformers calls them, in the files of versions before and since 5 -> ``text_pooling``.
_POOLINGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "last"}
_POOLINGS |= {"mean": "mean", "cls": "cls", "lasttoken": "last"}
_CAUSAL_ENDINGS = ("ForCausalLM", "LMHeadModel")
#: XLM, FlauBERT and old T5, which read in both directions.
_NOT_CAUSAL_ENDING = "WithLMHeadModel"
_CAUSAL_TYPES = frozenset(
    "biogpt bloom codegen cohere cohere2 deepseek_v2 deepseek_v3 exaone4 falcon gemma gemma2 gemma3_text glm glm4 gpt2 "
    "gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granite granitemoe helium lfm2 llama ministral mistral mixtral mpt "
    "nemotron olmo olmo2 olmo3 olmoe openai-gpt opt phi phi3 phimoe qwen2 qwen2_moe qwen3 qwen3_moe smollm3 stablelm "
    "starcoder2 xglm".split()
)


def encoder_fingerprint(settings: TextSettings, source: EncoderSource) -> dict[str, Any]:
    """Return the fingerprint of ``source`` under ``settings``, a plain dict fit for JSON and checkpoints."""
    return {
        "encoder": settings.encoder,
        "revision": settings.encoder_revision,
        "sha256": source.sha256(),
        "pooling": resolve_pooling(settings, source),
        "prompt": settings.prompt,
        "max_length": settings.max_length,
        "dtype": settings.dtype,
    }


def resolve_pooling(settings: TextSettings, source: EncoderSource) -> str:
    """Return ``mean``, ``cls`` or ``last``; ``auto`` asks the encoder's own files.

    Those are ``1_Pooling/config.json`` of sentence-transformers; without it a decoder has ``last``, others ``mean``.

    Raises:
        EncoderError: they ask for a pooling that is not there; the message names it.
    """
    if settings.pooling != "auto":
        return settings.pooling
    path = source.folder / "1_Pooling" / "config.json"
    if asked := _asked_pooling(_json(path)):
        if len(asked) > 1 or asked[0] not in _POOLINGS:
            raise EncoderError(
                f"[{path}] asks for [{', '.join(asked)}], which recbole_ktrec cannot do: set text_pooling to mean, cls "
                "or last to take that instead."
            )
        return _POOLINGS[asked[0]]
    config = _json(source.folder / "config.json")
    names = [str(name) for name in config.get("architectures") or ()]
    causal = any(name.endswith(_CAUSAL_ENDINGS) and not name.endswith(_NOT_CAUSAL_ENDING) for name in names)
    return "last" if causal or config.get("model_type") in _CAUSAL_TYPES else "mean"


def _asked_pooling(content: Mapping[str, Any]) -> list[str]:
    """Return the poolings that the file of sentence-transformers asks for."""
    new = content.get("pooling_mode")
    if new:
        return [new] if isinstance(new, str) else [str(one) for one in new]
    return [key for key, wanted in content.items() if key.startswith("pooling_mode_") and wanted]


def check_fingerprint(stored: Mapping[str, Any], current: Mapping[str, Any], where: str = "the checkpoint") -> None:
    """Refuse vectors of another encoder than those that ``where`` was trained with; the message names both.

    Raises:
        EncoderError: a part of :data:`COMPARED` differs.
    """
    different = [part for part in COMPARED if stored.get(part) != current.get(part)]
    if different:
        raise EncoderError(
            f"{where} was trained with the text encoder [{_describe(stored, different)}], but the configuration now "
            f"gives [{_describe(current, different)}]: set the text_* keys as they were, or train again."
        )


def _describe(fingerprint: Mapping[str, Any], parts: list[str]) -> str:
    shown = ", ".join(f"{part}={str(fingerprint.get(part))[:16]!r}" for part in parts)
    return f"{fingerprint.get('encoder')} ({shown})"


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EncoderError(f"[{path}] cannot be read as JSON: {error}") from error
    return content if isinstance(content, dict) else {}
