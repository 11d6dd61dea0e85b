"""Convert one source: read in batches, check and clean, spool to disk, apply the rules, write, account."""

from __future__ import annotations

import gc
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

import recbole_ktrec
from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.sources import notices
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.properties import property_file
from recbole_ktrec.sources.rules import Rules
from recbole_ktrec.sources.tables import RATING, TIME, Source, Table
from recbole_ktrec.sources.work import REPEATS, Conversion

#: Rule -> the column of interactions that it looks at.
NEEDS = {"since": TIME, "until": TIME, "max_per_day": TIME, "threshold": RATING, "scale": RATING}


@dataclass
class Report:
    """What a conversion did (also written as ``conversion.json``); ``filters``: by what RecBole leaves rows out."""

    source: str
    output: Path
    ledgers: list[Ledger]
    statistics: dict[str, float]
    seconds: float
    warnings: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, object] = field(default_factory=dict)

    def accounts(self) -> dict[str, Any]:
        """Return the rows of each table by reason, the statistics, the warnings and the time."""
        tables = {ledger.kind: ledger.as_dict() for ledger in self.ledgers}
        found = {"tables": tables, "statistics": self.statistics}
        return {**found, "warnings": self.warnings, "seconds": self.seconds}

    def __str__(self) -> str:
        lines = [line for ledger in self.ledgers for line in ledger.lines()]
        lines += [f"{key.replace('_', ' '):<60}{_shown(value):>12}" for key, value in self.statistics.items()]
        if "rm_dup_inter" in self.filters:
            lines.append("The property file lets RecBole keep the first of each user and item (rm_dup_inter: first).")
        if "val_interval" in self.filters:
            lines.append(f"The property file lets RecBole take some rows alone ({self.filters}).")
        lines += notices.unloaded(self.statistics)
        return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


# Long by what can be said: each of the eleven arguments has a line of the signature and one of the docstring.
def convert(
    name: str,
    source: Source,
    paths: Sequence[str | Path],
    output: str | Path,
    *,
    rules: Rules | None = None,
    options: Mapping[str, object] | None = None,
    files: Mapping[str, str | Path] | None = None,
    properties: Mapping[str, object] | None = None,
    mapping: Mapping[str, object] | None = None,
    strict: bool = False,
    overwrite: bool = False,
) -> Report:
    """Convert raw files to ``output/<last part of output>.{inter,item,user}`` with accounts and property file.

    Args:
        name: of the source, for the report.
        source: the format.
        paths: folders, files or archives that hold the raw files.
        output: the data set's folder, such as ``dataset/toys``.
        rules: what to clean and drop.
        options: the source's own options.
        files: role -> path, for files that are named otherwise than their owner does.
        properties: further keys for the data set's property file.
        mapping: the mapping that ``source`` was made of, for the report.
        strict: stop at the first damaged row.
        overwrite: replace an earlier result.

    Raises:
        DataError: no fitting file, a damaged archive, nothing left after cleaning, an output that exists or cannot be
            written.
        ConfigError: an unknown option, or a file for an unknown role.
    """
    output = _checked(Path(output), overwrite)
    started = time.perf_counter()
    chosen = _options(name, source, options or {})
    inputs = Inputs.of(paths, files)
    with _staging(output) as staging:
        with closing(Conversion(source, rules or Rules(), staging, output.name, strict)) as work:
            tables = source.tables(inputs, chosen)
            inputs.check_roles()
            _check_rules(work.rules, tables, name)
            work.run(tables)
        seconds = round(time.perf_counter() - started, 3)
        report = Report(name, output, work.ledgers, work.statistics(), seconds, work.warnings(bool(mapping)))
        report.warnings += [f"{each}: nothing of it was read" for each in inputs.damaged()]
        report.filters = _filters(source, report, {column.name for column in work.fields["inter"]})
        options_taken = {"strict": strict, **chosen, **asdict(work.rules)}
        report.document = _document(report, source, options_taken, mapping or {}, inputs)
        text = property_file(
            output.name, name, work.fields, source.text_fields, {**report.filters, **(properties or {})}
        )
        _write_accounts(staging, output.name, text, report.document)
        _publish(staging, output, overwrite)
    return report


