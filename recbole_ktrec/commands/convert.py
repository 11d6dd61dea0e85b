"""Turn a raw public dump into atomic files with their text.

  ktrec convert --list
  ktrec convert movielens --input ml-latest-small --output dataset/ml-latest-small
  ktrec convert amazon --input reviews_and_meta/ --output dataset/toys --user-core 5 --item-core 5
  ktrec convert table --input my/ --interactions clicks.csv --items goods.csv --output dataset/mine
  ktrec convert table --input my/ --mapping my.yaml --output dataset/mine
  ktrec convert table --mapping amazon-instruments --input raw/ --output dataset/amazon-instruments

Columns of a table are guessed by their names and values, and shown. --column puts another in the place of one guess,
or of one of the mapping; the type is guessed if HOW does not say it (token, token_seq for text, float, float_seq):

  --column timestamp=when_bought              ISO dates (with Z, UTC or an offset, too) and Unix times are found out
  --column 'timestamp=day:%d/%m/%Y'           other dates need their format (as strptime takes it)
  --column timestamp=t:ms                     Unix times in s, ms, us or ns
  --column items.price=Preis:comma            numbers with a decimal comma, 16,99 €
  --column item_id=article:whole              ids that pandas wrote as decimals: 1430.0 is 1430
  --column items.title=name:token_seq         PART (interactions, items, users) says which file

In the log of a shop a view counts as much as a purchase, unless --only says which rows of the interactions count:

  --only event=purchase,cart                  by a column of their file, and its values as they stand there
  --only detail.type=buy --only shop=DE       in nested JSON by a path; of several --only all must hold

A mapping file says the same in YAML, and which columns are left out (those that it does not name):

  interactions:
    file: clicks.csv
    columns: {user_id: customer, item_id: sku, timestamp: {from: day, date: "%d/%m/%Y"}}
    only: {event: [purchase, cart]}
  items:
    file: goods.csv
    columns: {item_id: sku, title: name, price: {from: cost, type: float}}
  text_fields: [title]

There nothing is found out: {from: when_bought, date: iso} says that it holds ISO dates, {from: t, unit: ms} Unix times,
{from: price, type: float, decimal: ","} decimal commas, {from: article, whole: true} ids such as 1430.0 that are 1430.
The key only of a part names columns of its file and the values, one or a list, of the rows that count.

--encoding is for delimited files that are not UTF-8: cp1252, or items=gb18030 for one. --list shows mappings, too.

--input takes folders, files and zip or tar archives, which are read in place; compressed files need no unpacking.
JSON is an object a line, or one array of objects, which is read as a whole (its "lines" are the places of objects).
The result is NAME.inter, NAME.item, NAME.user, the property file NAME.yaml, the accounts conversion.json (for every
table: rows in = rows out + rows dropped, by reason), and damaged.tsv, which lists every damaged row by file and line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from recbole_ktrec.commands.converted import next_step, shown
from recbole_ktrec.commands.pairs import pairs, refuse_twice
from recbole_ktrec.errors import ConfigError, DataError, counted, nearest
from recbole_ktrec.sources import SOURCES, Rules, Source, convert, load_mapping, source_of
from recbole_ktrec.sources.checks import rules_of, stated_moment
from recbole_ktrec.sources.chosen import hint, only_said
from recbole_ktrec.sources.cleaning import RULES
from recbole_ktrec.sources.completion import complete, encoded, left_out, misnamed, visits, with_only
from recbole_ktrec.sources.delimited import MissingColumn
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.notices import implausible
from recbole_ktrec.sources.overview import which_interactions
from recbole_ktrec.sources.stated import Stated
from recbole_ktrec.sources.table import shipped_mappings
from recbole_ktrec.sources.tables import PARTS

TABLE = "table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``ktrec convert`` takes."""
    parser.add_argument("source", nargs="?", metavar="SOURCE", help=f"{', '.join(SOURCES)}, or {TABLE}")
    parser.add_argument("--list", action="store_true", help="show each source, its files, options and publisher")
    parser.add_argument("--input", nargs="+", default=[], metavar="PATH", help="folders, files, zip or tar archives")
    parser.add_argument("--output", metavar="FOLDER", help="default: dataset/SOURCE (or dataset/MAPPING)")
    parser.add_argument(
        "--file", action="append", default=[], metavar="ROLE=PATH", help="a file by its role (of a table: its part)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the source")
    parser.add_argument("--strict", action="store_true", help="stop at the first damaged row")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier result")
    parser.add_argument("--quiet", action="store_true", help="do not print the accounts")
    _add_table(parser.add_argument_group("a table of your own"))
    _add_rules(parser.add_argument_group("cleaning"))


