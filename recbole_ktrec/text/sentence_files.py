"""What the files of sentence-transformers ask for and nobody does here: told once, with what to set."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recbole_ktrec.text.encoder_files import EncoderSource
from recbole_ktrec.text.fingerprint import resolve_pooling
from recbole_ktrec.text.settings import TextSettings

_logger = logging.getLogger(__name__)
#: Modules that need no files of their own here.
_MODULES = frozenset(("Transformer", "Pooling", "Normalize"))


def tell_ignored(source: EncoderSource, settings: TextSettings) -> None:
    """Warn, once a program, of what sentence-transformers would do with the encoder and nobody does here."""
    for read in (_modules, _letters, _default_prompt, _prompt_left_out):
        for text in read(source.folder, source, settings):
            _warn(f"text_encoder [{source.name}] {text}")


@functools.cache
def _warn(text: str) -> None:
    _logger.warning(text)


def _modules(folder: Path, *_: Any) -> Iterator[str]:
    modules = _json(folder / "modules.json")
    try:
        found = [str(module["type"]).rpartition(".")[2] for module in modules]
    except (KeyError, TypeError):  # of another form
        return
    if others := [one for one in found if one not in _MODULES]:
        yield (
            f"has the modules [{', '.join(others)}] of sentence-transformers, which are not read here: its vectors are "
            "those of the pooling."
        )


def _letters(folder: Path, *_: Any) -> Iterator[str]:
    asked = _mapping(folder / "sentence_bert_config.json").get("do_lower_case")
    if asked and not _mapping(folder / "tokenizer_config.json").get("do_lower_case"):
        yield (
            "has do_lower_case in sentence_bert_config.json, so sentence-transformers writes texts in small letters "
            "for it. Nobody does here, and no text_* key asks for it: for its vectors write the data so."
        )


def _default_prompt(folder: Path, _: EncoderSource, settings: TextSettings) -> Iterator[str]:
    content = _mapping(folder / "config_sentence_transformers.json")
    name, prompts = content.get("default_prompt_name"), content.get("prompts")
    prompt = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    if prompt and not settings.prompt:
        yield (
            f"has the prompt [{name}] by default in sentence-transformers, and none here: for its vectors set "
            f"text_prompt: {json.dumps(prompt)}."
        )


def _prompt_left_out(folder: Path, source: EncoderSource, settings: TextSettings) -> Iterator[str]:
    left_out = _mapping(folder / "1_Pooling" / "config.json").get("include_prompt") is False
    if left_out and settings.prompt and resolve_pooling(settings, source) == "mean":
        yield (
            "leaves its prompt out of the mean in sentence-transformers (include_prompt in 1_Pooling/config.json). "
            "Here the tokens of text_prompt count like those of the text, so the vectors are others."
        )


def _mapping(path: Path) -> dict[str, Any]:
    content = _json(path)
    return content if isinstance(content, dict) else {}


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # none, or damaged
        return None
