"""Convert one source: read in batches, check and clean, spool to disk, apply the rules, write, account."""

from __future__ import annotations

import gc
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import recbole_ktrec
from recbole_ktrec.atomic import Field
from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.sources import rules as dropping
from recbole_ktrec.sources.cells import columns_of
from recbole_ktrec.sources.described import Described, joined
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger, open_listing
from recbole_ktrec.sources.properties import property_file
from recbole_ktrec.sources.rules import Interactions, Rules
from recbole_ktrec.sources.spool import Spool
from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER, Column, Source, Table
from recbole_ktrec.sources.values import hashes

#: Rows that name a user and an item which an earlier row names, too: a statistic, left out where there are none.
REPEATS = "rows_that_repeat_a_user_and_item"


@dataclass
class Report:
    """What a conversion did (also written as ``conversion.json``)."""

    source: str
    output: Path
    ledgers: list[Ledger]
    statistics: dict[str, float]
    seconds: float
    document: dict[str, Any] = field(default_factory=dict)

    def accounts(self) -> dict[str, Any]:
        """Return the rows of each table by reason, the statistics and the time."""
        tables = {ledger.kind: ledger.as_dict() for ledger in self.ledgers}
        return {"tables": tables, "statistics": self.statistics, "seconds": self.seconds}

    def __str__(self) -> str:
        lines = [line for ledger in self.ledgers for line in ledger.lines()]
        lines += [f"{key.replace('_', ' '):<60}{_shown(value):>12}" for key, value in self.statistics.items()]
        if self.statistics.get(REPEATS):
            lines.append("The property file lets RecBole keep the first of each user and item (rm_dup_inter: first).")
        return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


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
        ConfigError: an unknown option.
    """
    output = Path(output)
    if (output / "conversion.json").exists() and not overwrite:
        raise DataError(f"[{output}] holds a conversion already: choose another --output, or say --overwrite.")
    started = time.perf_counter()
    chosen = _options(name, source, options or {})
    inputs = Inputs.of(paths, files)
    with _staging(output) as staging:
        with closing(_Conversion(source, rules or Rules(), staging, output.name, strict)) as work:
            work.run(source.tables(inputs, chosen))
        seconds = round(time.perf_counter() - started, 3)
        report = Report(name, output, work.ledgers, work.statistics(), seconds)
        report.document = {
            "version": recbole_ktrec.__version__,
            "source": {"name": name, "title": source.title, "url": source.url},
            "options": {"strict": strict, **chosen, **asdict(work.rules)},
            **({"mapping": mapping} if mapping else {}),
            "inputs": inputs.read,
            **report.accounts(),
        }
        # A repeat would be a candidate only where it is the answer.
        more = {"rm_dup_inter": "first"} if report.statistics.get(REPEATS) else {}
        text = property_file(output.name, name, work.fields, source.text_fields, {**more, **(properties or {})})
        _write_accounts(staging, output.name, text, report.document)
        _publish(staging, output)
    return report


def _write_accounts(staging: Path, name: str, properties: str, document: Mapping[str, Any]) -> None:
    (staging / f"{name}.yaml").write_text(properties, encoding="utf-8")
    written = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    (staging / "conversion.json").write_text(written + "\n", encoding="utf-8")


def _options(name: str, source: Source, given: Mapping[str, object]) -> dict[str, object]:
    for key in given:
        if key not in source.options:
            known = ", ".join(source.options) or "none"
            raise ConfigError(f"[{name}] has no option [{key}]; it has: {known}.{nearest(key, source.options)}")
    return {key: given.get(key, default) for key, (default, _) in source.options.items()}


@contextmanager
def _staging(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` to write in; it is gone afterwards, and one left by a killed run goes now."""
    staging = output.parent / f".{output.name}.partial"
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


def _publish(staging: Path, output: Path) -> None:
    """Move the finished files into place; ``conversion.json`` comes last and says that all are there."""
    output.mkdir(parents=True, exist_ok=True)
    (output / "conversion.json").unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: path.name == "conversion.json"):
        os.replace(path, output / path.name)


