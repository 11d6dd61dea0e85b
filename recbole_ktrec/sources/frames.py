"""Parquet files and workbooks: read by pandas with an extra, given on as batches."""

from __future__ import annotations

import importlib
import importlib.util
import io
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from recbole_ktrec.errors import DataError, MissingExtraError
from recbole_ktrec.sources.delimited import plain, positions
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch

ROWS = 1 << 16
#: A cell is missing if it is empty: a title may be NA.
_EMPTY: dict[str, Any] = {"keep_default_na": False, "na_values": [""]}
#: Ending -> (module that reads it, its package, our extra).
ENGINES = {
    ".parquet": ("pyarrow", "pyarrow", "parquet"),
    ".xlsx": ("openpyxl", "openpyxl", "excel"),
    ".xls": ("xlrd", "xlrd", "excel"),
}


def ending(member: Member) -> str:
    """Return the ending of a workbook or parquet file, else an empty string."""
    return next((end for end in ENGINES if member.base.endswith(end)), "")


def require(member: Member) -> None:
    """Fail with the install command if the extra that reads ``member`` is not installed; its name says which it is."""
    if not (end := ending(member)):
        raise DataError(
            f"[{member.name}] is no parquet file or workbook by its name: let it end in {', '.join(ENGINES)}."
        )
    module, package, extra = ENGINES[end]
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(package, extra, f"Reading [{member.name}]")


def _whole(inputs: Inputs, member: Member) -> io.BytesIO:
    require(member)
    with inputs.stream(member) as stream:
        return io.BytesIO(stream.read())


def batches(
    inputs: Inputs, member: Member, columns: Sequence[str | int | None] | None, ledger: Ledger, header: bool = True
) -> Iterator[Batch]:
    """Yield the cells of ``columns`` (None: all) of a parquet file or of all sheets of a workbook (missing: None).

    Line numbers are those of the sheet's rows (from 1, the header included); of a parquet file, its rows from 1.
    """
    data = _whole(inputs, member)
    if ending(member) == ".parquet":
        yield from _parquet(data, member.name, columns, ledger)
        return
    sheets = _guarded(lambda: pd.read_excel(data, sheet_name=None, header=None, dtype=object, **_EMPTY), member.name)
    filled = {sheet: frame for sheet, frame in sheets.items() if len(frame)}
    usable = _usable(filled, columns if header else None)
    for sheet, frame in filled.items():
        if sheet not in usable:
            ledger.changed[f"sheet [{sheet}], which has {_held(frame, columns)} of the columns, left out"] += 1
            continue
        rows, first, chosen = frame, 1, list(range(frame.shape[1]) if columns is None else columns)
        if header:
            chosen = list(positions(_names(frame), chosen, f"{member.name}, sheet {sheet}"))
            rows, first = frame.iloc[1:], 2
        yield from _cut(rows, chosen, f"{member.name}!{sheet}", first, ledger)


def names(inputs: Inputs, member: Member) -> list[str]:
    """Return the column names of a parquet file or of the first sheet of a workbook, without blanks around them."""
    data = _whole(inputs, member)
    if ending(member) == ".parquet":
        return list(map(plain, _parquet_file(data, member.name).schema_arrow.names))
    frame = _guarded(lambda: pd.read_excel(data, header=None, nrows=1, dtype=object, **_EMPTY), member.name)
    return list(map(plain, _names(frame))) if len(frame) else []


def _names(frame: pd.DataFrame) -> list[str]:
    """Return the cells of the first row, empty ones (such as that of an index) as empty names."""
    return ["" if pd.isna(cell) else str(cell) for cell in frame.iloc[0]]


def _usable(sheets: dict[str, pd.DataFrame], columns: Sequence[str | int | None] | None) -> set[str]:
    """Return the sheets with all columns; without such ones those with some, which fail by what they lack."""
    count = len(_wanted(columns))
    held = {sheet: len(_found(frame, columns)) for sheet, frame in sheets.items()}
    return {sheet for sheet in held if held[sheet] == count} or {sheet for sheet in held if held[sheet]} or set(sheets)


