"""Damaged rows: every one is converted or counted with its reason and line; nothing else is lost; no traceback."""

import random
import tempfile
from pathlib import Path

import pytest
from dump_shape import Dump
from hypothesis import given, settings
from hypothesis import strategies as st
from source_dumps import DUMPS

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import SOURCES, convert
from tests.support import read_atomic

#: Damaged copies of each line of a dump in one example; 12 examples of some 10 lines make thousands a source.
COPIES, EXAMPLES = 40, 10
JUNK = [
    "",
    "\x00",
    "\t",
    ",",
    "::",
    ";",
    '"',
    "'",
    "\\",
    "{",
    "}",
    "null",
    "NaN",
    "1e999",
    "-",
    "é",
    "\ud800",
    "[[[",
    "\r",
    "  ",
]


def damage(line: bytes, rng: random.Random) -> bytes:
    """Cut, double, overwrite or fill a line with junk, as broken transfers and hand edits do."""
    at, size = rng.randrange(len(line) + 1), rng.randrange(1, 8)
    junk = rng.choice(JUNK).encode("utf-8", "surrogatepass")
    kind = rng.randrange(6)
    if kind == 0:
        return line[:at]
    if kind == 1:
        return line[:at] + junk + line[at:]
    if kind == 2:
        return line[:at] + line[at + size :]
    if kind == 3:
        return line[:at] + bytes(rng.randrange(128, 256) for _ in range(size)) + line[at + size :]
    if kind == 4:
        return line + line[at:]
    return line[:at] + rng.choice([b"-5", b"999999999999", b"abc", b'"abc']) + line[at + size :]


def damaged(dump: Dump, rng: random.Random) -> dict[str, bytes]:
    """Return the files of a dump, with damaged copies of their lines among the sound ones."""
    files = {}
    for name, content in dump.files.items():
        raw = content if isinstance(content, bytes) else content.encode("utf-8")
        if name in dump.damage:
            lines = raw.splitlines()
            mixed = [damage(line, rng).replace(b"\n", b" ") for line in lines[dump.header :] for _ in range(COPIES)]
            for line in lines[dump.header :]:  # sound lines lie among damaged ones
                mixed.insert(rng.randrange(len(mixed) + 1), line)
            raw = b"\n".join([*lines[: dump.header], *mixed]) + b"\n"
        files[name] = raw
    return files


@pytest.mark.parametrize(("source", "dump"), DUMPS.values(), ids=DUMPS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_every_damaged_row_is_converted_or_counted(source: str, dump: Dump, seed: int) -> None:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in damaged(dump, rng).items():
            path = Path(folder, "raw", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        out = Path(folder, "d")
        report = convert(source, SOURCES[source], [Path(folder, "raw")], out, options=dump.options)
        listed = (out / "damaged.tsv").read_text(encoding="utf-8").split("\n")[1:-1]
        counted = 0
        for ledger in report.ledgers:
            assert ledger.rows_in == ledger.rows_out + sum(ledger.dropped.values())
            assert len(read_atomic(out / f"d.{ledger.kind}")) == ledger.rows_out
            counted += sum(ledger.dropped[reason] for reason in ledger.examples)
        assert len(listed) == counted
        for line in listed:
            table, file, number, reason = line.split("\t")
            assert table in ("inter", "item", "user") and file and int(number) >= 1 and reason
        if source != "jester":  # a matrix without header is as wide as most of its rows, and here most are damaged
            sound = {tuple(row) for row in dump.inter}
            assert sound <= {tuple(row) for row in read_atomic(out / "d.inter").to_numpy().tolist()}
        if counted:
            with pytest.raises(DataError, match=r"line \d+: "):
                convert(
                    source, SOURCES[source], [Path(folder, "raw")], Path(folder, "s"), options=dump.options, strict=True
                )
            assert not Path(folder, "s").exists()