def _filters(source: Source, report: Report, columns: set[str]) -> dict[str, object]:
    """Return the keys of RecBole that leave rows out when it reads the result.

    A repeat would be a candidate only where it is the answer. But RecBole takes repeats out before it looks at values:
    where some rows are no events, what was shown first would take the click after it along.
    """
    if events := {name: values for name, values in source.events.items() if name in columns}:
        return {"val_interval": events}
    return {"rm_dup_inter": "first"} if report.statistics.get(REPEATS) else {}


def _checked(output: Path, overwrite: bool) -> Path:
    """Return the folder to write, which has a name that the data set can take, and no conversion that is to stay."""
    output = output.resolve() if output.name in ("", "..") else output
    if not output.name:
        raise ConfigError(f"--output [{output}] has no name, which the data set takes: dataset/NAME, say.")
    if not overwrite and (there := _held(output)):
        what = "a conversion" if there == "conversion.json" else f"[{there}]"
        raise DataError(f"[{output}] holds {what} already: choose another --output, or say --overwrite.")
    return output


def _held(output: Path) -> str:
    """Return the name of a file that a conversion into ``output`` would replace, whoever made it; empty for none."""
    names = ("conversion.json", *(f"{output.name}.{kind}" for kind in ("inter", "item", "user", "yaml")))
    return next((name for name in names if (output / name).exists()), "")


def _document(report: Report, source: Source, options: Mapping[str, object], mapping: Mapping[str, object],
              inputs: Inputs) -> dict[str, Any]:  # fmt: skip
    """Return what ``conversion.json`` holds."""
    return {
        "version": recbole_ktrec.__version__,
        "source": {"name": report.source, "title": source.title, "url": source.url},
        "options": options,
        **({"mapping": mapping} if mapping else {}),
        "inputs": inputs.read,
        **report.accounts(),
    }


def _check_rules(rules: Rules, tables: Sequence[Table], name: str) -> None:
    """Refuse rules that would do nothing, since what they look at is not there."""
    columns = {column.name for table in tables if table.kind == "inter" for column in table.columns}
    for rule, column in NEEDS.items():
        if getattr(rules, rule) is not None and column not in columns:
            raise ConfigError(
                f"[{rule}] looks at the {column} of interactions, and [{name}] has no such column: leave the rule out, "
                f"or map one (--column {column}=NAME)."
            )


def _write_accounts(staging: Path, name: str, properties: str, document: Mapping[str, Any]) -> None:
    (staging / f"{name}.yaml").write_text(properties, encoding="utf-8")
    written = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    # A file may have a name that is no UTF-8.
    (staging / "conversion.json").write_text(written + "\n", encoding="utf-8", errors="backslashreplace")


def _options(name: str, source: Source, given: Mapping[str, object]) -> dict[str, object]:
    for key in given:
        if key not in source.options:
            known = ", ".join(source.options) or "none"
            raise ConfigError(f"[{name}] has no option [{key}]; it has: {known}.{nearest(key, source.options)}")
    return {key: given.get(key, default) for key, (default, _) in source.options.items()}


@contextmanager
def _staging(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` to write in; it is gone afterwards, and one left by a killed run goes now."""
    host = platform.node() or "here"
    for left in output.parent.glob(f".{output.name}.{host}-*.partial"):
        process = left.name.removesuffix(".partial").rpartition("-")[2]
        if not (process.isdigit() and psutil.pid_exists(int(process))):
            shutil.rmtree(left, ignore_errors=True)
    staging = output.parent / f".{output.name}.{host}-{os.getpid()}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    collecting = gc.isenabled()
    gc.disable()  # millions of short-lived rows without cycles: the collector would only walk them
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        raise DataError(f"[{output}] cannot be written: {error.strerror or error}.") from error
    finally:
        if collecting:
            gc.enable()
        shutil.rmtree(staging, ignore_errors=True)


def _publish(staging: Path, output: Path, overwrite: bool) -> None:
    """Move the finished files into place; ``conversion.json`` comes last and says that all are there.

    Items or users of an earlier conversion that this one has none of go: they would be read beside its interactions.
    """
    if not overwrite and _held(output):
        raise DataError(f"Another conversion into [{output}] was faster: it stays as it is.")
    output.mkdir(parents=True, exist_ok=True)
    (output / "conversion.json").unlink(missing_ok=True)
    for kind in ("item", "user"):
        (output / f"{output.name}.{kind}").unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == "conversion.json"):
        os.replace(path, output / path.name)
