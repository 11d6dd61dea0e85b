"""The tokenizer and the transformer of an encoder's files, as they are fit for vectors of texts; others are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from recbole_ktrec.errors import ConfigError, EncoderError
from recbole_ktrec.text.encoder_files import VOCABULARY, EncoderSource
from recbole_ktrec.text.settings import TextSettings

#: Architectures whose first token passes through one more layer, for a task that is not ours.
_WITH_POOLER = frozenset("albert bert camembert mpnet roberta xlm-roberta".split())
#: Architectures whose positions begin at pad_token_id + 1.
_OFFSET = frozenset(
    "camembert data2vec-text esm longformer luke mpnet roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl "
    "xmod".split()
)


def load_model(source: EncoderSource, settings: TextSettings) -> tuple[Any, Any]:
    """Return the tokenizer and the transformer of ``source``, without what is not used here.

    Raises:
        EncoderError: its files cannot be loaded, or give no vectors to rely on.
        ConfigError: ``text_max_length`` is more than it can read.
    """
    import transformers

    trusted = settings.trust_remote_code
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": trusted}
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    dtype = {"dtype" if version >= (4, 56) else "torch_dtype": getattr(torch, settings.dtype)}
    try:
        with quiet(transformers):
            tokenizer = transformers.AutoTokenizer.from_pretrained(source.folder, **options)
            model = transformers.AutoModel.from_pretrained(
                source.folder, use_safetensors=None if trusted else True, **dtype, **options
            )
    except Exception as error:
        said = " ".join(str(error).split())
        own_code = " It brings its own code, which runs only with text_trust_remote_code: True."
        raise EncoderError(
            f"text_encoder [{source.name}] in [{source.folder}] cannot be loaded: {type(error).__name__}: {said}"
            f"{own_code if 'trust_remote_code' in said else ''}"
        ) from error
    _check_vocabulary(tokenizer, source)
    _check_random(model.config, source)
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if model.config.model_type in _WITH_POOLER:
        model.pooler = None  # never used here, and a trained model should have no parameter without gradient
    model.config.use_cache = False
    _check_length(model, settings)
    return tokenizer, model


def _check_vocabulary(tokenizer: Any, source: EncoderSource) -> None:
    """Refuse a tokenizer whose files are missing: transformers 5 makes an empty one: all texts the same."""
    own = set((getattr(tokenizer, "vocab_files_names", None) or {}).values())  # none: it reads bytes or characters
    if own and not any((source.folder / name).is_file() for name in {*own, *VOCABULARY}):
        raise EncoderError(
            f"text_encoder [{source.name}]: the folder [{source.folder}] has no tokenizer [{', '.join(sorted(own))}]: "
            "copy its files there."
        )


def _check_random(config: Any, source: EncoderSource) -> None:
    """Refuse what draws random numbers for each text: its vectors would never be the same twice."""
    if config.model_type == "yoso" and not config.use_expectation:
        raise EncoderError(
            f"text_encoder [{source.name}] draws its attention at random, so its vectors differ from call to call: set "
            f"use_expectation to true in [{source.folder / 'config.json'}]."
        )


@contextlib.contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Load or save without bars and remarks on unused heads, which are not unusual for encoders."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def check_dtype(dtype: str, device: torch.device | str) -> None:
    """Refuse, before anything is loaded, numbers that the device cannot compute with.

    Raises:
        ConfigError: the message names both.
    """
    try:
        nn.functional.layer_norm(torch.zeros(1, 2, dtype=getattr(torch, dtype), device=device), (2,))
    except RuntimeError as error:
        raise ConfigError(
            f"text_dtype [{dtype}] does not work on the device [{device}] with torch {torch.__version__}: "
            f"{str(error).splitlines()[0]}"
        ) from error


def _check_length(model: Any, settings: TextSettings) -> None:
    config = model.config.get_text_config()
    places = getattr(config, "max_position_embeddings", None)
    if places is None or places < 0:
        return
    if config.model_type in _OFFSET:
        places -= 2
    if settings.max_length > places:
        raise ConfigError(
            f"text_max_length [{settings.max_length}] is more than [{settings.encoder}] can read, which is {places}."
        )
