"""The language model of an artifact: a run that names the artifact reads its texts with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import DataError
from recbole_ktrec.model.artifact import read_card
from recbole_ktrec.text import TextSettings, check_fingerprint, locate_encoder
from recbole_ktrec.text.fingerprint import encoder_fingerprint

_logger = logging.getLogger(__name__)


def take_encoder(config: Any) -> None:
    """Let ``text_encoder`` be the encoder of the artifact ``pretrained``, if one was trained with it.

    So it is where the user names none, or the one that it was trained from. Another is told here, before any text is
    encoded.

    Raises:
        DataError: the artifact or its encoder is missing.
        EncoderError: the user names another ``text_encoder``, or other settings of it; the message names both.
    """
    if config["pretrained"] is None:
        return
    folder = Path(str(config["pretrained"])).expanduser()
    card = read_card(folder)
    if trained := card.get("language_model"):
        own = folder / trained["folder"]
        if not own.is_dir():
            raise DataError(f"[{own}] is missing: the language model of the artifact [{folder}] belongs there.")
        named = _named_by_user(config)
        if not named or _trained_from(trained, config):
            if named:
                _logger.info(f"Texts are read with [{own}], which was trained from [{config['text_encoder']}].")
            config["text_encoder"], config["text_encoder_revision"] = str(own), None
    check_encoder(folder, card, config)


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


def _named_by_user(config: Any) -> bool:
    return config.external_config_dict.get("text_encoder") is not None


def _trained_from(trained: Mapping[str, Any], config: Any) -> bool:
    """Return whether the language model of a card was trained from the encoder that ``config`` names."""
    base = trained.get("job", {}).get("encoder", {}).get("sha256")
    return base is not None and locate_encoder(TextSettings.from_mapping(config)).sha256() == base


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
