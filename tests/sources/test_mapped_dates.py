"""ISO dates that a mapping reads as numbers: what to write is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Convert = Callable[..., Any]
DAYS = [f"2024-05-{k + 1:02d}T10:00:00+02:00" for k in range(20)]
HINT = (
    "[2024-05-01T10:00:00+02:00] is an ISO date: if all are, write timestamp: {from: Bestelldatum, date: iso} "
    "in the mapping of the interactions"
)


@pytest.fixture
def orders(convert: Convert, tmp_path: Path) -> Convert:
    """A function that converts orders of these days, the time mapped as said."""

    def run(days: list[str], time: str, rating: str = "") -> Any:
        columns = f"{{user_id: Kunde, item_id: Artikel, timestamp: {time}{rating}}}"
        (tmp_path / "m.yaml").write_text(f"interactions: {{file: o.csv, columns: {columns}}}\n")
        rows = "".join(f"u{k % 7},p{k % 5},{day}\n" for k, day in enumerate(days))
        text = f"Kunde,Artikel,Bestelldatum\n{rows}"
        return convert({"o.csv": text}, "--mapping", str(tmp_path / "m.yaml"), "--overwrite")

    return run


def test_iso_dates_read_as_numbers_name_what_to_write(orders: Convert, capsys: pytest.CaptureFixture[str]) -> None:
    assert orders(DAYS, "Bestelldatum") == 2
    told = f"No interaction is left of 20 (20 x timestamp is not a number). {HINT}."
    assert told in capsys.readouterr().err
    rows, account = orders(DAYS, "{from: Bestelldatum, date: iso}")
    assert rows["inter"][1] == ["u0", "p0", "1714550400"] and account["warnings"] == []


def test_iso_dates_among_numbers_are_told_in_the_warning(orders: Convert) -> None:
    _, account = orders([*DAYS, "1714550400"], "Bestelldatum")
    assert account["warnings"][0].startswith("20 of 21 rows of the interactions were left out as damaged")
    assert account["warnings"][0].endswith(f". {HINT}")


def test_iso_dates_in_a_column_that_may_be_empty_are_told(orders: Convert) -> None:
    _, account = orders(DAYS, "{from: Bestelldatum, required: false}")
    assert account["warnings"][0].startswith("no row of the interactions has a value for [timestamp]")
    assert account["warnings"][1].endswith(f". {HINT}")


@pytest.mark.parametrize("rating", ["", ", rating: Bestelldatum"], ids=["words", "ratings"])
def test_what_is_no_date_or_no_time_gets_no_hint(
    orders: Convert, rating: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert orders(DAYS if rating else ["soon"] * 3, "'Kunde'" if rating else "Bestelldatum", rating) == 2
    assert "ISO" not in capsys.readouterr().err