def _add_table(group: Any) -> None:
    group.add_argument("--mapping", metavar="YAML", help="a mapping file, or the name of one of --list")
    for part in PARTS:
        group.add_argument(f"--{part}", metavar="PATTERN", help=f"the file of {part} below --input, or its path")
    group.add_argument(
        "--column", action="append", default=[], metavar="[PART.]NAME=FROM[:HOW]",
        help="read NAME from the column FROM, over what is mapped or guessed (see above)",
    )  # fmt: skip
    group.add_argument(
        "--only", action="append", default=[], metavar="COLUMN=VALUE[,VALUE]",
        help="interactions that count: those with one of the values in this column of their file (for each --only)",
    )  # fmt: skip
    group.add_argument(
        "--encoding", action="append", default=[], metavar="[PART=]NAME", help="of delimited files that are not UTF-8"
    )


def _add_rules(group: Any) -> None:
    group.add_argument(
        "--clean", metavar="RULES", help=f"text rules, by commas: {','.join(RULES)} (the default) or none"
    )
    group.add_argument("--boilerplate", action="append", metavar="REGEX", help="cut this out of all texts")
    group.add_argument("--no-plausible", action="store_true", help="keep ratings off the scale and impossible dates")
    group.add_argument("--scale", nargs=2, type=float, metavar=("LOW", "HIGH"), help="ratings outside are dropped")
    group.add_argument("--since", metavar="DATE", help="events before are dropped (ISO 8601 or Unix time)")
    group.add_argument(
        "--until", metavar="DATE", help="events after are dropped (a date without a clock: after its end)"
    )
    group.add_argument("--threshold", type=float, metavar="RATING", help="ratings below are dropped")
    group.add_argument("--implicit", action="store_true", help="leave the ratings out and keep rows without one")
    group.add_argument("--duplicates", choices=("keep", "exact", "first", "last"), help="default: exact ones go")
    group.add_argument("--max-per-day", type=int, metavar="N", help="drop users with more events on a day")
    group.add_argument("--user-core", type=int, metavar="K", help="drop users with fewer different items")
    group.add_argument("--item-core", type=int, metavar="K", help="drop items with fewer different users")
    group.add_argument("--interacted-only", action="store_true", help="write only items and users with interactions")
    group.add_argument("--require-text", action="store_true", help="drop interactions with items without text")


def main(argv: Sequence[str], parser: argparse.ArgumentParser) -> int:
    """Run ``ktrec convert``; return the exit code."""
    args = parser.parse_args(argv)
    if args.list:
        print(_listing())
        return 0
    files = _checked(args)
    mapping, left, guessed = _mapping(args, files) if args.source == TABLE else ({}, [], False)
    source = source_of(mapping) if args.source == TABLE else _source(args.source)
    output = Path(args.output or Path("dataset", Path(args.mapping or args.source).stem))
    if mapping:
        print("\n".join([shown(mapping), *left]))
    with _naming(args.mapping):
        rules = _rules(args, mapping.get("rules") or {})
        report = convert(
            args.source, source, args.input, output, rules=rules, options=_options(args, source),
            files=files, properties=mapping.get("properties") or {}, mapping=mapping,
            strict=args.strict, overwrite=args.overwrite,
        )  # fmt: skip
    if not args.quiet:
        print(report)
    for warning in report.warnings:
        print(f"warning: {warning}")
    if damaged := sum(ledger.damage for ledger in report.ledgers):
        kept = implausible(report.ledgers, rules)
        print(f"left out: {counted(damaged, 'damaged row')}, listed in {report.output / 'damaged.tsv'}{kept}")
    if guessed and (told := hint(report.ledgers[0])):
        print(told)
    print(next_step(report, args.source == TABLE))
    return 0


@contextmanager
def _naming(mapping: str | None) -> Iterator[None]:
    """Name the mapping, if there is one, where a column that it reads is not there."""
    try:
        yield
    except MissingColumn as error:
        raise DataError(f"--mapping {mapping}: {error}" if mapping else str(error)) from error


def _checked(args: argparse.Namespace) -> dict[str, str]:
    """Settle which source is meant, and return the files that are named outright.

    Raises:
        ConfigError: no source or no input is given, or the source is unknown or takes no such option.
    """
    if args.source is None and _given_for_tables(args):  # no other source takes them
        args.source = TABLE
    if args.source is None:
        raise ConfigError("Name a source, or a --mapping of a table: ktrec convert --list shows them.")
    if args.source != TABLE and (given := _given_for_tables(args)):
        raise ConfigError(f"{given[0]} is for the source [{TABLE}]; [{args.source}] knows its own columns.")
    if args.source != TABLE:
        _source(args.source)  # a misspelt name is told first
    files = _files(args)
    if not args.input:
        _check_named(args, files)
    return files


def _given_for_tables(args: argparse.Namespace) -> list[str]:
    return [f"--{name}" for name in ("mapping", *PARTS, "column", "only", "encoding") if getattr(args, name)]


def _files(args: argparse.Namespace) -> dict[str, str]:
    """Return the files that are named outright: by --file, or by a path that needs no --input."""
    paths = {part: path for part in PARTS if (path := getattr(args, part)) and Path(path).is_file()}
    outright = {part: path for part, path in paths.items() if Path(path).is_absolute() or not args.input}
    return {**outright, **pairs(args.file, "--file")}


