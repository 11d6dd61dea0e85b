"""Encode the texts of a data set ahead of time: a run with the same settings then finds its vectors stored.

The settings are those of the run: the model's property file, the data set's, --config_files, then --key=value (such
as --text_fields=title,categories or --text_encoder=FOLDER). RecBole itself is not started, and every item of the
file is encoded, whether anybody took it or not.

  ktrec encode --dataset=ml-100k
  ktrec encode --dataset=my-shop --data_path=data --text_max_length=64
  ktrec encode --item_file=data/my-shop/my-shop.item --text_fields=title,brand
  ktrec encode --item_file=data/my-shop/my-shop.user --id_column=user_id --text_fields=occupation
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recbole_ktrec.atomic import iter_atomic
from recbole_ktrec.commands.data import data_folder
from recbole_ktrec.commands.options import files_in, read_config_files, read_options, user_path
from recbole_ktrec.commands.session import add_threads, set_threads
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.evaluation.parent import die_with_parent
from recbole_ktrec.register import MODELS
from recbole_ktrec.register.keys import refuse_unnamed
from recbole_ktrec.register.properties import converted_file, dataset_files, model_files
from recbole_ktrec.register.unknown import check_model
from recbole_ktrec.resources import resource_dir
from recbole_ktrec.text import EntityFile, ItemVectors, TextSettings, item_vectors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is not a key of the configuration."""
    parser.allow_abbrev = False
    parser.usage = f"{parser.prog} (--dataset=D | --item_file=PATH) [--config_files='A.yaml B.yaml'] [--key=value ...]"
    parser.add_argument("--dataset", help="name of a data set; its .item file is looked up as RecBole does")
    parser.add_argument("--data_path", "--data-path", metavar="DIR", help="folder that holds the data set's folder")
    parser.add_argument("--item_file", "--item-file", metavar="PATH", help="an atomic file instead (.item or .user)")
    parser.add_argument("--id_column", "--id-column", help="column of the tokens (default: ITEM_ID_FIELD, item_id)")
    parser.add_argument("--fields", help="short for --text_fields: columns of the text, separated by commas")
    parser.add_argument("--model", help="whose property file is read (default: KTRec)")
    parser.add_argument(
        "--config_files", default="", help="YAML files, separated by blanks; a later one overrides an earlier one"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps, ... (default: cuda if there is one, else cpu)")
    # Of `ktrec benchmark`, say, which may be killed at any moment.
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    add_threads(parser)


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Encode, and print the counts."""
    args, rest = parser.parse_known_args(argv)
    if args.parent is not None:
        die_with_parent(args.parent)
    options = read_options(rest)
    refuse_unnamed(options, "--")
    given = {"text_fields": args.fields, "data_path": args.data_path}
    options |= {key: value for key, value in given.items() if value}
    filed = read_config_files(files_in(args.config_files))
    refuse_unnamed(filed, where=" in a configuration file")
    said = {**filed, **options}
    dataset = args.dataset or said.get("dataset")
    merged = configuration(args.model or said.get("model") or "KTRec", dataset, said)
    path = Path(args.item_file) if args.item_file else item_file(dataset, merged)
    column, encoding = args.id_column or merged.get("ITEM_ID_FIELD", "item_id"), merged.get("encoding") or "utf-8"
    file, settings = EntityFile(path, column, encoding), TextSettings.from_mapping(merged)
    fields = file.fields(settings)
    tokens = [token for (token,) in iter_atomic(path, [column], encoding)]
    set_threads(args.threads)
    vectors = item_vectors(file, tokens, settings, _device(args.device))
    print(summary(path, [field.name for field in fields], vectors))
    return 0


def configuration(model: str, dataset: str | None, said: dict[str, Any]) -> dict[str, Any]:
    """Return what the property files and, over them, configuration files and options (``said``) say together.

    Raises:
        ConfigError: a file cannot be read, or there is no such model.
        DataError: ``pretrained`` names no artifact.
    """
    check_model(str(model))
    of_model = model_files(model) if model in MODELS else [resource_dir("properties") / "text.yaml"]
    of_data = dataset_files(dataset) + converted_file(dataset, said.get("data_path")) if dataset else []
    defaults, chosen = (read_config_files([str(path) for path in some]) for some in (of_model, of_data))
    chosen |= said
    merged = {**defaults, **chosen}
    return merged | _of_artifact(merged, chosen.get("text_encoder") is not None)


def _of_artifact(merged: dict[str, Any], named: bool) -> dict[str, Any]:
    """Return the keys that name the language model of the artifact ``pretrained``, if a run takes it from there."""
    if merged.get("pretrained") is None:
        return {}
    from recbole_ktrec.model.artifact_card import read_card
    from recbole_ktrec.model.trained_encoder import encoder_keys

    folder = user_path(str(merged["pretrained"]))
    return encoder_keys(folder, read_card(folder), merged, named)


def item_file(dataset: str | None, merged: dict[str, Any]) -> Path:
    """Return where RecBole looks for the ``.item`` file of ``dataset`` (its own copy of ml-100k, else data_path)."""
    if not dataset:
        raise ConfigError("Name a data set with --dataset, or a file with --item_file.")
    return data_folder(dataset, merged) / f"{dataset}.item"


def summary(path: Path, fields: Sequence[str], vectors: ItemVectors) -> str:
    """Return the counts as lines of text."""
    done = vectors.encoded
    rate = f", {done.encoded / done.seconds:.1f} texts/s" if done.encoded else ""
    return "\n".join(
        (
            f"file        {path} ({', '.join(fields)})",
            f"encoder     {vectors.fingerprint['encoder']} ({vectors.matrix.shape[1]} dimensions)",
            f"rows        {len(vectors.has_text)}: {vectors.has_text.sum()} with text, {vectors.missing} without",
            f"texts       {done.distinct} distinct: {done.encoded} encoded now{rate}, "
            f"{done.distinct - done.encoded} from the cache",
            f"cache       {done.folder}",
        )
    )


def _device(name: str | None) -> str:
    import torch

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device [{name}] cannot be used: {str(error).splitlines()[0]}") from error
    return name
