"""What a folder holds that `ktrec pretrain` wrote before: other sources or settings do not overwrite it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recbole_ktrec.errors import ConfigError, DataError
from recbole_ktrec.evaluation.harness import data_config
from recbole_ktrec.files import file_sha256
from recbole_ktrec.knowledge.domains import read_by
from recbole_ktrec.knowledge.options import PretrainOptions
from recbole_ktrec.model.artifact_card import CARD, read_card

_OTHER = "name another --output, or remove that one."
#: Source -> its configuration.
Values = Callable[[str], Mapping[str, Any]]
#: Source -> ``inter_sha256`` and ``item_sha256``, as the card has them; without those of files that are missing.
Digests = dict[str, dict[str, str]]


def refuse_other_settings(output: Path, datasets: Sequence[str], options: PretrainOptions, training: bool) -> None:
    """Raise ConfigError if the folder holds what was learned from other sources or with other settings.

    Weights that are missing or damaged, as a killed run may leave them, say nothing: they are made again.

    Raises:
        DataError: the card cannot be read; the message says how to begin again.
    """
    if not (output / CARD).is_file():
        return
    card = _card(output)
    was, told = [source["name"] for source in card["sources"]], f"[{output}] holds what was learned"
    if was != list(datasets):
        order = " in this order" if sorted(was) == sorted(datasets) else ""
        raise ConfigError(f"{told} from {', '.join(was)}{order}: {_OTHER}")
    trained = bool(card["language_model"] or card.get("language_model_unchanged"))
    if trained != training:
        how = "with" if trained else "without"
        raise ConfigError(f"{told} {how} training of the language model (text_encoder_training): {_OTHER}")
    for key, value in json.loads(json.dumps(asdict(options))).items():
        if card["options"].get(key) != value:
            raise ConfigError(f"{told} with {key} {card['options'].get(key)}, not {value}: {_OTHER}")


def _card(output: Path) -> dict[str, Any]:
    begin = "To begin again, remove that file or name another --output."
    try:
        card = read_card(output)
        card["sources"], card["language_model"], card["options"]
    except DataError as error:
        raise DataError(f"{error} {begin}") from error
    except KeyError as error:
        raise DataError(f"[{output / CARD}] lacks {error}. {begin}") from error
    return card


def refuse_other_keys(output: Path, values: Values) -> None:
    """Raise ConfigError if the sources of the folder were read by other keys: other interactions, or other texts."""
    for source in _sources(output):
        was, now = source["read_by"], read_by(values(source["name"]))
        for key in sorted({*was, *now}):
            if was.get(key) != now.get(key):
                raise ConfigError(
                    f"[{output}] holds what was learned from {source['name']} read by {key} {was.get(key)}, not "
                    f"{now.get(key)}: {_OTHER}"
                )


def digests(names: Sequence[str], values: Values) -> Digests:
    """Return the digests of the files of the sources."""
    found: Digests = {}
    for name in names:
        folder = Path(data_config(name, values(name))["data_path"])
        paths = {suffix: folder / f"{name}.{suffix}" for suffix in ("inter", "item")}
        found[name] = {f"{suffix}_sha256": file_sha256(path) for suffix, path in paths.items() if path.is_file()}
    return found


def refuse_other_files(output: Path, found: Digests) -> None:
    """Raise ConfigError if files of the sources are not those that the folder was learned from."""
    for source in _sources(output):
        for key, digest in found[source["name"]].items():
            if source[key] != digest:
                file = f"{source['name']}.{key.removesuffix('_sha256')}"
                raise ConfigError(
                    f"[{output}] holds what was learned from [{file}] as it was, it has changed: {_OTHER}"
                )


def refuse_copies(found: Digests) -> None:
    """Raise ConfigError if two sources have the same interactions: one would learn what is held out of the other."""
    known: dict[str, str] = {}
    for name, own in found.items():
        other = known.setdefault(own.get("inter_sha256", name), name)
        if other != name:
            raise ConfigError(f"The sources [{other}] and [{name}] have the same interactions: leave one of them out.")


def _sources(output: Path) -> list[dict[str, Any]]:
    return list(read_card(output)["sources"]) if (output / CARD).is_file() else []
