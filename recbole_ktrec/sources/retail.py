"""Online Retail and Online Retail II (UCI): invoices of a shop, as a workbook, parquet or CSV.

Format: https://archive.ics.uci.edu/dataset/352/online+retail . An invoice number that starts with C is a cancellation;
stock codes of products start with five digits (others are postage, fees, corrections).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from recbole_ktrec.errors import DataError
from recbole_ktrec.sources import delimited, frames
from recbole_ktrec.sources.delimited import Dialect
from recbole_ktrec.sources.files import Inputs, Member
from recbole_ktrec.sources.ledger import Ledger
from recbole_ktrec.sources.tables import Batch, Column, Source, Table, item_id, kept, text, timestamp, user_id
from recbole_ktrec.sources.values import date, price

_FIRST = ["CustomerID", "StockCode", "Quantity", "UnitPrice", "InvoiceDate", "InvoiceNo", "Description", "Country"]
_SECOND = ["Customer ID", "StockCode", "Quantity", "Price", "InvoiceDate", "Invoice", "Description", "Country"]
_CSV = Dialect(",", encodings=("utf-8", "latin-1"))
_PRODUCT = re.compile(r"\d{5}")
_ISO = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
#: 3/5/2011 is the third of May or the fifth of March: one file has one order, that of UCI is the second.
_MONTH_FIRST = date(*_ISO, "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M")
_DAY_FIRST = date(*_ISO, "%d/%m/%Y %H:%M", "%d/%m/%y %H:%M")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/")
_DATE = 4  # its place in the batches


def _tables(inputs: Inputs, options: dict[str, object]) -> Sequence[Table]:
    found = inputs.find("invoices", "*retail*.xlsx", "*retail*.parquet", "*retail*.csv", "data.csv")
    for member in found:
        if frames.ending(member):
            frames.require(member)
    names: defaultdict[str, Counter[str]] = defaultdict(Counter)
    homes: dict[str, str] = {}
    when = [_MONTH_FIRST]  # of the file that is being read

    def read(ledger: Ledger) -> Iterator[Batch]:
        for member in found:
            when[0] = _order(inputs, member)
            for batch in _rows(inputs, member, ledger):
                batch = batch if options["all"] else _sales(ledger, batch)
                _note(batch, names, homes)
                yield Batch(batch.columns[:5], batch.file, batch.lines)

    def products(ledger: Ledger) -> Iterator[Batch]:
        ledger.rows_in += len(names)
        best = [each.most_common(1)[0][0] for each in names.values()]
        yield Batch([list(names), best], found[0].name, [0] * len(names))

    def people(ledger: Ledger) -> Iterator[Batch]:
        ledger.rows_in += len(homes)
        yield Batch([list(homes), list(homes.values())], found[0].name, [0] * len(homes))

    bought = [Column("quantity", "float"), Column("price", "float", price)]
    columns = [user_id(_customer), item_id(), *bought, timestamp(lambda value: when[0](value))]
    return [
        Table("inter", columns, read),
        Table("item", [item_id(), text("description")], products),
        Table("user", [user_id(), Column("country")], people),
    ]


def _rows(inputs: Inputs, member: Member, ledger: Ledger) -> Iterator[Batch]:
    if frames.ending(member):
        second = "Customer ID" in frames.names(inputs, member)
        return frames.batches(inputs, member, _SECOND if second else _FIRST, ledger)
    second = b"customer id" in inputs.head(member, 1 << 12).split(b"\n")[0].lower()
    return delimited.batches(inputs, member, _SECOND if second else _FIRST, ledger, _CSV)


def _order(inputs: Inputs, member: Member) -> Callable[[object], float]:
    """Return how a file writes its dates: day first if some day is above 12.

    Raises:
        DataError: some dates can only be day first and others only month first.
    """
    first = second = ""
    if frames.ending(member):  # there dates are no text
        return _MONTH_FIRST
    for batch in _rows(inputs, member, Ledger("inter")):
        for value in {str(value) for value in batch.columns[_DATE]}:
            if parts := _SLASHED.match(value):
                first = value if int(parts[1]) > 12 else first
                second = value if int(parts[2]) > 12 else second
    if first and second:
        raise DataError(f"[{member.name}]: [{first}] is day first and [{second}] month first: save it with one order.")
    return _DAY_FIRST if first else _MONTH_FIRST


def _sales(ledger: Ledger, batch: Batch) -> Batch:
    """Leave out cancellations and what is not a product."""
    cancelled = [str(invoice).startswith("C") for invoice in batch.columns[5]]
    product = [code in (None, "") or bool(_PRODUCT.match(str(code))) for code in batch.columns[1]]
    ledger.rule("cancelled invoice", sum(cancelled))
    ledger.rule("not a product", sum(not p and not c for p, c in zip(product, cancelled, strict=True)))
    return kept(batch, [p and not c for p, c in zip(product, cancelled, strict=True)])


def _note(batch: Batch, names: defaultdict[str, Counter[str]], homes: dict[str, str]) -> None:
    """Remember what products are called and where customers live."""
    for customer, code, description, country in zip(*(batch.columns[i] for i in (0, 1, 6, 7)), strict=True):
        if code not in (None, "") and description not in (None, ""):
            names[str(code)][str(description)] += 1
        if customer not in (None, "") and country not in (None, ""):
            homes.setdefault(str(_customer(customer)), str(country))


def _customer(value: object) -> object:
    """Return 17850 for ``17850.0``, as spreadsheets save it."""
    return value.removesuffix(".0") if isinstance(value, str) else int(value) if isinstance(value, float) else value


RETAIL = Source(
    title="Online Retail, Online Retail II (UCI)",
    domain="e-commerce",
    files="Online Retail.xlsx | online_retail_II.xlsx (or saved as .csv or .parquet)",
    url="https://archive.ics.uci.edu/dataset/352/online+retail",
    tables=_tables,
    text_fields=("description",),
    since=1_259_625_600.0,  # 1 December 2009: the first day of Online Retail II
    options={"all": (False, "keep cancellations and rows that are no products (postage, fees)")},
)
