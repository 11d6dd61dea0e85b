"""Learn from source data sets what can be carried over to another one that shares neither users nor items with them.

What is carried over: a metric of text vectors from what users took together, and how a prior is made of it and weighed
against interactions. How strongly it is taken is measured between the sources (each in turn is the target of what the
others give), no transfer being among what is tried. The settings are those of properties/pretrain.yaml, then
--config_files, then --key=value. What is done is not done again: stop it, kill it, run it again.

With --text_encoder_training=last_layers (or lora, full) the language model itself is trained on the sources first, the
last one held out to decide when to stop (properties/contrastive.yaml); everything else is then learned with it. It lies
in the folder encoder of the artifact, and a run with the artifact takes it by itself. Where no step made it better, it
stays as it was, and the artifact is of the encoder that it is.

  ktrec pretrain --datasets amazon-beauty microlens ml-latest-small --data-path dataset --output knowledge
  ktrec pretrain --datasets amazon-beauty microlens ml-latest-small --output tuned --text_encoder_training=last_layers
  ktrec run --model=KTEASE --dataset=amazon-toys --pretrained=knowledge --transfer=frozen
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recbole_ktrec.commands.data import check_dataset
from recbole_ktrec.commands.options import files_in, read_config_files, read_options, user_path
from recbole_ktrec.commands.session import add_threads, set_threads
from recbole_ktrec.commands.values import check_data_values
from recbole_ktrec.errors import counted
from recbole_ktrec.register.arguments import no_command_line
from recbole_ktrec.register.keys import check_device, refuse_unnamed
from recbole_ktrec.register.properties import converted_file, dataset_files
from recbole_ktrec.resources import resource_dir

if TYPE_CHECKING:
    from recbole_ktrec.knowledge.options import PretrainOptions

_logger = logging.getLogger(__name__)
#: Keys of how the files are read that do not change which interactions and texts there are, and of where these are
#: encoded: RecBole's Config, with which each source is read, hides GPUs by them.
_READ_TOO = ("data_path", "load_col", "unload_col", "gpu_id", "use_gpu")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.allow_abbrev = False
    parser.usage = f"{parser.prog} --datasets A B C --output DIR [--data-path DIR] [--key=value ...]"
    parser.add_argument(
        "--datasets",
        nargs="+",
        required=True,
        metavar="D",
        help="the sources, two or more (with one alone nothing is measured across data sets)",
    )
    parser.add_argument("--data-path", metavar="DIR",
                        help="folder that holds the data sets' folders (default: dataset)")  # fmt: skip
    parser.add_argument("--output", type=user_path, required=True, metavar="DIR", help="folder of the artifact")
    parser.add_argument("--config_files", default="", help="YAML files, separated by blanks; later ones override")
    add_threads(parser)


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Learn, write the artifact, and print what was measured."""
    args, rest = parser.parse_known_args(argv)
    given = {**read_config_files(files_in(args.config_files)), **read_options(rest)}
    refuse_unnamed(given)
    check_device(given.get("device"))
    data_path = str(args.data_path or given.get("data_path") or "dataset")
    set_threads(args.threads)
    from recbole_ktrec.knowledge.options import PretrainOptions
    from recbole_ktrec.knowledge.pretraining import Pretraining

    own = read_config_files([str(resource_dir("properties") / "pretrain.yaml")])
    options = PretrainOptions.read({key: given.get(key, value) for key, value in own.items()})

    def values(name: str) -> dict[str, Any]:
        files = [resource_dir("properties") / "text.yaml", *dataset_files(name), *converted_file(name, data_path)]
        said = {**read_config_files([str(file) for file in files]), **given, "data_path": data_path}
        return {key: value for key, value in said.items() if key not in own and not key.startswith("contrastive_")}

    _check_sources(args, values, options, _trains(given))
    with _logged(), no_command_line():
        for doubt in [*unread(given, own), *_said_by_files(given, args.datasets, values)]:
            _logger.warning(doubt)
        trained = _language_model(args, given, values, options)
        artifact = Pretraining(args.datasets, values, options, args.output, trained).run()
    print(table(artifact.card))
    if trained:
        print(f"encoder     {told(trained)}")
    print(f"shape       texts compared by {artifact.shape}\nartifact    {args.output}")
    return 0


def _check_sources(
    args: argparse.Namespace, values: Callable[[str], dict[str, Any]], options: PretrainOptions, training: bool
) -> None:
    """Refuse sources that cannot be used and a folder that holds something else, all before one takes its time."""
    from recbole_ktrec.knowledge import learned

    learned.refuse_other_settings(args.output, args.datasets, options, training)
    learned.refuse_other_keys(args.output, values)
    for name in args.datasets:
        check_data_values(values(name))
        check_dataset(name, values(name))
    files = learned.digests(args.datasets, values)
    learned.refuse_copies(files)
    learned.refuse_other_files(args.output, files)


