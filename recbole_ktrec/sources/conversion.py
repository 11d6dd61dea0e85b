"""Convert one source: read in batches, check and clean, spool to disk, apply the rules, write, account."""

from __future__ import annotations

import gc
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import recbole_ktrec
from recbole_ktrec.atomic import Field
from recbole_ktrec.errors import ConfigError, DataError, nearest
from recbole_ktrec.sources import rules as dropping
from recbole_ktrec.sources.cells import Cells, columns_of
from recbole_ktrec.sources.files import Inputs
from recbole_ktrec.sources.ledger import Ledger, open_listing
from recbole_ktrec.sources.properties import property_file
from recbole_ktrec.sources.rules import Interactions, Rules
from recbole_ktrec.sources.spool import Spool
from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER, Column, Source, Table
from recbole_ktrec.sources.values import Codes


@dataclass
class Report:
    """What a conversion did (also written as ``conversion.json``)."""

    source: str
    output: Path
    ledgers: list[Ledger]
    statistics: dict[str, float]
    seconds: float
    document: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [line for ledger in self.ledgers for line in ledger.lines()]
        lines += [f"{key.replace('_', ' '):<60}{_shown(value):>12}" for key, value in self.statistics.items()]
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
        strict: stop at the first damaged row.
        overwrite: replace an earlier result.

    Raises:
        DataError: no fitting file, a damaged archive, nothing left after cleaning, or an output that exists.
        ConfigError: an unknown option.
    """
    output = Path(output)
    if (output / "conversion.json").exists() and not overwrite:
        raise DataError(f"[{output}] holds a conversion already: choose another --output, or say --overwrite.")
    started = time.perf_counter()
    chosen = _options(name, source, options or {})
    inputs = Inputs.of(paths, files)
    with _staging(output) as staging:
        work = _Conversion(source, rules or Rules(), staging, output.name, strict)
        try:
            work.run(source.tables(inputs, chosen))
        finally:
            work.close()
        seconds = round(time.perf_counter() - started, 3)
        report = Report(name, output, work.ledgers, work.statistics(), seconds)
        report.document = {
            "version": recbole_ktrec.__version__,
            "source": {"name": name, "title": source.title, "url": source.url},
            "options": {"strict": strict, **chosen, **asdict(work.rules)},
            "inputs": inputs.read,
            "tables": {ledger.kind: ledger.as_dict() for ledger in work.ledgers},
            "statistics": report.statistics,
            "seconds": seconds,
        }
        text = property_file(output.name, name, work.fields, source.text_fields, properties or {})
        (staging / f"{output.name}.yaml").write_text(text, encoding="utf-8")
        document = json.dumps(report.document, indent=2, ensure_ascii=False, default=str)
        (staging / "conversion.json").write_text(document + "\n", encoding="utf-8")
        _publish(staging, output)
    return report


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
    staging.mkdir(parents=True)
    collecting = gc.isenabled()
    gc.disable()  # millions of short-lived rows without cycles: the collector would only walk them
    try:
        yield staging
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
    """The state of one run: codes of users and items, one ledger and one spool a table."""

    def __init__(self, source: Source, rules: Rules, staging: Path, name: str, strict: bool) -> None:
        self.source, self.rules = source, rules
        self._staging, self._name, self._strict = staging, name, strict
        self._codes = {USER: Codes(), ITEM: Codes()}
        self._listing = open_listing(staging / "damaged.tsv")
        self._spools: dict[str, Spool] = {}
        self._rows: Interactions | None = None
        self._described: dict[str, _Described] = {}
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
            columns = self._columns(table)
            self.fields[table.kind] = [Field(column.name, column.type) for column in columns]
            self._spools[table.kind] = Spool(self._staging / f"{table.kind}.spool", self.fields[table.kind])
            if table.kind == "inter":
                self._interactions(table, ledger)
            else:
                self._describe(table, ledger)
        self._drop()
        self._finish()

    def _columns(self, table: Table) -> list[Column]:
        return [column for column in table.columns if not (self.rules.implicit and column.name == RATING)]

    def _cells(self, table: Table, ledger: Ledger) -> Iterator[Cells]:
        return columns_of(table, ledger, self._codes, self.rules, self.source)

    def _interactions(self, table: Table, ledger: Ledger) -> None:
        users, items, times, hashes = [], [], [], []
        shown = [i for i, column in enumerate(table.columns) if not (self.rules.implicit and column.name == RATING)]
        for cells in self._cells(table, ledger):
            lines = self._spools["inter"].add([cells.written[i] for i in shown])
            users.append(cells.arrays[USER])
            items.append(cells.arrays[ITEM])
            hashes.append(np.fromiter(map(hash, lines), np.int64, len(lines)))
            if TIME in cells.arrays:
                times.append(cells.arrays[TIME])
        self._rows = Interactions(
            _joined(users, np.int32), _joined(items, np.int32), _joined(times, np.float64) if times else None,
            _joined(hashes, np.int64),
        )  # fmt: skip

    def _describe(self, table: Table, ledger: Ledger) -> None:
        key = ITEM if table.kind == "item" else USER
        described = self._described[table.kind] = _Described()
        texts = [i for i, column in enumerate(table.columns) if column.name in self.source.text_fields]
        for cells in self._cells(table, ledger):
            fresh = described.fresh(cells.arrays[key])
            ledger.rule(f"{key} seen before (the first stays)", len(fresh) - int(fresh.sum()))
            written = [[cell for cell, new in zip(column, fresh, strict=True) if new] for column in cells.written]
            self._spools[table.kind].add(written)
            described.add(cells.arrays[key][fresh], [written[i] for i in texts])

    def _drop(self) -> None:
        rows, ledger = self._rows, self.ledgers[0]
        assert rows is not None
        with_text = None
        if "item" in self._described:
            with_text = self._described["item"].with_text(len(self._codes[ITEM].names))
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
            keep = self._rows.keep
            if ledger.kind != "inter":
                keep = self._kept(ledger)
            ledger.rows_out = int(keep.sum())
            ledger.check()
            self._spools[ledger.kind].finish(self._staging / f"{self._name}.{ledger.kind}", keep)

    def _kept(self, ledger: Ledger) -> np.ndarray:
        assert self._rows is not None
        described = self._described[ledger.kind]
        codes = _joined(described.codes, np.int32)
        if self.rules.items == "all":
            return np.ones(len(codes), dtype=bool)
        key, ids = (ITEM, self._rows.items) if ledger.kind == "item" else (USER, self._rows.users)
        seen = np.zeros(len(self._codes[key].names), dtype=bool)
        seen[ids[self._rows.keep]] = True
        ledger.rule(f"{ledger.kind} without interactions", len(codes) - int(seen[codes].sum()))
        return seen[codes]

    def statistics(self) -> dict[str, float]:
        """Return users, items, interactions, density, and how much text the items have."""
        assert self._rows is not None
        users = int(len(np.unique(self._rows.users[self._rows.keep])))
        taken = np.unique(self._rows.items[self._rows.keep])
        rows = int(self._rows.keep.sum())
        found: dict[str, float] = {"users": users, "items": int(len(taken)), "interactions": rows}
        found["density"] = rows / (users * len(taken))
        if "item" in self._described:
            item = next(ledger for ledger in self.ledgers if ledger.kind == "item")
            words = self._described["item"].words(len(self._codes[ITEM].names))
            if self.rules.items == "interacted":
                words[np.setdiff1d(np.arange(len(words)), taken)] = 0
            found["items_described"] = item.rows_out
            found["items_with_text"] = int((words > 0).sum())
            found["share_of_items_with_text"] = float((words[taken] > 0).mean())
            found["mean_words"] = float(words[words > 0].mean()) if (words > 0).any() else 0.0
        return found


class _Described:
    """Which ids a feature file has described so far, and with how many words."""

    def __init__(self) -> None:
        self.codes: list[np.ndarray] = []
        self._words: list[np.ndarray] = []
        self._seen = np.zeros(1024, dtype=bool)

    def fresh(self, codes: np.ndarray) -> np.ndarray:
        """Return for each row whether its id comes for the first time."""
        top = int(codes.max(initial=-1)) + 1
        if top > len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros(max(top, len(self._seen)), dtype=bool)])
        first = np.zeros(len(codes), dtype=bool)
        first[np.unique(codes, return_index=True)[1]] = True
        first &= ~self._seen[codes]
        self._seen[codes] = True
        return first

    def add(self, codes: np.ndarray, texts: Sequence[Sequence[str]]) -> None:
        counts = np.zeros(len(codes), dtype=np.int32)
        for column in texts:
            counts += np.fromiter((len(cell.split()) for cell in column), np.int32, len(codes))
        self.codes.append(codes)
        self._words.append(counts)

    def words(self, total: int) -> np.ndarray:
        """Return for each of ``total`` codes the number of words of its text."""
        found = np.zeros(total, dtype=np.int32)
        found[_joined(self.codes, np.int32)] = _joined(self._words, np.int32)
        return found

    def with_text(self, total: int) -> np.ndarray:
        return self.words(total) > 0


def _joined(parts: Sequence[np.ndarray], kind: Callable[..., Any]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=kind)  # type: ignore[call-overload]
