"""The language model of an artifact: a run that names the artifact reads its texts with it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, DataError, EncoderError
from recbole_ktrec.model.artifact_card import artifact_folder, checked_card
from recbole_ktrec.text import TextSettings, check_fingerprint, locate_encoder
from recbole_ktrec.text.fingerprint import encoder_fingerprint

_logger = logging.getLogger(__name__)


def take_encoder(config: Any) -> None:
    """Let ``text_encoder`` be the encoder of the artifact ``pretrained``, if one was trained with it.

    So it is where the user names none, or the one that it was trained from. Another is told here, before any text is
    encoded.

    Raises:
        ConfigError: what the guard compares with would be read with another encoder than it was trained from.
        DataError: the artifact or its encoder is missing, or its card lacks a key.
        EncoderError: the user names another ``text_encoder``, or other settings of it; the message names both.
    """
    if config["pretrained"] is None:
        return
    folder = artifact_folder(config)
    card = checked_card(folder)
    named = config.external_config_dict.get("text_encoder") is not None
    if own := encoder_keys(folder, card, config, named):
        if named:
            _logger.info(f"Texts are read with [{own['text_encoder']}], trained from [{config['text_encoder']}].")
        for key, value in own.items():
            config[key] = value
    check_encoder(folder, card, config)
    if config["transfer_guard"] and config["transfer"] != "zero_shot":
        with contextlib.suppress(EncoderError):  # the guard tells of an encoder that is not to be had
            check_base(folder, card, UntrainedEncoder(config))


def encoder_keys(folder: Path, card: Mapping[str, Any], values: Any, named: bool) -> dict[str, str | None]:
    """Return the keys that name the language model of the artifact ``folder``; none if a run does not take it.

    Args:
        card: of the artifact.
        values: the configuration of the run.
        named: whether its ``text_encoder`` is the user's own choice.

    Raises:
        DataError: the language model is missing.
    """
    trained = card.get("language_model")
    if not trained:
        return {}
    own = folder / trained["folder"]
    if not own.is_dir():
        raise DataError(f"[{own}] is missing: the language model of the artifact [{folder}] belongs there.")
    if named and not _trained_from(trained, values):
        return {}
    return {"text_encoder": str(own), "text_encoder_revision": None}


def check_encoder(folder: Path, card: Mapping[str, Any], values: Any) -> None:
    """Refuse another encoder than that of the artifact ``folder``, before any text is encoded.

    Args:
        card: of the artifact.
        values: the configuration, whose ``text_*`` keys name the encoder.

    Raises:
        EncoderError: they differ; the message names both.
    """
    settings = TextSettings.from_mapping(values)
    found = encoder_fingerprint(settings, locate_encoder(settings))
    check_fingerprint(card["encoder"], found, f"The artifact [{folder}]")


def check_base(folder: Path, card: Mapping[str, Any], values: Any) -> dict[str, Any]:
    """Return the fingerprint of the encoder with which texts are read without the artifact ``folder``.

    What an artifact is worth is told by what competes with it, so that must be what its language model, if it has one,
    was trained from.

    Args:
        card: of the artifact.
        values: the configuration without the artifact.

    Raises:
        ConfigError: it is another encoder; the message names both.
        EncoderError: it is not to be had.
    """
    settings = TextSettings.from_mapping(values)
    found, trained = encoder_fingerprint(settings, locate_encoder(settings)), card.get("language_model") or {}
    base = trained.get("job", {}).get("encoder", {})
    if base and any(base.get(part) != found[part] for part in ("sha256", "pooling")):
        before = _told(base, trained.get("trained_from"))
        raise ConfigError(
            f"The language model of the artifact [{folder}] was trained from {before}, "
            f"but without it texts would be read with {_told(found, settings.encoder)}, so that a comparison would not "
            "tell what the artifact is worth: set text_encoder (and text_pooling) to what it was trained from."
        )
    return found


def _told(fingerprint: Mapping[str, Any], name: str | None) -> str:
    return f"[{name}] (sha256 {str(fingerprint.get('sha256'))[:16]}, pooling {fingerprint.get('pooling')})"


def _trained_from(trained: Mapping[str, Any], values: Any) -> bool:
    """Return whether the language model of a card was trained from the encoder that ``values`` name."""
    base = trained.get("job", {}).get("encoder", {}).get("sha256")
    return base is not None and locate_encoder(TextSettings.from_mapping(values)).sha256() == base


class UntrainedEncoder:
    """The configuration as it is without the artifact's language model, for what transfer competes with."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @staticmethod
    def of(config: Any) -> Any:
        """Return the view, or ``config`` itself where no encoder was taken from an artifact."""
        plain = UntrainedEncoder(config)
        return config if config["pretrained"] is None or config["text_encoder"] == plain["text_encoder"] else plain

    def __getitem__(self, key: str) -> Any:
        if key in ("text_encoder", "text_encoder_revision"):
            external = self.config.external_config_dict.get(key)
            return self.config.internal_config_dict.get(key) if external is None else external
        return self.config[key]