def unread(given: Mapping[str, Any], own: Collection[str]) -> list[str]:
    """Return what to say of keys in ``given`` that are known and say nothing here.

    Args:
        own: the keys of ``properties/pretrain.yaml``.
    """
    from recbole_ktrec.knowledge.domains import READ_BY
    from recbole_ktrec.text import ContrastiveSettings, TextSettings

    training = {
        *ContrastiveSettings.keys(),
        "text_last_layers",
        *(key for key in given if key.startswith("text_lora_")),
    }
    read = {*own, *TextSettings.keys(), *training, *READ_BY, *_READ_TOO}
    told = [f"[{key}] is a key of other commands, ktrec pretrain does not read it." for key in given if key not in read]
    if not _trains(given):
        told += [f"[{key}] is not used: text_encoder_training is [frozen]." for key in given if key in training]
    return told


def _said_by_files(
    given: Mapping[str, Any], names: Sequence[str], values: Callable[[str], dict[str, Any]]
) -> list[str]:
    """Return what to say of property files of data sets that ask for a training, which is one for all of them."""
    if "text_encoder_training" in given:
        return []
    said = {name: values(name).get("text_encoder_training", "frozen") for name in names}
    return [
        f"text_encoder_training [{mode}] in the property file of [{name}] is not used: the language model is trained "
        "on all sources, if --text_encoder_training (or a file of --config_files) says so."
        for name, mode in said.items()
        if mode != "frozen"
    ]


def _trains(given: Mapping[str, Any]) -> bool:
    """Return whether the language model is to be trained."""
    return bool(given.get("text_encoder_training", "frozen") != "frozen")


def _language_model(
    args: argparse.Namespace, given: dict[str, Any], values: Callable[[str], dict[str, Any]], options: PretrainOptions
) -> dict[str, Any] | None:
    """Train the language model if that is asked for; ``given`` then names what came of it. Return its record."""
    if not _trains(given):
        return None
    from recbole_ktrec.knowledge.language_model import train_language_model
    from recbole_ktrec.text import ContrastiveSettings

    settings = ContrastiveSettings.from_mapping({**given, "seed": options.seed})
    record = train_language_model(args.datasets, values, options.held_out_users, settings, args.output)
    base = values(args.datasets[0])
    given.pop("text_encoder_training")
    for key in ("text_encoder", "text_encoder_revision", "text_pooling"):
        given[key] = base.get(key)  # of the first source, whose encoder it is, for all of them
    if record["folder"]:
        given |= {"text_encoder": str(args.output / record["folder"]), "text_encoder_revision": None}
        given.pop("text_pooling")
    return record


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Show what the package logs while the block runs, once; whose process it is logs afterwards as before."""
    logger = logging.getLogger("recbole_ktrec")
    if logger.handlers:
        yield
        return
    handler, level = logging.StreamHandler(sys.stderr), logger.level
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def told(trained: dict[str, Any]) -> str:
    """Return how the training of the language model went, in a line."""
    before, held_out = trained["held_out"][0], trained["job"]["settings"]["held_out"]
    if trained["folder"] is None:
        return (
            f"the language model stayed as it was: none of {counted(trained['steps'], 'step')} made it better on "
            f"[{held_out}], held out, loss {before['loss']:.4f}, recall@10 {before['recall@10']:.3f}"
        )
    best = next(entry for entry in trained["held_out"] if entry["step"] == trained["best_step"])
    return (
        f"step {best['step']} of {trained['steps']}; on [{held_out}], held out, loss "
        f"{before['loss']:.4f} -> {best['loss']:.4f}, recall@10 {before['recall@10']:.3f} -> {best['recall@10']:.3f}"
    )


def table(card: dict[str, Any]) -> str:
    """Return what was measured as lines of text: NDCG@10 of held-out interactions by history and text alone."""
    names = ("untrained_kernel", "untrained", "transferred", "shuffled_texts")
    width = max(len(name) for name in ("source", *card["metrics"]))
    rows = [
        f"{'source':<{width}}  {'interactions':>12}  "
        + "  ".join(f"{name:>16}" for name in (*names, "ratio", "unseen"))
    ]
    for source in card["sources"]:
        told = card["metrics"][source["name"]]
        cells = [f"{told['ndcg@10'][name]:>16.4f}" for name in names]
        ratios = told["ratio"], told["ratio_unseen"]
        cells += [f"{'–':>16}" if ratio is None else f"{ratio:>16.3f}" for ratio in ratios]
        rows.append(f"{source['name']:<{width}}  {source['interactions']:>12}  {'  '.join(cells)}")
    rows.append(
        f"untrained_kernel: the cosine alone; untrained: with shared words; transferred: with what was learned; "
        f"ratio: transferred by untrained_kernel; unseen: the same with the shape that the other sources alone choose, "
        f"which is what a target may expect; measured on {card['held_out']}"
    )
    if card["language_model"]:
        held_out = card["language_model"]["job"]["settings"]["held_out"]
        rows.append(
            f"all four read texts with the trained language model, which learned from these sources but {held_out}: "
            "no row says what that training is worth, see the next line, and transfer-report on a data set of its own"
        )
    return "\n".join(rows)
