"""The ``text_*`` keys of the configuration: read once, checked, and immutable from then on.

The defaults stand here; ``properties/text.yaml`` repeats them for people, and a test holds the two together.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, nearest, number, one_of

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
POOLINGS = ("auto", "mean", "cls", "last")
DTYPES = ("float32", "float16", "bfloat16")
#: The place of a column in a template.
PLACE = re.compile(r"\{([^{}\[\]]+)\}")
TRAININGS = ("frozen", "last_layers", "lora", "full")
#: Cells that other tools write for "no value"; an item that is really called so needs ``text_missing: []``.
MISSING_WORDS = ("NA", "N/A", "n/a", "<NA>", "NaN", "nan", "None", "NULL", "null")


@dataclass(frozen=True)
class TextField:
    """One column of the text: its name, how many of its words are kept (None: all), a label put before it."""

    name: str
    max_words: int | None = None
    label: str = ""


@dataclass(frozen=True)
class TextSettings:
    """How rows become text and text becomes vectors; each attribute is the key ``text_<attribute>``.

    See ``properties/text.yaml`` for what each one means.
    """

    fields: tuple[TextField, ...] | None = None
    template: str | None = None
    missing: tuple[str, ...] = MISSING_WORDS
    encoder: str = DEFAULT_ENCODER
    encoder_revision: str | None = None
    pooling: str = "auto"
    prompt: str = ""
    max_length: int = 128
    batch_tokens: int | None = None
    dtype: str = "float32"
    cache_dir: str | None = None
    trust_remote_code: bool = False
    encoder_training: str = "frozen"
    last_layers: int = 2
    lora_rank: int = 8
    lora_alpha: float = 16.0
    lora_dropout: float = 0.0

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """Return the configuration keys, such as ``text_encoder``."""
        return tuple(f"text_{field.name}" for field in fields(cls))

    @classmethod
    def from_mapping(cls, mapping: Any) -> TextSettings:
        """Read the keys from a dict or a RecBole ``Config`` (which answers None for a key that it does not have).

        Raises:
            ConfigError: a value is of the wrong kind; the message names the key and what it may be.
        """
        return cls(**{name: value for name in _READERS if (value := _read(mapping, name)) is not None})

    def cache_folder(self) -> Path:
        """Return the folder of the vector cache (it need not exist)."""
        return Path(self.cache_dir).expanduser() if self.cache_dir else default_cache_folder()


def default_cache_folder() -> Path:
    """Return ``$KTREC_CACHE``, else ``recbole_ktrec`` in ``$XDG_CACHE_HOME`` or the user's usual cache folder."""
    if own := os.environ.get("KTREC_CACHE"):
        return Path(own).expanduser()
    usual = os.environ.get("LOCALAPPDATA") if sys.platform == "win32" else os.environ.get("XDG_CACHE_HOME")
    return (Path(usual) if usual else Path.home() / ".cache") / "recbole_ktrec"


def _read(mapping: Any, name: str) -> Any:
    key = f"text_{name}"
    try:
        value = mapping[key]
    except KeyError:
        return None
    return None if value is None else _READERS[name](key, value)


def _wrong(key: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(f"{key} [{value}] is not {wanted}.")


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(key, value, "a string")
    return value


def _name(key: str, value: Any) -> str | None:
    return _text(key, os.fspath(value) if isinstance(value, os.PathLike) else value) or None


def _template(key: str, value: Any) -> str | None:
    if isinstance(value, Mapping) and list(value.values()) == [None]:  # YAML takes {title} for a mapping
        value = f"{{{next(iter(value))}}}"
    text = _name(key, value)
    if text is not None and not PLACE.search(text):
        raise _wrong(key, value, "a text with the column of each place in braces, such as {title} [by {brand}]")
    return text


def _choice(*allowed: str) -> Any:
    def read(key: str, value: Any) -> str:
        return one_of(key, value, allowed)

    return read


def _positive(key: str, value: Any) -> int:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value  # 1e3 is a float of YAML
    return int(number(key, whole, least=1, whole=True))


def _number(key: str, value: Any) -> float:
    return float(number(key, value, least=0))


def _share(key: str, value: Any) -> float:
    if (share := _number(key, value)) >= 1:
        raise _wrong(key, value, "a share of at least 0 and below 1")
    return share


def _switch(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, value, "True or False")
    return value


def _words(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(key, value, "a list of words")
    return tuple(str(word) for word in value)


def _fields(key: str, value: Any) -> tuple[TextField, ...] | None:
    """Read ``title``, ``title,genre``, ``[title, genre]`` or ``{title: {max_words: 20, label: Title}, genre: ~}``."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, Mapping):
        chosen = tuple(_field(key, str(name), options) for name, options in value.items())
    elif isinstance(value, Sequence) and all(isinstance(name, str) for name in value):
        chosen = tuple(TextField(name) for name in value)
    else:
        raise _wrong(key, value, "a list of columns or a mapping from column to {max_words, label}")
    names = [field.name for field in chosen]
    if doubled := [name for name in names if names.count(name) > 1]:
        raise ConfigError(f"{key} names the column [{doubled[0]}] twice.")
    return chosen or None


def _field(key: str, name: str, options: Any) -> TextField:
    if options is None:
        return TextField(name)
    if not isinstance(options, Mapping):
        raise _wrong(f"{key}[{name}]", options, "a mapping with max_words and label")
    for option in options:
        if option not in ("max_words", "label"):
            known = nearest(str(option), ("max_words", "label"))
            raise ConfigError(f"{key}[{name}] has no option [{option}], only max_words and label.{known}")
    limit, label = options.get("max_words"), options.get("label")
    return TextField(
        name,
        None if limit is None else _positive(f"{key}[{name}][max_words]", limit),
        "" if label is None else _text(f"{key}[{name}][label]", label),
    )


#: attribute of :class:`TextSettings` -> how its value is read and checked.
_READERS: dict[str, Any] = {
    "fields": _fields,
    "template": _template,
    "missing": _words,
    "encoder": _name,
    "encoder_revision": _name,
    "pooling": _choice(*POOLINGS),
    "prompt": _text,
    "max_length": _positive,
    "batch_tokens": _positive,
    "dtype": _choice(*DTYPES),
    "cache_dir": _name,
    "trust_remote_code": _switch,
    "encoder_training": _choice(*TRAININGS),
    "last_layers": _positive,
    "lora_rank": _positive,
    "lora_alpha": _number,
    "lora_dropout": _share,
}