class _Conversion:
    """The state of one run: a ledger and a spool for each table, and what is known of users and items.

    Ids are kept as 64-bit hashes: twelve bytes less a row than any string, and no dictionary to look them up in.
    """

    def __init__(self, source: Source, rules: Rules, staging: Path, name: str, strict: bool) -> None:
        self.source, self.rules = source, rules
        self._staging, self._name, self._strict = staging, name, strict
        self._listing = open_listing(staging / "damaged.tsv")
        self._spools: dict[str, Spool] = {}
        self._ids: dict[str, np.ndarray] = {}  # user_id, item_id -> hashes; a code is a place in it
        self._described: dict[str, Described] = {}
        self._rows: Interactions | None = None
        self.ledgers: list[Ledger] = []
        self.fields: dict[str, list[Field]] = {}

    def close(self) -> None:
        self._listing.close()
        for spool in self._spools.values():
            spool.close()

    def run(self, tables: Sequence[Table]) -> None:
        for table in tables:
            ledger = Ledger(table.kind, self._strict, self._listing)
            self.ledgers.append(ledger)
            fields = [Field(column.name, column.type) for column in self._shown(table)]
            self.fields[table.kind] = fields
            self._spools[table.kind] = Spool(self._staging / f"{table.kind}.spool", fields)
            if table.kind == "inter":
                self._interactions(table, ledger)
            else:
                self._describe(table, ledger)
        self._drop()
        self._finish()

    def _shown(self, table: Table) -> list[Column]:
        return [column for column in table.columns if not (self.rules.implicit and column.name == RATING)]

    def _interactions(self, table: Table, ledger: Ledger) -> None:
        parts: dict[str, list[np.ndarray]] = {USER: [], ITEM: [], TIME: [], "line": []}
        shown = [table.columns.index(column) for column in self._shown(table)]
        for cells in columns_of(table, ledger, self.rules, self.source):
            lines = self._spools["inter"].add([cells.written[i] for i in shown])
            parts["line"].append(hashes(lines))
            for key in (USER, ITEM, TIME):
                if key in cells.arrays:
                    parts[key].append(cells.arrays[key])
        times = joined(parts.pop(TIME), np.float64) if parts[TIME] else None
        users, items = self._coded(USER, parts.pop(USER)), self._coded(ITEM, parts.pop(ITEM))
        self._rows = Interactions(users, items, times, joined(parts.pop("line"), np.int64))

    def _coded(self, key: str, parts: list[np.ndarray]) -> np.ndarray:
        found = joined(parts, np.int64)
        parts.clear()
        codes, self._ids[key] = pd.factorize(found)
        return codes.astype(np.int32)

    def _describe(self, table: Table, ledger: Ledger) -> None:
        key = ITEM if table.kind == "item" else USER
        described = self._described[table.kind] = Described()
        texts = [i for i, column in enumerate(table.columns) if column.name in self.source.text_fields]
        for cells in columns_of(table, ledger, self.rules, self.source):
            self._spools[table.kind].add(cells.written)
            described.add(cells.arrays[key], [cells.written[i] for i in texts])
        described.close()

    def _drop(self) -> None:
        rows, ledger = self._rows, self.ledgers[0]
        assert rows is not None
        with_text = None
        if "item" in self._described:
            with_text = self._described["item"].words(self._ids[ITEM]) > 0
        elif self.rules.require_text:
            raise DataError("No item file was found, so no item has text: leave [require_text] out.")
        for reason, taken in dropping.apply(rows, self.rules, with_text):
            ledger.rule(reason, taken)
        rows.hashes = np.empty(0, np.int64)
        if not rows.keep.any():
            reasons = "; ".join(f"{count:,} x {reason}" for reason, count in ledger.dropped.most_common(5))
            raise DataError(f"No interaction is left of {ledger.rows_in:,} ({reasons or 'the files hold none'}).")

    def _finish(self) -> None:
        assert self._rows is not None
        for ledger in self.ledgers:
            keep = self._rows.keep if ledger.kind == "inter" else self._kept(ledger)
            ledger.rows_out = int(keep.sum())
            ledger.check()
            self._spools[ledger.kind].finish(self._staging / f"{self._name}.{ledger.kind}", keep)

    def _kept(self, ledger: Ledger) -> np.ndarray:
        """Return which rows of a feature file stay: the first of each id, and only interacted ones if so wished."""
        described = self._described[ledger.kind]
        keep = described.first.copy()
        key = ITEM if ledger.kind == "item" else USER
        ledger.rule(f"{key} seen before (the first stays)", len(keep) - int(keep.sum()))
        if self.rules.items == "interacted":
            seen = np.isin(described.hashes, self._ids[key][self._taken(key)])
            ledger.rule(f"{ledger.kind} without interactions", int((keep & ~seen).sum()))
            keep &= seen
        described.keep = keep
        return keep

    def _taken(self, key: str) -> np.ndarray:
        """Return the codes of the users or items that have interactions left."""
        assert self._rows is not None
        return np.unique((self._rows.users if key == USER else self._rows.items)[self._rows.keep])

    def statistics(self) -> dict[str, float]:
        """Return users, items, interactions, density, repeats, and how much text the items have."""
        assert self._rows is not None
        users, taken, rows = len(self._taken(USER)), self._taken(ITEM), int(self._rows.keep.sum())
        found: dict[str, float] = {"users": users, "items": len(taken), "interactions": rows}
        found["density"] = rows / (users * len(taken))
        if repeats := rows - dropping.distinct_pairs(self._rows):
            found[REPEATS] = repeats
        if "item" in self._described:
            described = self._described["item"]
            words = described.counts[described.keep]
            found["items_described"] = len(words)
            found["items_with_text"] = int((words > 0).sum())
            found["share_of_items_with_text"] = float((described.words(self._ids[ITEM][taken]) > 0).mean())
            found["mean_words"] = float(words[words > 0].mean()) if (words > 0).any() else 0.0
        return found