def _held(frame: pd.DataFrame, columns: Sequence[str | int | None] | None) -> str:
    found = sorted(_found(frame, columns))
    return f"only {', '.join(found)}" if found else "none"


def _found(frame: pd.DataFrame, columns: Sequence[str | int | None] | None) -> set[str]:
    return _wanted(columns) & {plain(name).lower() for name in _names(frame)}


def _wanted(columns: Sequence[str | int | None] | None) -> set[str]:
    return {plain(each).lower() for each in columns or () if isinstance(each, str)}


def _parquet(
    data: io.BytesIO, name: str, columns: Sequence[str | int | None] | None, ledger: Ledger
) -> Iterator[Batch]:
    file = _parquet_file(data, name)
    have = file.schema_arrow.names
    chosen = positions(have, have if columns is None else columns, name)
    first = 1
    parts = file.iter_batches(ROWS, columns=[have[at] for at in sorted({c for c in chosen if c is not None})])
    while (part := _guarded(lambda: next(parts, None), name)) is not None:
        values = {each: _values(part.column(i), name, each, ledger) for i, each in enumerate(part.schema.names)}
        count = part.num_rows
        ledger.rows_in += count
        yield Batch([_column(values, have, at, count) for at in chosen], name, range(first, first + count))
        first += count


def _parquet_file(data: io.BytesIO, name: str) -> Any:
    """Open a parquet file; pyarrow may be there and fail to load, too."""
    return _guarded(lambda: importlib.import_module("pyarrow.parquet").ParquetFile(data), name)


def _values(column: Any, file: str, name: str, ledger: Ledger) -> list[Any]:
    """Return the values of a column; bytes that are not marked as text are UTF-8 all the same, UUIDs, or left out."""
    values: list[Any] = _guarded(column.to_pylist, file)
    if str(column.type) == "float":
        return _shortest(values, column)
    if not any(kind in str(column.type) for kind in ("binary", "uuid")):
        return values
    texts, count = list(map(_text, values)), len(values) - column.null_count
    left = texts.count(None) - column.null_count
    if 2 * left > count and _are_uuids(values):  # where most are text, one of them is damaged
        ledger.changed[f"{name} of 16 bytes each, written as UUIDs"] += count
        return [None if value is None else str(uuid.UUID(bytes=value)) for value in values]
    if left:
        ledger.changed[f"{name} of bytes that are no UTF-8, left empty"] += left
    return texts


def _shortest(values: list[Any], column: Any) -> list[Any]:
    """Return numbers of 32 bits as they were before: 4.1, not 4.099999904632568, which a threshold of 4.1 drops.

    Whole ones are what they are: the shortest form of 1614852608 is 1614852600.
    """
    short = column.cast("string").cast("float64").to_pylist()
    return [each if each is None or each.is_integer() else found for each, found in zip(values, short, strict=True)]


def _are_uuids(values: Sequence[Any]) -> bool:
    return all(value is None or (isinstance(value, bytes) and len(value) == 16) for value in values)


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_text, value))
    if isinstance(value, uuid.UUID):  # of pyarrow's own type
        return str(value)
    try:
        return value.decode("utf-8") if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return None


def _column(values: dict[str, list[Any]], have: list[str], at: int | None, count: int) -> Sequence[object]:
    return (None,) * count if at is None else values[have[at]]


def _cut(frame: pd.DataFrame, chosen: Sequence[Any], name: str, first: int, ledger: Ledger) -> Iterator[Batch]:
    for start in range(0, len(frame), ROWS):
        part = frame.iloc[start : start + ROWS]
        part = part.astype(object).where(part.notna(), None)
        lines = range(first + start, first + start + len(part))
        ledger.rows_in += len(part)
        yield Batch([[None] * len(part) if at is None else part.iloc[:, at].tolist() for at in chosen], name, lines)


def _guarded(read: Any, name: str) -> Any:
    try:
        return read()
    except Exception as error:  # the readers raise whatever their parsers meet
        raise DataError(f"[{name}] cannot be read: {type(error).__name__}: {error}.") from error