def _check_named(args: argparse.Namespace, files: Mapping[str, str]) -> None:
    """Raise ConfigError where no --input is given and a file is not named by its path."""
    patterns = [getattr(args, part) for part in PARTS if getattr(args, part) and part not in files]
    if patterns or not files:
        wanted = f"[{', '.join(patterns)}]" if patterns else f"the files of [{args.mapping or args.source}]"
        raise ConfigError(f"--input is missing: the folder, files or archives that hold {wanted}.")


def _source(name: str) -> Source:
    if name not in SOURCES and name in shipped_mappings():
        raise ConfigError(f"[{name}] is no source but a mapping: ktrec convert {TABLE} --mapping {name}")
    if name not in SOURCES:
        raise ConfigError(f"Unknown source [{name}]; known: {', '.join(SOURCES)}, {TABLE}.{nearest(name, SOURCES)}")
    return SOURCES[name]


def _listing() -> str:
    lines = []
    for name, source in SOURCES.items():
        lines += [f"{name}: {source.title} ({source.domain})", f"    files: {source.files}", f"    from:  {source.url}"]
        lines += [f"    --set {key}={default}: {text}" for key, (default, text) in source.options.items()]
    lines.append(f"{TABLE}: any CSV, TSV, JSON, parquet, workbook (--mapping, or --interactions, --items, --column)")
    lines += [f"    --mapping {name}: {load_mapping(name).get('title', name)}" for name in shipped_mappings()]
    return "\n".join(lines)


def _mapping(args: argparse.Namespace, named: Mapping[str, str]) -> tuple[dict[str, Any], list[str], bool]:
    """Return the mapping of a table: its file, what the options say in its place, guesses where neither says; what
    is told of the guesses; and whether all rows and guessed columns of the interactions are taken."""
    mapping: dict[str, Any] = load_mapping(args.mapping) if args.mapping else {}
    for part in PARTS:
        if file := getattr(args, part) or named.get(part):
            mapping[part] = {**mapping.get(part, {}), "file": file}
    if "interactions" not in mapping:
        raise ConfigError(which_interactions(Inputs.of(args.input, named), args.input, args.output))
    stated = [Stated.of(each) for each in args.column]
    encodings = [_encoding(each) for each in args.encoding]
    refuse_twice("--column", [(f"{each.part}.{each.name}", each.text) for each in stated])
    refuse_twice("--encoding", [(part, text) for (part, _), text in zip(encodings, args.encoding, strict=True)])
    inputs = Inputs.of(args.input, named)
    for part, encoding in encodings:
        mapping = encoded(mapping, inputs, part, encoding)
    mapping = with_only(mapping, inputs, only_said(pairs(args.only, "--only")))
    whole = complete(mapping, inputs, stated)
    guessed = not any(mapping["interactions"].get(key) for key in ("columns", "only"))
    told = [*left_out(mapping, whole, inputs), *misnamed(stated, whole), *visits(mapping, whole, inputs, stated)]
    return whole, told, guessed


def _encoding(text: str) -> tuple[str, str]:
    part, equals, name = text.rpartition("=")
    if equals and part not in PARTS:
        raise ConfigError(f"--encoding {text}: write [PART=]NAME, PART one of {', '.join(PARTS)}.")
    return part, name


def _rules(args: argparse.Namespace, given: Mapping[str, Any]) -> Rules:
    """Return the rules of a mapping, those of the command line over them."""
    rules = rules_of(given)
    said: dict[str, Any] = {
        "clean": None if args.clean is None else tuple(each for each in args.clean.split(",") if each != "none"),
        "boilerplate": tuple(args.boilerplate) if args.boilerplate else None,
        "plausible": False if args.no_plausible else None,
        "scale": tuple(args.scale) if args.scale else None,
        "since": stated_moment("--since", args.since),
        "until": stated_moment("--until", args.until, end=True),
        "implicit": args.implicit or None,
        "require_text": args.require_text or None,
        "items": "interacted" if args.interacted_only else None,
    }
    said |= {key: getattr(args, key) for key in ("threshold", "duplicates", "max_per_day", "user_core", "item_core")}
    return replace(rules, **{key: value for key, value in said.items() if value is not None})


def _options(args: argparse.Namespace, source: Source) -> dict[str, object]:
    """Return the source's options, each in the type of its default."""
    found: dict[str, object] = {}
    for key, text in pairs(args.set, "--set").items():
        default = source.options[key][0] if key in source.options else ""
        found[key] = _as(key, text, default)
    return found


def _as(key: str, text: str, default: object) -> object:
    if isinstance(default, bool):
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise ConfigError(f"--set {key}={text}: say true or false.")
        return text.lower() in ("true", "yes", "1")
    if isinstance(default, int):
        if not text.isdigit():
            raise ConfigError(f"--set {key}={text}: a whole number is expected.")
        return int(text)
    return text
