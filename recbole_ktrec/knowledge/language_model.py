"""The language model of `ktrec pretrain`, trained further on the sources before anything is measured with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recbole_ktrec.evaluation.source import read_source
from recbole_ktrec.knowledge.domains import hold_out, interactions, item_file_of
from recbole_ktrec.text import ContrastiveSettings, EntityFile, TextDomain, TextSettings
from recbole_ktrec.text.contrastive import ENCODER, read_report, train_encoder


def train_language_model(
    names: Sequence[str],
    values: Callable[[str], Mapping[str, Any]],
    held_out_users: int,
    settings: ContrastiveSettings,
    output: Path,
) -> dict[str, Any]:
    """Train the encoder that the configuration of the first source names; one that got better is ``output/encoder``.

    Args:
        names: the sources.
        values: source -> its configuration.
        held_out_users: so many users' held-out interactions of each source, which are measured with later, are left
            out, drawn with the seed of ``settings``.
        settings: of the training.
        output: folder of the artifact.

    Returns:
        what the card tells: the record of the training, in ``folder`` where in ``output`` the encoder is, None if it
        stayed as it was, and in ``trained_from`` the name of the one that it was before.
    """
    domains = [text_domain(name, values(name), held_out_users, settings.seed) for name in names]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = TextSettings.from_mapping(values(names[0]))
    encoder = train_encoder(domains, text, settings, output, device)
    folder = None if encoder is None else ENCODER
    return {"folder": folder, "trained_from": text.encoder, **(read_report(encoder or output) or {})}


def text_domain(name: str, values: Mapping[str, Any], held_out_users: int, seed: int) -> TextDomain:
    """Return data set ``name`` as a domain: texts, what users took, pairs of the first text field with the others.

    Raises:
        DataError: a file is missing or cannot be used.
    """
    source = read_source(name, values)
    taken, tokens = interactions(source)
    rest, _ = hold_out(taken, held_out_users, np.random.default_rng(seed))
    settings, file = TextSettings.from_mapping(values), item_file_of(source)
    return TextDomain(name, file.texts(tokens, settings), rest, _field_pairs(file, tokens, settings))


def _field_pairs(file: EntityFile, tokens: Sequence[str], settings: TextSettings) -> list[tuple[str, str]]:
    fields = file.fields(settings)
    if len(fields) < 2:
        return []
    first, others = (
        file.texts(tokens, replace(settings, fields=tuple(part), template=None)) for part in (fields[:1], fields[1:])
    )
    return [(one, rest) for one, rest in zip(first, others, strict=True) if one and rest]
